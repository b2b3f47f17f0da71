package datasets

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// copyOfficial puts files of testdata/official into a folder.
func copyOfficial(t testing.TB, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join("testdata", "official", name))
		must(t, err)
		files{filepath.Base(name): data}.writeTo(t, dir)
	}
}

// wantPixels compares every image with a formula.
func wantPixels(t *testing.T, s Set, want func(n, y, x, c int) int) {
	t.Helper()
	h, w := s.Size()
	buf := make([]uint8, 3*h*w)
	for n := range s.Len() {
		_, err := s.Read(n, buf)
		must(t, err)
		for i, v := range buf {
			if y, x, c := i/(3*w), i/3%w, i%3; v != uint8(want(n, y, x, c)) {
				t.Fatalf("%s: image %d, row %d, column %d, channel %d is %d, want %d", s.Name(), n, y, x, c, v, uint8(want(n, y, x, c)))
			}
		}
	}
}

// batchPixels is the formula of make_python2.py and make_official.py: byte j of
// image i, in three planes.
func batchPixels(seed int) func(n, y, x, c int) int {
	return func(n, y, x, c int) int {
		j := c*1024 + y*32 + x
		return n*57 + j*7 + c*31 + seed
	}
}

func labelsOf(t *testing.T, s Set) (labels []int) {
	t.Helper()
	for i := range s.Len() {
		label, err := labelOf(s, i)
		must(t, err)
		labels = append(labels, label)
	}
	return labels
}

// The batches were written by Python 2's cPickle with NumPy 1.16, as the
// published files were.
func TestPythonCIFARAsPython2WritesIt(t *testing.T) {
	for _, spec := range []string{"testdata/official/cifar-10-batches-py", "testdata/official/cifar-10-python.tar.gz"} {
		test := open(t, spec, Options{})
		wantPixels(t, test, batchPixels(3))
		if got := labelsOf(t, test); !slices.Equal(got, []int{8, 7}) || !slices.Equal(test.Classes(), cifar10.names) {
			t.Errorf("%s: labels %v, classes %v", spec, got, test.Classes())
		}
		train := open(t, spec, Options{Train: true})
		wantPixels(t, Subset(train, []int{0, 1, 2}), batchPixels(1))
		wantPixels(t, Subset(train, []int{3, 4}), batchPixels(2))
		if got := labelsOf(t, train); !slices.Equal(got, []int{3, 0, 9, 1, 2}) {
			t.Errorf("%s: labels %v", spec, got)
		}
	}
	hundred := open(t, "testdata/official/cifar-100-python", Options{Train: true})
	wantPixels(t, hundred, batchPixels(4))
	if got := labelsOf(t, hundred); !slices.Equal(got, []int{19, 99, 0}) || hundred.Classes()[99] != "fine_99" {
		t.Errorf("CIFAR-100: labels %v, classes %v", got, hundred.Classes())
	}
	alone := open(t, "testdata/official/cifar-100-python/test", Options{})
	wantPixels(t, alone, batchPixels(5))
	if got := labelsOf(t, alone); !slices.Equal(got, []int{49}) || alone.Classes()[99] != "worm" {
		t.Errorf("one file: labels %v, classes %v", got, alone.Classes())
	}
	s := open(t, "cifar10", Options{Root: "testdata/official"})
	if s.Len() != 2 || s.Name() != "cifar10" {
		t.Errorf("by name: %s of %d images", s.Name(), s.Len())
	}
}

// Every protocol in which Python 3 writes pickles.
func TestPythonCIFARAsPython3WritesIt(t *testing.T) {
	for protocol := 2; protocol <= 5; protocol++ {
		data, err := os.ReadFile(fmt.Sprintf("testdata/official/python3/test_batch_%d", protocol))
		must(t, err)
		s := open(t, writeFile(t, "test_batch", data), Options{})
		wantPixels(t, s, batchPixels(9))
		if got := labelsOf(t, s); !slices.Equal(got, []int{4, 6}) {
			t.Errorf("protocol %d: labels %v", protocol, got)
		}
	}
}

