package datasets

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// addOfficial gives fixtures to a fuzz test.
func addOfficial(f *testing.F, pattern string, add func(data []byte)) {
	names, err := filepath.Glob("testdata/official/" + pattern)
	must(f, err)
	if len(names) == 0 {
		f.Fatalf("no fixture matches %s", pattern)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(f, err)
		add(data)
	}
}

// FuzzPythonCIFAR runs what may be a batch of the python version, and its list
// of names.
func FuzzPythonCIFAR(f *testing.F) {
	addOfficial(f, "cifar-10-batches-py/test_batch", func(b []byte) { f.Add(b, []byte(nil), false) })
	addOfficial(f, "cifar-100-python/t*", func(b []byte) { f.Add(b, []byte(nil), true) })
	addOfficial(f, "python3/*", func(b []byte) { f.Add(b, []byte(nil), false) })
	addOfficial(f, "cifar-10-batches-py/batches.meta", func(b []byte) { f.Add([]byte("}."), b, false) })
	addOfficial(f, "cifar-100-python/meta", func(b []byte) { f.Add([]byte("}."), b, true) })
	f.Fuzz(func(t *testing.T, batch, names []byte, hundred bool) {
		m := memoryTree{"test_batch": batch}
		if hundred {
			m = memoryTree{"cifar-100-python/test": batch}
		}
		if len(names) > 0 && hundred {
			m["cifar-100-python/meta"] = names
		} else if len(names) > 0 {
			m["batches.meta"] = names
		}
		entries, _ := m.list(t.Context())
		if files := cifarFiles(entries); len(files) == 0 {
			return // an empty file called test is no CIFAR file
		}
		s, err := readCIFAR(t.Context(), "fuzz", m, entries, Options{MaxBytes: fuzzBytes})
		if err == nil {
			checkSet(t, s)
		}
	})
}

// FuzzRecords opens what may be an array of images or a heap of tiny ones, and
// draws some.
func FuzzRecords(f *testing.F) {
	addOfficial(f, "*.npy", func(b []byte) { f.Add(b, []byte("0\n1\n"), uint8(0), false) })
	addOfficial(f, "tiny_images.bin", func(b []byte) { f.Add(b, []byte("2\n5 x\n"), uint8(8), true) })
	f.Add([]byte(npyMagic+"\x01\x00\x40\x00{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 1, 3), }\nabcdef"), []byte("1"), uint8(3), false)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data, list []byte, size uint8, tiny bool) {
		file := filepath.Join(dir, "images.npy")
		if tiny {
			file = filepath.Join(dir, "tiny_images.bin")
		}
		must(t, os.WriteFile(file, data, 0o600))
		must(t, os.WriteFile(filepath.Join(dir, "list"), list, 0o600))
		for _, spec := range []string{file, file + "#list=list", file + "#exclude=list#from=1"} {
			s, err := Open(t.Context(), spec, Options{Size: int(size % 16), MaxBytes: fuzzBytes})
			if err != nil {
				continue
			}
			h, w := s.Size()
			if h*w > fuzzBytes {
				continue // an image that the file has room for, made square
			}
			buf := make([]uint8, 3*h*w)
			for _, i := range []int{0, s.Len() / 2, s.Len() - 1} {
				if label, err := s.Read(i, buf); err != nil || label != -1 {
					t.Fatalf("%s: image %d of %d: label %d, %v", spec, i, s.Len(), label, err)
				}
			}
			must(t, closeSet(s))
		}
	})
}

// FuzzIndexedTar reads pictures one by one from what may be an archive, or an
// archive of archives.
func FuzzIndexedTar(f *testing.F) {
	inner := files{"a_1.png": plainPNG(f, 3, 2, 1), "a_2.png": plainPNG(f, 2, 3, 2)}.tar(f)
	f.Add(files{"n/1.png": plainPNG(f, 3, 2, 1), "m/2.png": plainPNG(f, 2, 2, 2)}.tar(f), uint8(4))
	f.Add(files{"n.tar": inner, "m.tar": inner}.tar(f), uint8(0))
	f.Add(inner[:len(inner)-512], uint8(1))
	file := filepath.Join(f.TempDir(), "fuzz.tar")
	f.Fuzz(func(t *testing.T, data []byte, size uint8) {
		must(t, os.WriteFile(file, data, 0o600))
		l := location{key: "fuzz", file: file}
		s, err := l.openTree(t.Context(), tarTree{file}, Options{Size: int(size % 16), Stream: true})
		if err != nil {
			return
		}
		if h, w := s.Size(); h*w < fuzzBytes {
			buf := make([]uint8, 3*h*w)
			for i := range min(s.Len(), 4) {
				if label, err := s.Read(i, buf); err == nil && (label < -1 || label >= max(len(s.Classes()), 1)) {
					t.Fatalf("label %d of %d", label, len(s.Classes()))
				}
			}
		}
		must(t, closeSet(s))
	})
}

// FuzzSpec takes apart what a user may write and picks by what a list may hold.
func FuzzSpec(f *testing.F) {
	f.Add("svhn#as=dice", "1\n2\n")
	f.Add("x=places365#as=poem#random=3#seed=7", "a/b.jpg 4\n")
	f.Add("textures#split=test1#exclude=b#per-class=2#images", "b")
	f.Add("lsun-c#transform=crop", "\\\n/ \n./x")
	root := f.TempDir()
	picks := []string{"a/b.jpg", "a/c.png", "b.jpg", "x"}
	f.Fuzz(func(t *testing.T, spec, list string) {
		if strings.ContainsRune(spec, 0) {
			return
		}
		l, err := locate(spec, Options{Root: root})
		if err == nil && l.key == "" {
			t.Fatalf("%q has no name", spec)
		}
		NameOf(spec)
		lines, err := splitLines([]byte(list))
		if err != nil {
			return
		}
		c := l.choice
		c.random = min(c.random, 4)
		chosen, err := c.pick(len(picks), func(i int) string { return picks[i] }, func(int) (int, error) { return 0, nil }, lists{list: lines})
		for _, i := range chosen {
			if i < 0 || i >= len(picks) || err != nil {
				t.Fatalf("%v, %v", chosen, err)
			}
		}
		if data := []byte(list); !bytes.Contains(data, []byte("b.jpg")) && len(chosen) == len(picks) {
			t.Fatalf("%q names all pictures", list)
		}
	})
}
