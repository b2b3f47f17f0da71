package fetch

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

func TestGetOnce(t *testing.T) {
	data := archive(300_000)
	h := serve(t, data)
	s := published(data, h.url())
	f, _ := fetcher(t)
	var seen []int64
	f.Progress = func(file string, done, total int64) {
		if file != s.File || total != int64(len(data)) {
			t.Errorf("progress of %s: %d of %d", file, done, total)
		}
		seen = append(seen, done)
	}
	got, err := f.Get(t.Context(), s)
	wantFile(t, f, got, err, data)
	if !got.Published || got.Downloaded != int64(len(data)) || !slices.IsSorted(seen) || seen[len(seen)-1] != int64(len(data)) {
		t.Errorf("%+v, progress %v", got, seen)
	}
	for range 2 { // by the record, then by reading the file
		if got, err = f.Get(t.Context(), s); err != nil || got.Downloaded != 0 || !got.Published {
			t.Errorf("%+v, %v", got, err)
		}
		if err := os.Remove(f.inside(s.File + ".json")); err != nil {
			t.Error(err)
		}
	}
	if requests, sent := h.counts(); requests != 1 || sent != len(data) {
		t.Errorf("%d requests, %d bytes", requests, sent)
	}
}

// Every connection breaks off: each byte comes once all the same.
func TestBrokenConnections(t *testing.T) {
	for name, digest := range map[string]bool{"published": true, "recorded": false} {
		t.Run(name, func(t *testing.T) {
			data := packed(t, 300_000)
			h := serve(t, data)
			h.limit = 70_000
			s := published(data, h.url())
			if !digest {
				s.MD5 = ""
			}
			f, pauses := fetcher(t)
			got, err := f.Get(t.Context(), s)
			wantFile(t, f, got, err, data)
			if requests, sent := h.counts(); sent != len(data) || requests != (len(data)+69_999)/70_000 || got.Published != digest {
				t.Errorf("%d requests, %d bytes of %d, %+v", requests, sent, len(data), got)
			}
			for _, p := range *pauses {
				if p != firstPause {
					t.Errorf("pauses %v grow although every attempt brought something", *pauses)
				}
			}
		})
	}
}

// packed is a sound .tar.gz of about some size.
func packed(t *testing.T, size int) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	content := archive(size)
	if err := w.WriteHeader(&tar.Header{Name: "a", Mode: 0o644, Size: int64(size)}); err != nil {
		t.Fatal(err)
	}
	w.Write(content)
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A server that ignores ranges and breaks off can never give the file; one that
// ignores ranges once it is whole can.
func TestRangesIgnored(t *testing.T) {
	data := archive(300_000)
	h := serve(t, data)
	h.noRange, h.limit = true, 100_000
	f, _ := fetcher(t)
	_, err := f.Get(t.Context(), published(data, h.url()))
	wantNoFile(t, f, err, "attempts brought nothing more", "put it at "+filepath.Join(f.Dir, "file.tar.gz"))
	if requests, _ := h.counts(); requests != 7 {
		t.Errorf("%d requests", requests)
	}
	h.set(func() { h.limit = 0 })
	got, err := f.Get(t.Context(), published(data, h.url()))
	wantFile(t, f, got, err, data)
}

// The file changes on the server between two attempts: what was there is not
// glued to what comes.
func TestFileChangesOnTheServer(t *testing.T) {
	before, after := packed(t, 300_000), packed(t, 200_000)
	h := serve(t, before)
	h.limit = 100_000
	h.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n == 2 {
			h.set(func() { h.tag, h.data, h.limit = `"v2"`, after, 0 })
			h.set(func() { h.answer = nil })
			h.requests--
			h.ServeHTTP(w, r)
			return true
		}
		return false
	}
	s := published(after, h.url())
	s.MD5 = "" // nothing but If-Range tells
	f, _ := fetcher(t)
	got, err := f.Get(t.Context(), s)
	wantFile(t, f, got, err, after)
}

