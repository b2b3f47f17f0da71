package datasets

import (
	"bytes"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
)

// difference is the largest and the mean difference of two pictures and the
// share of bytes that differ.
func difference(t testing.TB, a, b Image) (most int, mean, share float64) {
	t.Helper()
	if a.Width != b.Width || a.Height != b.Height || len(a.Pix) != len(b.Pix) {
		t.Fatalf("sizes %dx%d and %dx%d", a.Width, a.Height, b.Width, b.Height)
	}
	for i, v := range a.Pix {
		d := max(int(v), int(b.Pix[i])) - min(int(v), int(b.Pix[i]))
		most = max(most, d)
		mean += float64(d)
		if d > 0 {
			share++
		}
	}
	return most, mean / float64(len(a.Pix)), share / float64(len(a.Pix))
}

func decodeFile(t testing.TB, file string) Image {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return m
}

// The pictures of testdata/pillow are compared with what Pillow 9.4 with
// libjpeg-turbo 2.1.4 reads from them. Most have one value per DCT block, so
// that upsampling and colours are seen alone: these must agree exactly. In the
// others the two DCTs round differently: by 1 in a plane, which the colour
// conversion makes at most 3.
func TestDecodeAgainstPillow(t *testing.T) {
	files, err := filepath.Glob("testdata/pillow/*.jpg")
	if err != nil || len(files) < 11 {
		t.Fatalf("fixtures: %v, %v", files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			most, mean, _ := difference(t, decodeFile(t, file), decodeFile(t, file+".png"))
			withDCT := strings.Contains(file, "smooth") || strings.Contains(file, "progressive")
			if withDCT && (most > 3 || mean > 0.05) || !withDCT && most > 0 {
				t.Errorf("largest difference %d, mean %.4f", most, mean)
			}
		})
	}
}

