package datasets_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"gradgrad/datasets"
)

// drawPNG writes a picture of one colour.
func drawPNG(file string, c color.RGBA) {
	m := image.NewRGBA(image.Rect(0, 0, 40, 60))
	for i := 0; i < len(m.Pix); i += 4 {
		m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = c.R, c.G, c.B, 255
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		log.Fatal(err)
	}
	f, err := os.Create(file)
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, m); err != nil {
		log.Fatal(err)
	}
}

// A folder of class folders is a set; the same call opens an archive of one, a
// CIFAR folder, an SVHN file, or a known set by its name.
func ExampleOpen() {
	dir, err := os.MkdirTemp("", "pictures")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	drawPNG(filepath.Join(dir, "sea", "1.png"), color.RGBA{0, 60, 160, 255})
	drawPNG(filepath.Join(dir, "sand", "1.png"), color.RGBA{230, 210, 150, 255})

	set, err := datasets.Open(context.Background(), "beach="+dir, datasets.Options{Size: 32})
	if err != nil {
		log.Fatal(err)
	}
	height, width := set.Size()
	fmt.Println(set.Name(), set.Len(), "images of", height, "x", width, set.Classes())

	pixels := make([]uint8, height*width*3)
	for i := range set.Len() {
		label, err := set.Read(i, pixels)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(set.Classes()[label], pixels[:3])
	}
	// Output:
	// beach 2 images of 32 x 32 [sand sea]
	// sand [230 210 150]
	// sea [0 60 160]
}

// The ten classes of GReg's experiments on ImageNet; everything else is
// auxiliary.
func ExampleImageNetSplit() {
	id, aux, err := datasets.ImageNetSplit(10)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(id[0], id[9], len(aux))
	// Output:
	// n02396427 n03857828 990
}
