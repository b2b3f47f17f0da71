package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// fuzzBytes keeps what a hostile file may take small enough to run fast.
const fuzzBytes = 1 << 20

// checkSet reads a set that came out of hostile data.
func checkSet(t *testing.T, s Set) {
	h, w := s.Size()
	if h < 1 || w < 1 || s.Len() < 1 || s.Len()*h*w*3 > fuzzBytes {
		t.Fatalf("%d images of %dx%d", s.Len(), w, h)
	}
	buf := make([]uint8, 3*h*w)
	for i := range s.Len() {
		label, err := s.Read(i, buf)
		if err != nil || label < -1 || label >= max(len(s.Classes()), 1) {
			t.Fatalf("image %d: label %d of %d, %v", i, label, len(s.Classes()), err)
		}
	}
}

// memoryTree serves files from memory.
type memoryTree files

func (m memoryTree) where() string { return "memory" }

func (m memoryTree) list(context.Context) ([]entry, error) {
	var entries []entry
	for name, data := range m {
		entries = append(entries, entry{path: name, size: int64(len(data))})
	}
	return entries, nil
}

func (m memoryTree) read(_ context.Context, want map[string]int, limit int64, emit emitFunc) error {
	for name, i := range want {
		if err := emit(i, func() ([]byte, error) { return m[name], nil }); err != nil {
			return err
		}
	}
	return nil
}

func FuzzCIFAR(f *testing.F) {
	f.Add(cifarRecord(1, 9), []byte(nil), false)
	f.Add(cifarRecord(1, 19, 99), []byte("a\nb"), true)
	f.Add(append(cifarRecord(1, 0), cifarRecord(2, 1)[:50]...), []byte("one\ntwo\n"), false)
	f.Fuzz(func(t *testing.T, records, names []byte, hundred bool) {
		m := memoryTree{"test_batch.bin": records, "batches.meta.txt": names}
		if hundred {
			m = memoryTree{"test.bin": records, "fine_label_names.txt": names}
		}
		entries, _ := m.list(t.Context())
		s, err := readCIFAR(t.Context(), "fuzz", m, entries, Options{MaxBytes: fuzzBytes})
		if err != nil {
			return
		}
		checkSet(t, s)
		if size := cifarFiles(entries)[0].kind.recordBytes(); s.Len()*size != len(records) {
			t.Fatalf("%d images from %d bytes", s.Len(), len(records))
		}
	})
}

// FuzzTar takes an archive as it is, or what it packs.
func FuzzTar(f *testing.F) {
	packed := files{"train/a/1.png": plainPNG(f, 3, 2, 1), "test/b/2.png": plainPNG(f, 2, 3, 2), "test/c/": nil}.tar(f)
	f.Add(packed, uint8(0))
	f.Add(packed, uint8(1))
	f.Add(packed, uint8(2))
	f.Add(gzipped(f, packed), uint8(0))
	f.Add(zstandard(f, packed), uint8(0))
	f.Add(files{"x/batches.meta.txt": []byte("a b"), "x/test_batch.bin": nil}.tar(f), uint8(0))
	f.Add(files{"cifar/test_batch.bin": cifarRecord(1, 9)}.tar(f), uint8(2))
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	must(f, err)
	file := filepath.Join(f.TempDir(), "fuzz")
	f.Fuzz(func(t *testing.T, data []byte, packing uint8) {
		switch packing {
		case 1:
			data = gzipped(t, data)
		case 2:
			data = encoder.EncodeAll(data, nil)
		}
		must(t, os.WriteFile(file, data, 0o600))
		o := Options{Size: 4, MaxBytes: fuzzBytes, Train: len(data)%2 == 0}
		if len(data)%3 == 0 {
			o.SkipBad = func(string, error) {}
		}
		l := location{key: "fuzz", file: file}
		if s, err := l.openTree(t.Context(), tarTree{file}, o); err == nil {
			checkSet(t, s)
		}
	})
}

func FuzzMat(f *testing.F) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		plain, packed := newMatFile(order), newMatFile(order)
		x := plain.array("X", 9, 2, []int{1, 2, 3, 2}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
		y := plain.array("y", 6, 9, []int{2, 1}, make([]byte, 16))
		plain.Write(x)
		plain.Write(y)
		packed.compressed(y)
		packed.compressed(x)
		f.Add(plain.Bytes())
		f.Add(packed.Bytes())
	}
	for _, name := range []string{"compressed", "plain"} {
		data, err := os.ReadFile("testdata/scipy/" + name + ".mat")
		must(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := readSVHN(t.Context(), "fuzz", bytes.NewReader(data), int64(len(data)), Options{MaxBytes: fuzzBytes})
		if err == nil {
			checkSet(t, s)
		}
	})
}

// FuzzJPEG takes any picture file, JPEG above all, through decoding and resizing.
func FuzzJPEG(f *testing.F) {
	names, err := filepath.Glob("testdata/pillow/*")
	must(f, err)
	for _, name := range names {
		data, err := os.ReadFile(name)
		must(f, err)
		f.Add(data, uint8(32), uint8(32))
	}
	var asJPEG, asBMP, asTIFF bytes.Buffer
	small := image.NewPaletted(image.Rect(0, 0, 9, 5), color.Palette{color.RGBA{1, 2, 3, 255}, color.RGBA{200, 100, 0, 255}})
	must(f, jpeg.Encode(&asJPEG, small, nil))
	must(f, bmp.Encode(&asBMP, small))
	must(f, tiff.Encode(&asTIFF, small, &tiff.Options{Compression: tiff.Deflate}))
	f.Add(asJPEG.Bytes(), uint8(0), uint8(3))
	f.Add(asBMP.Bytes(), uint8(8), uint8(4))
	f.Add(asTIFF.Bytes(), uint8(4), uint8(8))
	f.Fuzz(func(t *testing.T, data []byte, short, crop uint8) {
		w, h, err := imageSize(data)
		if err != nil || w*h > 1<<20 {
			return // large pictures are only slow here
		}
		m, err := Decode(data)
		if err != nil {
			return
		}
		if m.Width != w || m.Height != h || len(m.Pix) != 3*w*h {
			t.Fatalf("the header says %dx%d, decoded %dx%d, %d bytes", w, h, m.Width, m.Height, len(m.Pix))
		}
		if crop == 0 {
			crop = 1
		}
		out := Transform{Short: int(short), Crop: int(crop)}.Apply(m)
		if out.Width != int(crop) || out.Height != int(crop) || len(out.Pix) != 3*int(crop)*int(crop) {
			t.Fatalf("%dx%d to short side %d, crop %d: %dx%d, %d bytes", w, h, short, crop, out.Width, out.Height, len(out.Pix))
		}
	})
}
