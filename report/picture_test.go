package report

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// TestPicturesAreInThePage reads a picture back out of a page, pixel for pixel.
func TestPicturesAreInThePage(t *testing.T) {
	img := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	for i := range 6 {
		img.Set(i%3, i/3, color.NRGBA{uint8(40 * i), 7, uint8(255 - i), 255})
	}
	path := filepath.Join(t.TempDir(), "page.html")
	page := Page{Title: "t", Sections: []Section{{Heading: "h", Pictures: []Picture{{Caption: "a < b", Image: img, Scale: 4}}}}}
	if err := WriteHTML(path, page); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`<img src="data:image/png;base64,([^"]+)" width="12" height="8" alt="a &lt; b">`).FindSubmatch(html)
	if m == nil {
		t.Fatalf("no picture of the right size in\n%s", html)
	}
	data, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(m[1], []byte("&#43;"), []byte("+"))))
	if err != nil {
		t.Fatal(err)
	}
	back, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if got, want := color.NRGBAModel.Convert(back.At(i%3, i/3)), img.At(i%3, i/3); got != want {
			t.Errorf("pixel %d is %v, not %v", i, got, want)
		}
	}
}
