package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFetch downloads from a mirror an archive without a published digest, once,
// and notices when it changes.
func TestFetch(t *testing.T) {
	dir := t.TempDir()
	packed := read(t, "../../datasets/testdata/official/cifar-10-python.tar.gz") // a sound archive
	requests := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests++
		if r.URL.Path != "/m/iSUN.tar.gz" {
			http.NotFound(w, r)
			return
		}
		w.Write(packed)
	}))
	defer server.Close()
	get := func(args ...string) result {
		return cifar(t, dir, append([]string{"fetch", "-data", "data", "-from", server.URL + "/m"}, args...)...)
	}
	for range 2 {
		if r := get("isun"); r.code != 0 || !strings.Contains(r.out, "data/iSUN.tar.gz: ") || !strings.Contains(r.out, "recorded SHA-256") {
			t.Fatalf("exit code %d\n%s%s", r.code, r.out, r.err)
		}
	}
	if requests != 1 {
		t.Errorf("%d requests", requests)
	}
	if r := get("-verify", "isun"); r.code != 0 || !strings.Contains(r.out, "was there") {
		t.Errorf("exit code %d\n%s%s", r.code, r.out, r.err)
	}
	if r := ok(t, dir, "sets", "-data", "data"); !strings.Contains(r.out, "iSUN.tar.gz") {
		t.Errorf("%s", r.out)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "iSUN.tar.gz"), packed[:300], 0o666); err != nil {
		t.Fatal(err)
	}
	r := get("-verify", "isun")
	if r.code != 1 {
		t.Errorf("exit code %d", r.code)
	}
	oneSentence(t, r, "has changed")
	// No address: the file must be put there.
	r = get("tiny_images.bin")
	if r.code != 1 {
		t.Errorf("exit code %d", r.code)
	}
	oneSentence(t, r, "put it at "+filepath.Join("data", "tiny_images.bin"))
	for args, says := range map[string]string{"": "name sets to fetch: cifar10", "nothing": `no set or file "nothing"`} {
		r := cifar(t, dir, append([]string{"fetch"}, strings.Fields(args)...)...)
		if r.code != 2 || !strings.Contains(r.err, says) {
			t.Errorf("%q: exit code %d, %s", args, r.code, r.err)
		}
	}
}

func TestSets(t *testing.T) {
	dir := t.TempDir()
	if r := ok(t, dir, "sets", "svhn", "imagenet10"); !strings.Contains(r.out, "#per-class=1000") ||
		!strings.Contains(r.out, "eb5a983be6a315427106f1b164d9cef3") || !strings.Contains(r.out, "LOC_val_solution.csv") {
		t.Errorf("%s", r.out)
	}
	if r := cifar(t, dir, "sets", "nothing"); r.code != 2 || !strings.Contains(r.err, "cifar10, cifar100") {
		t.Errorf("exit code %d, %s", r.code, r.err)
	}
}
