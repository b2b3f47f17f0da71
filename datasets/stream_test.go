package datasets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
)

// colourful is a tree of pictures of several sizes, no two alike.
func colourful(t testing.TB) files {
	f := files{}
	for i := range 6 {
		m := newImage(9+i, 12-i)
		for k := range m.Pix {
			m.Pix[k] = uint8(k*k*(i+3) + 31*i)
		}
		f[fmt.Sprintf("set/%c/%d.png", 'a'+i%2, i)] = encodePNG(t, asRGBA(m))
	}
	return f
}

// A set that stays on disk holds what it would hold in memory.
func TestStreamedEqualsMemory(t *testing.T) {
	dir := colourful(t).writeTo(t, t.TempDir())
	plain := writeFile(t, "set.tar", colourful(t).tar(t))
	want := open(t, dir, Options{Size: 8})
	var digests []string
	for _, spec := range []string{dir, plain, dir + "#set", plain + "#set"} {
		s := open(t, spec, Options{Size: 8, Stream: true})
		if _, ok := s.(*streamed); !ok {
			t.Fatalf("%s: %T", spec, s)
		}
		if !bytes.Equal(readAll(t, s), readAll(t, want)) || summary(t, s) != summary(t, want) || fmt.Sprint(s.Classes()) != "[a b]" {
			t.Errorf("%s: %s, want %s", spec, summary(t, s), summary(t, want))
		}
		d := digestOfSet(t, s)
		if !strings.HasPrefix(d, "files:") {
			t.Errorf("digest %s", d)
		}
		digests = append(digests, d)
		m, label, err := pictureOf(s, 3)
		must(t, err)
		if m.Width != 10 || m.Height != 11 || label != 1 {
			t.Errorf("%s: picture of %dx%d, label %d", spec, m.Width, m.Height, label)
		}
		must(t, closeSet(s))
	}
	if digests[0] != digests[1] || digests[2] != digests[3] {
		t.Errorf("%v", digests)
	}
	packed := writeFile(t, "set.tar.gz", gzipped(t, colourful(t).tar(t)))
	wantError(t, packed, Options{Size: 8, Stream: true}, "compressed", "unpack it")
	if _, err := Open(context.Background(), packed, Options{Size: 8, Stream: true}); !errors.Is(err, ErrCompressed) {
		t.Errorf("%v does not wrap ErrCompressed", err)
	}
}

func TestStreamedDigestTellsChanges(t *testing.T) {
	f := colourful(t)
	dir := f.writeTo(t, t.TempDir())
	o := Options{Size: 8, Stream: true}
	before := digestOfSet(t, open(t, dir, o))
	part := Subset(open(t, dir, o), []int{1, 2})
	if d := digestOfSet(t, part); !strings.HasPrefix(d, "part:") || d == digestOfSet(t, Subset(open(t, dir, o), []int{2, 1})) {
		t.Errorf("part: %s", d)
	}
	if same := digestOfSet(t, open(t, f.writeTo(t, t.TempDir()), o)); same != before {
		t.Error("the same files elsewhere have another digest")
	}
	if o.Size = 9; digestOfSet(t, open(t, dir, o)) == before {
		t.Error("another size has the same digest")
	}
	o.Size = 8
	files{"set/a/9.png": plainPNG(t, 3, 3, 1)}.writeTo(t, dir)
	if digestOfSet(t, open(t, dir, o)) == before {
		t.Error("one more file has the same digest")
	}
}

func TestStreamedErrors(t *testing.T) {
	dir := files{"a/1.png": plainPNG(t, 2, 2, 1), "a/2.png": []byte("no picture"), "a/3.png": plainPNG(t, 3, 2, 1)}.writeTo(t, t.TempDir())
	s := open(t, dir, Options{Stream: true})
	buf := make([]uint8, 12)
	for i, says := range []string{"", "a/2.png", "3x2 pixels where the first picture is 2x2"} {
		_, err := s.Read(i, buf)
		if says == "" && err != nil || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
			t.Errorf("picture %d: %v", i, err)
		}
	}
	must(t, os.Remove(dir+"/a/1.png"))
	if _, err := s.Read(0, buf); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a picture that is gone: %v", err)
	}
}

// Several goroutines may read one set.
func TestStreamedConcurrently(t *testing.T) {
	s := open(t, writeFile(t, "set.tar", colourful(t).tar(t)), Options{Size: 8, Stream: true})
	want := readAll(t, s)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if got := readAll(t, s); !bytes.Equal(got, want) {
				t.Error("other pixels")
			}
		})
	}
	all.Wait()
}

func TestIndexedTarErrors(t *testing.T) {
	packed := colourful(t).tar(t)
	o := Options{Size: 8, Stream: true}
	for n := 0; n < len(packed); n += 256 {
		if s, err := Open(t.Context(), writeFile(t, "cut.tar", packed[:n]), o); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a whole archive: %d images", n, len(packed), s.Len())
		}
	}
	wantError(t, writeFile(t, "cut.tar", packed[:len(packed)-1024]), o, "cut off")
}

// ILSVRC2012_img_train.tar is an archive of one archive for each class.
func TestArchiveOfArchives(t *testing.T) {
	id, aux, err := ImageNetSplit(10)
	must(t, err)
	outer := files{}
	for i, class := range append(id[:10:10], aux[0]) {
		inner := files{class + "_1.JPEG": plainPNG(t, 5, 5, uint8(2*i)), class + "_2.JPEG": plainPNG(t, 5, 5, uint8(2*i+1))}
		outer[class+".tar"] = inner.tar(t)
	}
	root := files{"ILSVRC2012_img_train.tar": outer.tar(t)}.writeTo(t, t.TempDir())
	s := open(t, "imagenet10", Options{Root: root, Train: true, Size: 4})
	if got := summary(t, s); !strings.HasPrefix(got, "00:0 01:0 02:1 03:1 04:2") || s.Len() != 20 {
		t.Errorf("%d images, %s", s.Len(), got)
	}
	if got := summary(t, open(t, "imagenet10-aux", Options{Root: root, Train: true, Size: 4})); got != "14:0 15:0" {
		t.Error(got)
	}
	cut := outer
	cut[aux[0]+".tar"] = cut[aux[0]+".tar"][:1024]
	root = files{"ILSVRC2012_img_train.tar": cut.tar(t)}.writeTo(t, t.TempDir())
	wantError(t, "imagenet10", Options{Root: root, Train: true, Size: 4}, aux[0]+".tar", "cut off")
}