func TestLies(t *testing.T) {
	data := archive(200_000)
	for name, c := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request, n int) bool
		says   string // "": the file comes all the same
	}{
		"longer than it is": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)+500))
			w.Write(data)
			return true
		}, ""},
		"shorter than it is": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)-500))
			w.Write(data[:len(data)-500])
			return true
		}, "MD5 is"},
		"no length": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			w.Write(data[:1000])
			w.(http.Flusher).Flush() // makes it chunked
			w.Write(data[1000:])
			return true
		}, ""},
		"wrong bytes": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			wrong := bytes.Clone(data)
			wrong[100_000]++
			w.Write(wrong)
			return true
		}, "MD5 is"},
		"web page": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			w.Write([]byte("\n<!DOCTYPE html><html>This file was moved</html>"))
			return true
		}, "a web page"},
		"empty":     {func(w http.ResponseWriter, r *http.Request, n int) bool { return true }, "MD5 is"},
		"not found": {func(w http.ResponseWriter, r *http.Request, n int) bool { http.NotFound(w, r); return true }, "the link is dead (404"},
		"forbidden": {func(w http.ResponseWriter, r *http.Request, n int) bool { w.WriteHeader(403); return true }, "403 Forbidden"},
		"circle": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
			return true
		}, "in a circle"},
		"redirect": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			if n == 1 {
				http.Redirect(w, r, "/elsewhere/file", http.StatusMovedPermanently)
			}
			return n == 1
		}, ""},
		"a part unasked": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			w.Header().Set("Content-Range", "bytes 0-9/10")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[:10])
			return true
		}, "a part of the file where all of it"},
		"another part than asked": {func(w http.ResponseWriter, r *http.Request, n int) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes 5-199999/200000")
			w.WriteHeader(http.StatusPartialContent)
			w.Write(data[5:])
			return true
		}, "attempts brought nothing more"},
		"always broken": {func(w http.ResponseWriter, r *http.Request, n int) bool { panic(http.ErrAbortHandler) }, "attempts brought nothing more"},
	} {
		t.Run(name, func(t *testing.T) {
			h := serve(t, data)
			h.answer = c.answer
			if name == "another part than asked" {
				h.limit = 50_000
			}
			f, _ := fetcher(t)
			got, err := f.Get(t.Context(), published(data, h.url()))
			if c.says == "" {
				wantFile(t, f, got, err, data)
				return
			}
			wantNoFile(t, f, err, c.says, h.url(), "put it at "+filepath.Join(f.Dir, "file.tar.gz"), "its MD5 is "+published(data).MD5)
			var missing *MissingError
			if !errors.As(err, &missing) || len(missing.Tried) != 1 {
				t.Errorf("%#v", err)
			}
		})
	}
}

// What comes from a bad address is not kept; the next one gives the file.
func TestMirrors(t *testing.T) {
	data := archive(200_000)
	wrong := bytes.Clone(data)
	wrong[7]++
	bad, dead, good := serve(t, wrong), serve(t, nil), serve(t, data)
	dead.answer = func(w http.ResponseWriter, r *http.Request, n int) bool { http.NotFound(w, r); return true }
	f, _ := fetcher(t)
	f.Mirrors = []string{bad.URL + "/"}
	got, err := f.Get(t.Context(), published(data, dead.url(), good.url()))
	wantFile(t, f, got, err, data)
	if requests, sent := good.counts(); requests != 1 || sent != len(data) {
		t.Errorf("%d requests, %d bytes", requests, sent)
	}
	// Half of the file from one address, half from another, by the digest.
	half, other := serve(t, data), serve(t, data)
	half.limit = 100_000
	half.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n > 1 {
			w.WriteHeader(http.StatusGone)
		}
		return n > 1
	}
	f, _ = fetcher(t)
	got, err = f.Get(t.Context(), published(data, half.url(), other.url()))
	wantFile(t, f, got, err, data)
	if _, sent := other.counts(); sent != 100_000 {
		t.Errorf("%d bytes came twice", sent-100_000)
	}
	// The second half is of another file: all of it is downloaded again.
	half.set(func() { half.requests, half.data = 0, wrong })
	f, _ = fetcher(t)
	got, err = f.Get(t.Context(), published(data, half.url(), other.url()))
	wantFile(t, f, got, err, data)
}

