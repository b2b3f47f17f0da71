package datasets

import (
	"bytes"
	"slices"
	"testing"
)

func cifarFixture() files {
	return files{
		"cifar-10-batches-bin/data_batch_1.bin":  append(cifarRecord(10, 3), cifarRecord(11, 0)...),
		"cifar-10-batches-bin/data_batch_2.bin":  cifarRecord(20, 9),
		"cifar-10-batches-bin/data_batch_10.bin": cifarRecord(30, 1),
		"cifar-10-batches-bin/test_batch.bin":    cifarRecord(40, 5),
		"cifar-10-batches-bin/readme.html":       []byte("<p>"),
	}
}

func TestCIFAR10(t *testing.T) {
	f := cifarFixture()
	packed := f.tar(t)
	for name, spec := range map[string]string{
		"folder":       f.writeTo(t, t.TempDir()),
		"inner folder": f.writeTo(t, t.TempDir()) + "/cifar-10-batches-bin",
		"tar":          writeFile(t, "c.tar", packed),
		"tar.gz":       writeFile(t, "c.tar.gz", gzipped(t, packed)),
		"tar.zst":      writeFile(t, "c.tar.zst", zstandard(t, packed)),
		"any name":     writeFile(t, "c", gzipped(t, packed)),
		"sub-folder":   writeFile(t, "c.tar", packed) + "#cifar-10-batches-bin",
	} {
		t.Run(name, func(t *testing.T) {
			train := open(t, spec, Options{Train: true, Size: 32})
			if got, want := summary(t, train), "0a:3 0b:0 14:9 1e:1"; got != want {
				t.Errorf("train: %s, want %s", got, want)
			}
			if c := train.Classes(); len(c) != 10 || c[0] != "airplane" || c[9] != "truck" {
				t.Errorf("classes %v", c)
			}
			if got, want := summary(t, open(t, spec, Options{})), "28:5"; got != want {
				t.Errorf("test: %s, want %s", got, want)
			}
		})
	}
}

// The planes of a record become interleaved pixels, row by row.
func TestCIFARPixels(t *testing.T) {
	s := open(t, cifarFixture().writeTo(t, t.TempDir()), Options{})
	buf := make([]uint8, 3072)
	if _, err := s.Read(0, buf); err != nil {
		t.Fatal(err)
	}
	for i := range 1024 {
		if want := []uint8{40 + uint8(i), 41 + uint8(i), 42 + uint8(i)}; !bytes.Equal(buf[3*i:3*i+3], want) {
			t.Fatalf("pixel %d is %v, want %v", i, buf[3*i:3*i+3], want)
		}
	}
}

func TestCIFARNamesFromFile(t *testing.T) {
	f := files{
		"test_batch.bin":   append(cifarRecord(1, 2), cifarRecord(2, 0)...),
		"batches.meta.txt": []byte("red\ngreen\r\nblue\n\n"),
	}
	s := open(t, f.writeTo(t, t.TempDir()), Options{})
	if !slices.Equal(s.Classes(), []string{"red", "green", "blue"}) {
		t.Errorf("classes %q", s.Classes())
	}
}

func TestCIFAR100UsesFineLabels(t *testing.T) {
	f := files{
		"cifar-100-binary/train.bin":              append(cifarRecord(1, 19, 99), cifarRecord(2, 0, 1)...),
		"cifar-100-binary/test.bin":               cifarRecord(3, 7, 42),
		"cifar-100-binary/coarse_label_names.txt": []byte("a\nb\n"),
	}
	dir := f.writeTo(t, t.TempDir())
	train := open(t, dir, Options{Train: true})
	if got, want := summary(t, train), "01:99 02:1"; got != want {
		t.Errorf("train: %s, want %s", got, want)
	}
	if c := train.Classes(); len(c) != 100 || c[99] != "worm" || !slices.IsSorted(c) {
		t.Errorf("classes %v", c)
	}
	if got, want := summary(t, open(t, dir, Options{})), "03:42"; got != want {
		t.Errorf("test: %s, want %s", got, want)
	}
}

func TestCIFARSingleFileAndResize(t *testing.T) {
	flat := append([]byte{4}, bytes.Repeat([]byte{9}, 3072)...)
	s := open(t, writeFile(t, "data_batch_3.bin", flat), Options{Size: 48})
	if h, w := s.Size(); h != 48 || w != 48 || summary(t, s) != "09:4" || s.Name() != "data_batch_3" {
		t.Errorf("%s: %dx%d, %s", s.Name(), h, w, summary(t, s))
	}
}

func TestCIFARErrors(t *testing.T) {
	cut := cifarFixture()
	cut["cifar-10-batches-bin/data_batch_2.bin"] = make([]byte, 3073+100)
	wantError(t, cut.writeTo(t, t.TempDir()), Options{Train: true}, "data_batch_2.bin", "cut off", "100 more")
	wrong := files{"test_batch.bin": cifarRecord(1, 10)}
	wantError(t, wrong.writeTo(t, t.TempDir()), Options{}, "test_batch.bin", "record 0 has label 10")
	wantError(t, files{"test.bin": nil}.writeTo(t, t.TempDir()), Options{}, "test.bin", "no image")
	two := cifarFixture()
	two["other/test.bin"] = cifarRecord(1, 1, 1)
	wantError(t, two.writeTo(t, t.TempDir()), Options{}, "more than one CIFAR set")
	wantError(t, cifarFixture().writeTo(t, t.TempDir()), Options{Train: true, MaxBytes: 3 * 3072}, "smaller size or a part")
}
