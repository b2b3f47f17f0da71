package datasets

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"image"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"gradgrad/internal/testkit"
)

// sharedData gives a file of the reference images, or skips the test.
func sharedData(t testing.TB, name string) string {
	t.Helper()
	return testkit.Shared(t, "data/"+name)
}

// files maps paths to contents; a path that ends in a slash is a folder.
type files map[string][]byte

func (f files) writeTo(t testing.TB, dir string) string {
	t.Helper()
	for name, data := range f {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") {
			must(t, os.MkdirAll(file, 0o755))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(file), 0o755))
		must(t, os.WriteFile(file, data, 0o644))
	}
	return dir
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tar packs the files in falling order of their names, so that a reader that
// forgets to sort is seen.
func (f files) tar(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	names := slices.Sorted(maps.Keys(f))
	slices.Reverse(names)
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(f[name])), Typeflag: tar.TypeReg}
		if strings.HasSuffix(name, "/") {
			h.Typeflag = tar.TypeDir
		}
		must(t, w.WriteHeader(h))
		_, err := w.Write(f[name])
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return b.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithWindowSize(zstdWindow))
	must(t, err)
	return w.EncodeAll(data, nil)
}

func writeFile(t testing.TB, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(file, data, 0o644))
	return file
}

// plainPNG is a picture of one grey value.
func plainPNG(t testing.TB, w, h int, value uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, w, h))
	for i := range m.Pix {
		m.Pix[i] = value
	}
	return encodePNG(t, m)
}

// cifarRecord is one image whose red, green and blue planes count from value,
// value+1 and value+2.
func cifarRecord(value uint8, labels ...uint8) []byte {
	record := labels
	for c := range 3 {
		for i := range cifarSide * cifarSide {
			record = append(record, value+uint8(c)+uint8(i))
		}
	}
	return record
}

// summary writes a set in a line: the first red value and the label of each
// image.
func summary(t testing.TB, s Set) string {
	t.Helper()
	h, w := s.Size()
	buf := make([]uint8, 3*h*w)
	var b strings.Builder
	for i := range s.Len() {
		label, err := s.Read(i, buf)
		must(t, err)
		fmt.Fprintf(&b, "%s:%d ", hex.EncodeToString(buf[:1]), label)
	}
	return strings.TrimSpace(b.String())
}

func open(t testing.TB, spec string, o Options) Set {
	t.Helper()
	s, err := Open(t.Context(), spec, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantError opens what cannot be opened and looks for words in the error.
func wantError(t testing.TB, spec string, o Options, words ...string) {
	t.Helper()
	s, err := Open(t.Context(), spec, o)
	if err == nil {
		t.Errorf("%s was opened: %d images", spec, s.Len())
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

// asRGBA makes a picture one that the encoders of the standard library take.
func asRGBA(m Image) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, m.Width, m.Height))
	for i := range m.Width * m.Height {
		copy(out.Pix[4*i:], append(m.Pix[3*i:3*i+3:3*i+3], 255))
	}
	return out
}