// A page that says "moved" does not cost what was downloaded before it came.
func TestAPartOutlivesAWebPage(t *testing.T) {
	data := archive(200_000)
	h := serve(t, data)
	h.limit = 150_000
	h.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n == 2 {
			w.Write([]byte("<html>no such file, sorry</html>"))
		}
		return n == 2
	}
	f, _ := fetcher(t)
	_, err := f.Get(t.Context(), published(data, h.url()))
	wantNoFile(t, f, err, "web page")
	got, err := f.Get(t.Context(), published(data, h.url()))
	wantFile(t, f, got, err, data)
	if _, sent := h.counts(); sent != len(data) {
		t.Errorf("%d bytes were sent", sent)
	}
}

func TestBusyServer(t *testing.T) {
	data := archive(50_000)
	h := serve(t, data)
	h.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		switch n {
		case 1:
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			w.Header().Set("Retry-After", time.Now().Add(20*time.Second).UTC().Format(http.TimeFormat))
			w.WriteHeader(http.StatusTooManyRequests)
		case 3:
			w.Header().Set("Retry-After", "999999999")
			w.WriteHeader(http.StatusBadGateway)
		default:
			return false
		}
		return true
	}
	f, pauses := fetcher(t)
	got, err := f.Get(t.Context(), published(data, h.url()))
	wantFile(t, f, got, err, data)
	p := *pauses
	if len(p) != 3 || p[0] != 7*time.Second || p[1] < 17*time.Second || p[1] > 20*time.Second || p[2] != maxWait {
		t.Errorf("pauses %v", p)
	}
	h.answer = func(w http.ResponseWriter, r *http.Request, n int) bool { w.WriteHeader(503); return true }
	f, pauses = fetcher(t)
	_, err = f.Get(t.Context(), published(data, h.url()))
	wantNoFile(t, f, err, "503", "6 attempts")
	if !slices.IsSorted(*pauses) || len(*pauses) != 5 {
		t.Errorf("pauses %v", *pauses)
	}
}

// A slow server is waited for; one that brings nothing is asked again.
func TestSlowServer(t *testing.T) {
	data := archive(100_000)
	h := serve(t, data)
	h.slow = 60 * time.Millisecond
	f, _ := fetcher(t)
	f.Stall = 250 * time.Millisecond // shorter than the download
	got, err := f.Get(t.Context(), published(data, h.url()))
	wantFile(t, f, got, err, data)

	stuck := serve(t, data)
	free := make(chan struct{})
	defer close(free)
	stuck.answer = func(w http.ResponseWriter, r *http.Request, n int) bool {
		if n == 1 {
			w.Header().Set("Content-Length", strconv.Itoa(len(data)))
			w.Write(data[:40_000])
			w.(http.Flusher).Flush()
			<-free
		}
		return n == 1
	}
	f, _ = fetcher(t)
	f.Stall = 250 * time.Millisecond
	got, err = f.Get(t.Context(), published(data, stuck.url()))
	wantFile(t, f, got, err, data)
	if _, sent := stuck.counts(); sent != 60_000 {
		t.Errorf("%d bytes came after 40000", sent)
	}
}

// Ctrl-C leaves a part, and says so.
func TestCancelled(t *testing.T) {
	data := archive(400_000)
	h := serve(t, data)
	h.slow = 20 * time.Millisecond
	f, _ := fetcher(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.Progress = func(_ string, done, _ int64) {
		if done > 100_000 {
			cancel()
		}
	}
	_, err := f.Get(ctx, published(data, h.url()))
	wantNoFile(t, f, err, "run again to go on")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not wrap the cancellation", err)
	}
	part, err := os.Stat(f.inside("file.tar.gz.part"))
	if err != nil || part.Size() < 100_000 {
		t.Fatalf("%v, %v", part, err)
	}
	if _, err := f.Get(ctx, published(data, h.url())); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
	f.Progress = nil
	h.set(func() { h.slow = 0 })
	got, err := f.Get(t.Context(), published(data, h.url()))
	wantFile(t, f, got, err, data)
	if got.Downloaded != int64(len(data))-part.Size() {
		t.Errorf("%d bytes of %d were downloaded after %d", got.Downloaded, len(data), part.Size())
	}
}
