package fetch

import (
	"bytes"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// hostile is a server of one file that does what servers and networks do.
type hostile struct {
	*httptest.Server
	mu       sync.Mutex
	data     []byte
	answer   func(w http.ResponseWriter, r *http.Request, n int) bool // true: it has answered; n counts from 1
	limit    int                                                      // break off after so many bytes of an answer; 0 never
	slow     time.Duration                                            // between pieces of 16 kB
	tag      string                                                   // ETag
	noRange  bool
	requests int
	ranges   []string // headers Range, as they came
	sent     int      // bytes of the file
}

func serve(t *testing.T, data []byte) *hostile {
	h := &hostile{data: data, tag: `"v1"`}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hostile) url() string { return h.URL + "/file.tar.gz" }

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.requests++
	h.ranges = append(h.ranges, r.Header.Get("Range"))
	n, answer, tag, data, limit, slow := h.requests, h.answer, h.tag, h.data, h.limit, h.slow
	h.mu.Unlock()
	if answer != nil && answer(w, r, n) {
		return
	}
	from, ranged := 0, false
	if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok && !h.noRange {
		if match := r.Header.Get("If-Range"); match == "" || match == tag {
			from, _ = strconv.Atoi(strings.TrimSuffix(text, "-"))
			ranged = true
		}
	}
	w.Header().Set("ETag", tag)
	if from >= len(data) && ranged {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", len(data)))
		w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)-from))
	if ranged {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
		w.WriteHeader(http.StatusPartialContent)
	}
	rest := data[from:]
	if limit > 0 && limit < len(rest) {
		rest = rest[:limit]
	}
	for len(rest) > 0 {
		piece := rest[:min(len(rest), 16<<10)]
		n, err := w.Write(piece)
		h.mu.Lock()
		h.sent += n
		h.mu.Unlock()
		if err != nil {
			return
		}
		rest = rest[len(piece):]
		if slow > 0 {
			w.(http.Flusher).Flush()
			time.Sleep(slow)
		}
	}
	if limit > 0 && len(data)-from > limit {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler) // the connection breaks off
	}
}

// set changes the server between requests.
func (h *hostile) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

func (h *hostile) counts() (requests, sent int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests, h.sent
}

// archive is a file in the right format whose bytes cannot be guessed.
func archive(size int) []byte {
	data := make([]byte, size)
	x := uint32(1)
	for i := range data {
		x = x*1664525 + 1013904223
		data[i] = byte(x >> 24)
	}
	copy(data, "\x1f\x8b\x08\x00")
	return data
}

// published is the entry of the table for a file that lies at some addresses.
func published(data []byte, urls ...string) Source {
	sum := md5.Sum(data)
	return Source{Set: "set", File: "file.tar.gz", URLs: urls, MD5: hex.EncodeToString(sum[:])}
}

// fetcher downloads into a folder of its own, without pauses; the pauses it was
// asked for are noted.
func fetcher(t *testing.T) (*Fetcher, *[]time.Duration) {
	t.Helper()
	pauses := new([]time.Duration)
	return &Fetcher{
		Dir:   filepath.Join(t.TempDir(), "data"),
		Stall: 5 * time.Second,
		Log:   t.Logf,
		sleep: func(ctx context.Context, d time.Duration) error {
			*pauses = append(*pauses, d)
			return ctx.Err()
		},
	}, pauses
}

// wantFile wants the file to be there, whole, with nothing left beside it.
func wantFile(t *testing.T, f *Fetcher, got Result, err error, data []byte) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	have, err := os.ReadFile(filepath.Join(f.Dir, "file.tar.gz"))
	if err != nil || !bytes.Equal(have, data) || got.Bytes != int64(len(data)) || got.SHA256 != hex.EncodeToString(sum[:]) {
		t.Fatalf("%d bytes of %d, %v; %+v", len(have), len(data), err, got)
	}
	for _, name := range []string{"file.tar.gz.part", "file.tar.gz.origin.json", "lock"} {
		if _, err := os.Stat(filepath.Join(f.Dir, folder, name)); err == nil {
			t.Errorf("%s is left", name)
		}
	}
}

// wantNoFile wants an error with some words, and nothing under the file's name.
func wantNoFile(t *testing.T, f *Fetcher, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
	if _, err := os.Stat(filepath.Join(f.Dir, "file.tar.gz")); err == nil {
		t.Error("a wrong file is there")
	}
}