func encodePNG(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Every kind of PNG, and BMP and TIFF, becomes plain RGB without blending.
func TestDecodeKindsOfPixels(t *testing.T) {
	rect := image.Rect(0, 0, 2, 1)
	clear, half := color.NRGBA{10, 20, 30, 0}, color.NRGBA{200, 100, 50, 128}
	nrgba := image.NewNRGBA(rect)
	nrgba.Set(0, 0, clear)
	nrgba.Set(1, 0, half)
	paletted := image.NewPaletted(rect, color.Palette{clear, half})
	paletted.SetColorIndex(1, 0, 1)
	grey := image.NewGray(rect)
	grey.Pix = []uint8{7, 250}
	grey16 := image.NewGray16(rect)
	grey16.SetGray16(0, 0, color.Gray16{0x12ff})
	grey16.SetGray16(1, 0, color.Gray16{0xfe00})
	rgb16 := image.NewRGBA64(rect)
	rgb16.SetRGBA64(0, 0, color.RGBA64{0x12ff, 0x3400, 0x5680, 0xffff})
	rgb16.SetRGBA64(1, 0, color.RGBA64{0xffff, 0x00ff, 0x0100, 0xffff})
	alpha16 := image.NewNRGBA64(rect)
	alpha16.SetNRGBA64(0, 0, color.NRGBA64{0x12ff, 0x3400, 0x5680, 0x8000})
	alpha16.SetNRGBA64(1, 0, color.NRGBA64{0xff00, 0x00ff, 0x0100, 0x4000})
	opaque := image.NewRGBA(rect)
	opaque.Set(0, 0, color.RGBA{1, 2, 3, 255})
	opaque.Set(1, 0, color.RGBA{4, 5, 6, 255})
	var asBMP, asTIFF bytes.Buffer
	if err := bmp.Encode(&asBMP, opaque); err != nil {
		t.Fatal(err)
	}
	if err := tiff.Encode(&asTIFF, opaque, &tiff.Options{Compression: tiff.Deflate}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		data []byte
		want [6]uint8
	}{
		"alpha":         {encodePNG(t, nrgba), [6]uint8{10, 20, 30, 200, 100, 50}},
		"palette":       {encodePNG(t, paletted), [6]uint8{10, 20, 30, 200, 100, 50}},
		"grey":          {encodePNG(t, grey), [6]uint8{7, 7, 7, 250, 250, 250}},
		"grey 16 bit":   {encodePNG(t, grey16), [6]uint8{0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe}},
		"16 bit":        {encodePNG(t, rgb16), [6]uint8{0x12, 0x34, 0x56, 0xff, 0, 1}},
		"16 bit, alpha": {encodePNG(t, alpha16), [6]uint8{0x12, 0x34, 0x56, 0xff, 0, 1}},
		"opaque":        {encodePNG(t, opaque), [6]uint8{1, 2, 3, 4, 5, 6}},
		"bmp":           {asBMP.Bytes(), [6]uint8{1, 2, 3, 4, 5, 6}},
		"tiff":          {asTIFF.Bytes(), [6]uint8{1, 2, 3, 4, 5, 6}},
	} {
		m, err := Decode(c.data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if m.Width != 2 || m.Height != 1 || [6]uint8(m.Pix) != c.want {
			t.Errorf("%s: %dx%d %v, want %v", name, m.Width, m.Height, m.Pix, c.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good, err := os.ReadFile("testdata/pillow/progressive.jpg")
	if err != nil {
		t.Fatal(err)
	}
	huge := bytes.Clone(good)
	sof := bytes.Index(huge, []byte{0xff, 0xc2})
	copy(huge[sof+5:], []byte{0xff, 0xff, 0xff, 0xff})
	scans := append(bytes.Clone(good), bytes.Repeat([]byte{0xff, 0xda}, maxScans)...)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":     {nil, "empty"},
		"text":      {[]byte("hello"), "not JPEG"},
		"cut":       {good[:len(good)/2], "short Huffman data"},
		"huge":      {huge, "65535x65535"},
		"scans":     {scans, "scans"},
		"png start": {[]byte("\x89PNG\r\n\x1a\n"), "EOF"},
	} {
		if _, err := Decode(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// pillowNoise is the picture that testdata/make.py resizes with Pillow.
func pillowNoise() Image {
	m := newImage(200, 133)
	for i := range m.Pix {
		y, x, c := i/3/m.Width, i/3%m.Width, i%3
		m.Pix[i] = uint8((x*7919 + y*104729 + c*1299709 + x*y*31) >> 2)
	}
	return m
}

func TestResizeEqualsPillow(t *testing.T) {
	src := pillowNoise()
	before := crc32.ChecksumIEEE(src.Pix)
	for _, c := range []struct {
		w, h int
		crc  uint32
	}{
		{32, 32, 0x1ece1a2f},
		{48, 32, 0xbb8b3405},
		{200, 32, 0x298ce5b1},
		{32, 133, 0x5761166f},
		{64, 300, 0x55423ca6},
		{7, 5, 0xda48ff83},
		{1, 1, 0x7669cb06},
		{199, 134, 0xae2a537f},
	} {
		out := src.Resize(c.w, c.h)
		if out.Width != c.w || out.Height != c.h || crc32.ChecksumIEEE(out.Pix) != c.crc {
			t.Errorf("to %dx%d: %dx%d, checksum %08x; Pillow's is %08x", c.w, c.h, out.Width, out.Height, crc32.ChecksumIEEE(out.Pix), c.crc)
		}
	}
	if crc32.ChecksumIEEE(src.Pix) != before {
		t.Error("Resize changed its input")
	}
}

// A window of a resize is what cropping the whole resize gives.
func TestResizeWindow(t *testing.T) {
	src := pillowNoise()
	for _, size := range [][2]int{{60, 40}, {200, 40}, {60, 133}, {300, 300}, {200, 133}} {
		win := window{11, 7, 20, 30}
		whole := src.Resize(size[0], size[1]).crop(win)
		if most, _, _ := difference(t, whole, src.resizeWindow(size[0], size[1], win)); most != 0 {
			t.Errorf("to %v: largest difference %d", size, most)
		}
	}
}

// Sizes and offsets are those that torchvision computes.
func TestTransformGeometry(t *testing.T) {
	for _, c := range []struct{ w, h, short, wantW, wantH int }{
		{300, 200, 32, 48, 32}, {200, 300, 32, 32, 48}, {500, 333, 32, 48, 32}, {333, 500, 32, 32, 48},
		{32, 32, 32, 32, 32}, {640, 591, 32, 34, 32}, {1, 100, 32, 32, 3200}, {31, 33, 256, 256, 272},
	} {
		if w, h := (Transform{Short: c.short}).resized(c.w, c.h); w != c.wantW || h != c.wantH {
			t.Errorf("%dx%d to %d: %dx%d, want %dx%d", c.w, c.h, c.short, w, h, c.wantW, c.wantH)
		}
	}
	for _, c := range []struct{ size, crop, at, to, n int }{
		{36, 32, 2, 0, 32}, {33, 32, 0, 0, 32}, {35, 32, 2, 0, 32}, {37, 32, 2, 0, 32}, {39, 32, 4, 0, 32},
		{32, 32, 0, 0, 32}, {29, 32, 0, 1, 29}, {28, 32, 0, 2, 28},
	} {
		if at, to, n := cropAxis(c.size, c.crop); at != c.at || to != c.to || n != c.n {
			t.Errorf("crop %d of %d: %d, %d, %d; want %d, %d, %d", c.crop, c.size, at, to, n, c.at, c.to, c.n)
		}
	}
	m := CenterCrop(5).Apply(Image{2, 1, []uint8{1, 2, 3, 4, 5, 6}})
	want := newImage(5, 5)
	copy(want.Pix[3*(2*5+1):], []uint8{1, 2, 3, 4, 5, 6})
	if !bytes.Equal(m.Pix, want.Pix) {
		t.Errorf("padded crop: %v", m.Pix)
	}
	if m := (Transform{}).Apply(pillowNoise()); !bytes.Equal(m.Pix, pillowNoise().Pix) {
		t.Error("the zero Transform changed the picture")
	}
}

// A picture one pixel wide must not become a strip of millions of pixels.
func TestTransformOfAVeryLongPicture(t *testing.T) {
	long := newImage(1, 1_000_000)
	for i := range long.Pix {
		long.Pix[i] = 77
	}
	out := ResizeCrop(32).Apply(long)
	if out.Width != 32 || out.Height != 32 || out.Pix[0] != 77 || out.Pix[len(out.Pix)-1] != 77 {
		t.Errorf("%dx%d, first byte %d", out.Width, out.Height, out.Pix[0])
	}
}
