package cli

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/datasets"
)

// packed writes two pictures of 60x40 pixels in an archive, plain or compressed.
func packed(t *testing.T, name string) string {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 60, 40))
	for y := range 40 {
		for x := range 60 {
			m.Set(x, y, color.RGBA{uint8(4 * x), uint8(6 * y), uint8(x ^ y), 255})
		}
	}
	var picture, archive bytes.Buffer
	if err := png.Encode(&picture, m); err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(&archive)
	for i := range 2 {
		if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("s/c%d/0.png", i), Mode: 0o644, Size: int64(picture.Len())}); err != nil {
			t.Fatal(err)
		}
		w.Write(picture.Bytes())
	}
	w.Close()
	data := archive.Bytes()
	if strings.HasSuffix(name, ".gz") {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(data)
		z.Close()
		data = b.Bytes()
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestLargePictures opens sets as a program for large pictures does: they stay on
// disk where they can, test images are resized to 8/7 of the size and cropped, and
// of training images in memory no more is lost than their shape demands.
func TestLargePictures(t *testing.T) {
	s := Sets{Stream: true, DefaultSize: 28, Transform: "imagenet"}
	for _, c := range []struct {
		file      string
		want      Want
		disk      bool
		transform string
	}{
		{"p.tar", Want{}, true, "imagenet"},
		{"p.tar", Want{Train: true, Cut: true}, true, "imagenet"},
		{"p.tar.gz", Want{}, false, "imagenet"},
		{"p.tar.gz", Want{Train: true}, false, "imagenet"},
		{"p.tar.gz", Want{Train: true, Cut: true}, false, "resize"},
	} {
		path := packed(t, c.file)
		set, id, err := s.Open(context.Background(), testEnv(), path, c.want)
		if err != nil {
			t.Fatal(err)
		}
		if disk := strings.HasPrefix(id.SHA256, "files:"); disk != c.disk {
			t.Errorf("%s %+v: digest %s", c.file, c.want, id.SHA256)
		}
		same, err := datasets.Open(context.Background(), path+"#transform="+c.transform, datasets.Options{Size: 28})
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]uint8, 3*28*28), make([]uint8, 3*28*28)
		if _, err := set.Read(1, got); err != nil {
			t.Fatal(err)
		}
		if _, err := same.Read(1, want); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s %+v: not brought to size as %s", c.file, c.want, c.transform)
		}
	}
}
