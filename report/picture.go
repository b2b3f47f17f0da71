package report

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/png"
)

// Picture is an image made of pixels, such as a row of example images. The page
// shows it Scale times as large, without smoothing.
type Picture struct {
	Caption string
	Image   image.Image
	Scale   int // 0 means 1
}

// htmlPicture is what the template needs of a picture.
type htmlPicture struct {
	Caption string
	Data    template.URL
	W, H    int
}

// encode puts the pixels into the page as PNG.
func (p Picture) encode() (htmlPicture, error) {
	var b bytes.Buffer
	if err := png.Encode(&b, p.Image); err != nil {
		return htmlPicture{}, fmt.Errorf("report: picture %q: %w", p.Caption, err)
	}
	size, scale := p.Image.Bounds().Size(), max(p.Scale, 1)
	return htmlPicture{
		Caption: p.Caption,
		Data:    template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(b.Bytes())), // our own bytes
		W:       size.X * scale, H: size.Y * scale,
	}, nil
}
