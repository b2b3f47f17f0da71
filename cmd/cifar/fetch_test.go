package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/internal/testkit"
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
	get := func(args ...string) testkit.Result {
		return cifar(t, dir, append([]string{"fetch", "-data", "data", "-from", server.URL + "/m"}, args...)...)
	}
	for range 2 {
		if r := get("isun"); r.Code != 0 || !strings.Contains(r.Out, "data/iSUN.tar.gz: ") || !strings.Contains(r.Out, "recorded SHA-256") {
			t.Fatalf("exit code %d\n%s%s", r.Code, r.Out, r.Err)
		}
	}
	if requests != 1 {
		t.Errorf("%d requests", requests)
	}
	if r := get("-verify", "isun"); r.Code != 0 || !strings.Contains(r.Out, "was there") {
		t.Errorf("exit code %d\n%s%s", r.Code, r.Out, r.Err)
	}
	if r := ok(t, dir, "sets", "-data", "data"); !strings.Contains(r.Out, "iSUN.tar.gz") {
		t.Errorf("%s", r.Out)
	}
	if err := os.WriteFile(filepath.Join(dir, "data", "iSUN.tar.gz"), packed[:300], 0o666); err != nil {
		t.Fatal(err)
	}
	r := get("-verify", "isun")
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "has changed")
	// No address: the file must be put there.
	r = get("tiny_images.bin")
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "put it at "+filepath.Join("data", "tiny_images.bin"))
	for args, says := range map[string]string{"": "name sets to fetch: cifar10", "nothing": `no set or file "nothing"`} {
		r := cifar(t, dir, append([]string{"fetch"}, strings.Fields(args)...)...)
		if r.Code != 2 || !strings.Contains(r.Err, says) {
			t.Errorf("%q: exit code %d, %s", args, r.Code, r.Err)
		}
	}
}

func TestSets(t *testing.T) {
	dir := t.TempDir()
	if r := ok(t, dir, "sets", "svhn", "imagenet10"); !strings.Contains(r.Out, "#per-class=1000") ||
		!strings.Contains(r.Out, "eb5a983be6a315427106f1b164d9cef3") || !strings.Contains(r.Out, "LOC_val_solution.csv") {
		t.Errorf("%s", r.Out)
	}
	if r := cifar(t, dir, "sets", "nothing"); r.Code != 2 || !strings.Contains(r.Err, "cifar10, cifar100") {
		t.Errorf("exit code %d, %s", r.Code, r.Err)
	}
}