// Whatever a pickle wants to have done, nothing is, and the error says so.
func TestHostilePickles(t *testing.T) {
	good, err := os.ReadFile("testdata/official/cifar-10-batches-py/test_batch")
	must(t, err)
	for name, c := range map[string]struct{ data, says string }{
		"system":   {"cos\nsystem\n(S'true'\ntR.", "nothing of it was executed"},
		"stack":    {"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x04true\x85R.", "nothing of it was executed"},
		"getattr":  {"c__builtin__\neval\n(U\x011tR.", "nothing of it was executed"},
		"length":   {"\x80\x02T\xff\xff\xff\x7fabc", "ends too early"},
		"empty":    {"\x80\x02}.", "its data is not"},
		"no dict":  {"\x80\x02].", "no dictionary"},
		"memo":     {"\x80\x02h\x07.", "did not store"},
		"steps":    {"\x80\x02}" + string(bytes.Repeat([]byte("N0"), maxPickleSteps)), "instructions"},
		"pop":      {"\x80\x020.", "than is there"},
		"mark":     {"\x80\x02K\x01t.", "than is there"},
		"itself":   {"\x80\x02}q\x00U\x04datah\x00s.", "its data is not"},
		"not list": {"\x80\x02K\x01K\x02a.", "no list"},
	} {
		s, err := Open(t.Context(), writeFile(t, "test_batch", []byte(c.data)), Options{})
		if err == nil || !bytes.Contains([]byte(err.Error()), []byte(c.says)) {
			t.Errorf("%s: %v, %v", name, s, err)
		}
	}
	for n := 0; n < len(good); n += 1 + n/50 {
		if _, err := Open(t.Context(), writeFile(t, "test_batch", append(good[:n:n], 0)), Options{}); err == nil {
			t.Errorf("the first %d of %d bytes were taken for a whole file", n, len(good))
		}
	}
	for from, c := range map[string]struct{ to, says string }{
		"U\x06labelsq": {"U\x06lapelsq", "no list of labels"},
		"K\x08K\x07":   {"K\x08K\x0a", "label 1 is not"},
		"U\x02u1":      {"U\x02i1", "not a uint8 array"},
		"K\x02M\x00":   {"K\x03M\x00", "not a uint8 array"},
	} {
		bad := bytes.Replace(good, []byte(from), []byte(c.to), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%q is not in the file", from)
		}
		wantError(t, writeFile(t, "test_batch", bad), Options{}, "test_batch", c.says)
	}
}

func npyPixels(n, y, x, c int) int { return n*57 + y*7 + x*13 + c*31 }

// Arrays as numpy.save writes them. The images stay in the file.
func TestRandomImagesAsNumPyWritesThem(t *testing.T) {
	s := open(t, "testdata/official/300K_random_images.npy", Options{})
	if s.Len() != 5 || s.Name() != "300K_random_images" {
		t.Errorf("%s: %d images", s.Name(), s.Len())
	}
	wantPixels(t, s, npyPixels)
	v2 := open(t, "testdata/official/version2.npy", Options{Size: 32})
	wantPixels(t, v2, npyPixels)
	if _, ok := s.(*records); !ok || v2.Len() != 2 {
		t.Errorf("%T, %d images", s, v2.Len())
	}
	memory := NewMemory("m", nil, 32, 32, readAll(t, s), nil)
	if got, want := digestOfSet(t, s), digestOfSet(t, memory); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
	small := open(t, "testdata/official/300K_random_images.npy", Options{Size: 16})
	m, _, err := pictureOf(memory, 3)
	must(t, err)
	if got := readAll(t, Subset(small, []int{3})); !bytes.Equal(got, m.Resize(16, 16).Pix) {
		t.Error("not resized as pictures are")
	}
	wantError(t, "testdata/official/fortran.npy", Options{}, "Fortran order true")
	wantError(t, "testdata/official/float.npy", Options{}, "<f4")
	data, err := os.ReadFile("testdata/official/300K_random_images.npy")
	must(t, err)
	wantError(t, writeFile(t, "a.npy", data[:len(data)-1]), Options{}, "cut off")
	wantError(t, writeFile(t, "a.npy", data[:60]), Options{}, "cut off")
}

func readAll(t *testing.T, s Set) (all []uint8) {
	t.Helper()
	h, w := s.Size()
	buf := make([]uint8, 3*h*w)
	for i := range s.Len() {
		_, err := s.Read(i, buf)
		must(t, err)
		all = append(all, buf...)
	}
	return all
}

// A file that shrinks while it is read gives an error, no black images.
func TestRecordsOfAShrinkingFile(t *testing.T) {
	dir := t.TempDir()
	copyOfficial(t, dir, "300K_random_images.npy")
	file := filepath.Join(dir, "300K_random_images.npy")
	s := open(t, file, Options{})
	must(t, os.Truncate(file, 5000))
	buf := make([]uint8, 3072)
	if _, err := s.Read(0, buf); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(4, buf); err == nil {
		t.Error("an image that is not there was read")
	}
	must(t, closeSet(s))
}

// The images of 80 Million Tiny Images are column-major; a list that counts from
// 1 says which are CIFAR's.
func TestTinyImages(t *testing.T) {
	dir := t.TempDir()
	copyOfficial(t, dir, "tiny_images.bin")
	wantPixels(t, open(t, "tinyimages-all", Options{Root: dir}), npyPixels)
	wantError(t, "tinyimages", Options{Root: dir}, "80mn_cifar_idxs.txt is needed")
	copyOfficial(t, dir, "80mn_cifar_idxs.txt")
	s := open(t, "tinyimages", Options{Root: dir})
	if s.Len() != 3 {
		t.Errorf("%d images", s.Len())
	}
	for i, n := range []int{0, 2, 3} {
		wantPixels(t, Subset(s, []int{i}), func(_, y, x, c int) int { return npyPixels(n, y, x, c) })
	}
	data, err := os.ReadFile(filepath.Join(dir, "tiny_images.bin"))
	must(t, err)
	cut := files{"tiny_images.bin": data[:len(data)-1]}.writeTo(t, t.TempDir())
	wantError(t, cut+"/tiny_images.bin", Options{}, "cut off")
}
