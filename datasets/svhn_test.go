package datasets

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"testing"
)

// The files of testdata/scipy hold X[h,w,c,n] = 7h + 13w + 31c + 57n of size
// 4 x 3 x 3 x 12 and the labels 1 to 10, 1, 2; one with compressed uint8
// elements, one plain, with a text and labels in double before X.
func TestSVHNAsScipyWritesIt(t *testing.T) {
	for _, name := range []string{"compressed", "plain"} {
		s := open(t, "testdata/scipy/"+name+".mat", Options{})
		if h, w := s.Size(); h != 4 || w != 3 || s.Len() != 12 || s.Name() != name || len(s.Classes()) != 10 {
			t.Fatalf("%s: %d images of %dx%d, classes %v", s.Name(), s.Len(), w, h, s.Classes())
		}
		buf := make([]uint8, 36)
		for n := range 12 {
			label, err := s.Read(n, buf)
			must(t, err)
			if label != (n%10+1)%10 {
				t.Errorf("label %d is %d", n, label)
			}
			for i, v := range buf {
				if y, x, c := i/9, i/3%3, i%3; v != uint8(7*y+13*x+31*c+57*n) {
					t.Fatalf("%s: image %d, row %d, column %d, channel %d is %d", name, n, y, x, c, v)
				}
			}
		}
	}
}

// matFile builds MATLAB files byte by byte.
type matFile struct {
	bytes.Buffer
	order binary.AppendByteOrder
}

func newMatFile(order binary.AppendByteOrder) *matFile {
	f := &matFile{order: order}
	f.WriteString(fmt.Sprintf("%-124s", "MATLAB 5.0 MAT-file"))
	if order == binary.AppendByteOrder(binary.LittleEndian) {
		f.WriteString("\x00\x01IM")
	} else {
		f.WriteString("\x01\x00MI")
	}
	return f
}

func (f *matFile) word(b *bytes.Buffer, values ...int) {
	for _, v := range values {
		b.Write(f.order.AppendUint32(nil, uint32(v)))
	}
}

func (f *matFile) element(b *bytes.Buffer, kind int, data []byte) {
	f.word(b, kind, len(data))
	b.Write(data)
	b.Write(make([]byte, (8-len(data)%8)%8))
}

func (f *matFile) array(name string, class, storage int, dims []int, values []byte) []byte {
	var flags, shape, body, out bytes.Buffer
	f.word(&flags, class, 0)
	f.word(&shape, dims...)
	f.element(&body, 6, flags.Bytes())
	f.element(&body, 5, shape.Bytes())
	f.element(&body, 1, []byte(name))
	f.element(&body, storage, values)
	f.word(&out, matPlain, body.Len())
	out.Write(body.Bytes())
	return out.Bytes()
}

func (f *matFile) compressed(array []byte) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write(array)
	z.Close()
	f.word(&f.Buffer, matCompressed, packed.Len())
	f.Write(packed.Bytes())
}

func TestSVHNBigEndian(t *testing.T) {
	f := newMatFile(binary.BigEndian)
	f.compressed(f.array("y", 6, 4, []int{2, 1}, []byte{0, 10, 0, 3}))
	f.Write(f.array("X", 9, 2, []int{1, 2, 3, 2}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}))
	s := open(t, writeFile(t, "big.mat", f.Bytes()), Options{})
	if got, want := summary(t, s), "01:0 07:3"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestSVHNErrors(t *testing.T) {
	x, y := []int{1, 2, 3, 2}, []int{2, 1}
	pixels, labels := make([]byte, 12), []byte{1, 2}
	build := func(edit func(f *matFile)) string {
		f := newMatFile(binary.LittleEndian)
		edit(f)
		return writeFile(t, "bad.mat", f.Bytes())
	}
	wantError(t, build(func(f *matFile) { f.Write(f.array("X", 9, 2, x, pixels)) }), Options{}, "both X", "y")
	wantError(t, build(func(f *matFile) {
		f.Write(f.array("X", 9, 2, x, pixels))
		f.Write(f.array("y", 9, 2, []int{3, 1}, []byte{1, 2, 3}))
	}), Options{}, "2 images but 3 labels")
	wantError(t, build(func(f *matFile) { f.Write(f.array("y", 9, 2, y, []byte{1, 11})) }), Options{}, "label 1 is 11")
	wantError(t, build(func(f *matFile) { f.Write(f.array("X", 6, 9, x, make([]byte, 96))) }), Options{}, "class 6")
	wantError(t, build(func(f *matFile) { f.Write(f.array("X", 9, 2, []int{1 << 30, 1 << 30, 3, 1 << 30}, pixels)) }), Options{}, "more values than")
	wantError(t, build(func(f *matFile) { f.Write(f.array("X", 9, 2, []int{1, 1, 3, 2}, pixels)) }), Options{}, "do not fit")
	wantError(t, build(func(f *matFile) { f.compressed(f.array("y", 9, 2, y, labels)[:40]) }), Options{}, "cut off")

	good, err := os.ReadFile("testdata/scipy/compressed.mat")
	must(t, err)
	for n := range good {
		if n >= 200 && n%7 > 0 {
			continue
		}
		if _, err := Open(t.Context(), writeFile(t, "cut.mat", good[:n]), Options{}); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a whole file", n, len(good))
		}
	}
	hdf := append([]byte("MATLAB 7.3 MAT-file"), make([]byte, 500)...)
	wantError(t, writeFile(t, "new.mat", hdf), Options{}, "7.3", "-v7")
	wantError(t, "testdata/scipy/plain.mat", Options{MaxBytes: 300}, "smaller size")
}

func TestSVHNFolder(t *testing.T) {
	mat, err := os.ReadFile("testdata/scipy/compressed.mat")
	must(t, err)
	plain, err := os.ReadFile("testdata/scipy/plain.mat")
	must(t, err)
	dir := files{"svhn/test_32x32.mat": mat, "svhn/train_32x32.mat": plain[:300]}.writeTo(t, t.TempDir())
	if s := open(t, dir, Options{}); s.Len() != 12 {
		t.Errorf("%d images", s.Len())
	}
	wantError(t, dir, Options{Train: true}, "cut off")
	if s := open(t, "svhn", Options{Root: dir}); s.Name() != "svhn" || !strings.HasPrefix(summary(t, s), "00:1 39:2") {
		t.Errorf("%s: %s", s.Name(), summary(t, s))
	}
}
