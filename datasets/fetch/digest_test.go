package fetch

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file without a published digest must be of its format and whole; its digest
// is recorded.
func TestRecordedDigest(t *testing.T) {
	good := packed(t, 50_000)
	for name, c := range map[string]struct {
		data []byte
		says string
	}{
		"cut off":     {good[:len(good)-100], "damaged or cut off"},
		"damaged":     {append(bytes.Clone(good[:30_000]), bytes.Repeat([]byte{7}, len(good)-30_000)...), "damaged or cut off"},
		"no archive":  {[]byte("this is not what it seems to be"), "no .tar.gz file"},
		"gzip of air": {gzipped(t, nil), "damaged or cut off"},
	} {
		h := serve(t, c.data)
		f, _ := fetcher(t)
		_, err := f.Get(t.Context(), Source{File: "file.tar.gz", URLs: []string{h.url()}})
		t.Log(name)
		wantNoFile(t, f, err, c.says)
	}
	h := serve(t, good)
	s := Source{File: "file.tar.gz", URLs: []string{h.url()}}
	f, _ := fetcher(t)
	got, err := f.Get(t.Context(), s)
	wantFile(t, f, got, err, good)
	if got.Published {
		t.Error("a digest that nobody published")
	}
	if again, err := f.Verify(t.Context(), s); err != nil || again.SHA256 != got.SHA256 {
		t.Errorf("%+v, %v", again, err)
	}
	if err := os.WriteFile(got.Path, packed(t, 50_001), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, check := range []func(context.Context, Source) (Result, error){f.Verify, f.Get} {
		if _, err := check(t.Context(), s); err == nil || !strings.Contains(err.Error(), "has changed") {
			t.Errorf("%v", err)
		}
	}
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file that the user put there is checked, and neither replaced nor believed.
func TestFilePutByHand(t *testing.T) {
	data := archive(50_000)
	s := published(data) // no address
	f, _ := fetcher(t)
	_, err := f.Get(t.Context(), s)
	path := filepath.Join(f.Dir, "file.tar.gz")
	wantNoFile(t, f, err, "put it at "+path, s.MD5)
	if _, err := f.Verify(t.Context(), s); err == nil || !strings.Contains(err.Error(), "put it at "+path) {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, data[:100], 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Get(t.Context(), s); err == nil || !strings.Contains(err.Error(), "not the published file") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := f.Get(t.Context(), s)
	wantFile(t, f, got, err, data)
	if got.Downloaded != 0 || !got.Published {
		t.Errorf("%+v", got)
	}
}

func TestTable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range Sources() {
		if seen[s.File] || checkName(s.File) != nil || s.Set == "" {
			t.Errorf("%+v", s)
		}
		seen[s.File] = true
		if len(s.URLs) == 0 && s.Note == "" {
			t.Errorf("%s: nobody learns where it comes from", s.File)
		}
		for _, u := range s.URLs {
			if !strings.HasPrefix(u, "http") {
				t.Errorf("%s: %s", s.File, u)
			}
		}
		if n := len(s.MD5); n != 0 && n != 32 || len(s.SHA256) != 0 && len(s.SHA256) != 64 {
			t.Errorf("%s: digests %q %q", s.File, s.MD5, s.SHA256)
		}
	}
	if got := For("places365"); len(got) != 2 || len(For("nothing")) > 0 {
		t.Errorf("%+v", got)
	}
	f, _ := fetcher(t)
	for _, name := range []string{"../x", "a/b", "", ".fetch"} {
		if _, err := f.Get(t.Context(), Source{File: name}); err == nil {
			t.Errorf("%q was taken for a file of the folder", name)
		}
	}
}

func TestParseRange(t *testing.T) {
	for text, want := range map[string]struct {
		from, total int64
		ok          bool
	}{
		"bytes 5-9/10": {5, 10, true}, "bytes 5-9/*": {5, -1, true}, "bytes */10": {-1, 10, true},
		"bytes 5-10/10": {}, "bytes 9-5/10": {}, "5-9/10": {}, "bytes -5/10": {}, "": {}, "bytes 5-9/99999999999999999999": {},
	} {
		if from, total, ok := parseRange(text); from != want.from || total != want.total || ok != want.ok {
			t.Errorf("%q: %d, %d, %v", text, from, total, ok)
		}
	}
}
