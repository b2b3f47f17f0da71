package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// noisyImage is the image of testdata/make_jitter.py.
func noisyImage() []uint8 {
	x, image := uint32(1), make([]uint8, 64*64*3)
	for i := range image {
		x = x*1664525 + 1013904223
		image[i] = uint8(x >> 24)
		if i%3 != 0 && i/3%16 == 0 {
			image[i] = image[i-1]
		}
	}
	return image
}

// TestJitterIsPillows compares every change of colour with Pillow's, byte for byte.
func TestJitterIsPillows(t *testing.T) {
	for name, want := range map[string]string{
		"as it is":        "7b0ed74ece379aa13ac096e5cf33592f0884e632127d405da1b1d48339215323",
		"brightness 0.83": "7b74046cb2b6f499a29c60e410144edccca134954331dbf2252f4bb106bb32f4",
		"contrast 0.83":   "bccaa34c812a9be13ef468c3a44ca605e5e47d1a2152f22632744ba972db08ec",
		"saturation 0.83": "b2a85dfacccd21495007cd363652724b0bfe3c35139d5ac6047278805ec5a151",
		"brightness 1.19": "a048c030def105dd186344724caf93207520ddacfbf3ae9b2e352553ccc5b993",
		"contrast 1.19":   "5443f61106542d2faaee03a1b0ac978c17f6ed66fabb6c1817b879732d8c36ba",
		"saturation 1.19": "d538811ad1746a77785d727b1b31a8fb61c066c2bb3e22893f337ad352eacf14",
		"hue 0.1":         "d520108ac9dd279544f4975d1d73d65752214b6383179d4051ce781487cfebb4",
		"hue -0.07":       "42dcfcd26c61e05d6643acfb11877b2dc8e373cdff1aaa2a6f01a36bf3570ab3",
	} {
		var what string
		var x float64
		fmt.Sscan(name, &what, &x)
		image := noisyImage()
		switch what {
		case "brightness":
			blend(image, x, black)
		case "contrast":
			grey := meanLuma(image)
			blend(image, x, func(_, _, _ uint8) uint8 { return grey })
		case "saturation":
			blend(image, x, luma)
		case "hue":
			turnHue(image, x)
		}
		if sum := sha256.Sum256(image); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s: other bytes than Pillow's", name)
		}
	}
}

// TestJitterDraws: factors in their ranges, every order about as often, the same for
// the same address.
func TestJitterDraws(t *testing.T) {
	j := CropFlipJitter().Jitter
	orders := map[[4]int]int{}
	const n = 4800
	sum := 0.0
	for i := range uint64(n) {
		p := generator(useJitter, 1, 0, i)
		x := j.draw(&p)
		orders[x.order]++
		sum += x.contrast
		for _, f := range []float64{x.brightness, x.contrast, x.saturation} {
			if f < 0.8 || f > 1.2 {
				t.Fatalf("a factor of %g", f)
			}
		}
		if math.Abs(x.hue) > 0.1 {
			t.Fatalf("a turn of %g", x.hue)
		}
	}
	if len(orders) != 24 || math.Abs(sum/n-1) > 0.01 {
		t.Errorf("%d orders, mean contrast %g", len(orders), sum/n)
	}
	for o, k := range orders {
		if k < n/24-70 || k > n/24+70 {
			t.Errorf("order %v came %d times of %d", o, k, n)
		}
	}
}

// TestJitteredBatch: without a change of colours the image is that of the crop and
// flip alone, black borders included; with one it is a function of seed and epoch.
func TestJitteredBatch(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	pixels := make([]uint8, 6*12*12*3)
	for i := range pixels {
		pixels[i] = uint8(r.IntN(256))
	}
	s := NewMemory("x", nil, 12, 12, pixels, []int{-1, -1, -1, -1, -1, -1})
	get := func(a *Augment, epoch int) []float32 {
		b, err := Gather(s, []int{0, 1, 2, 3, 4, 5}, BatchConfig{Augment: a, Seed: 3, Epoch: epoch, Normalize: Normalization{Std: [3]float32{1, 1, 1}}})
		if err != nil {
			t.Fatal(err)
		}
		return b.Images
	}
	grey := make([]uint8, len(pixels)) // which colours that do not get brighter leave alone
	for i := range grey {
		grey[i] = pixels[i/3*3]
	}
	colours := s
	s = NewMemory("grey", nil, 12, 12, grey, []int{-1, -1, -1, -1, -1, -1})
	for _, a := range []*Augment{CropThenFlip(), FlipThenCrop()} {
		still := *a
		still.Jitter = &Jitter{Hue: 0.5, Saturation: 1}
		if !slices.Equal(get(a, 1), get(&still, 1)) {
			t.Errorf("%+v: moved in another way", a)
		}
	}
	s = colours
	x := get(CropFlipJitter(), 1)
	if !slices.Equal(x, get(CropFlipJitter(), 1)) || slices.Equal(x, get(CropFlipJitter(), 2)) || slices.Equal(x, get(CropThenFlip(), 1)) {
		t.Error("the change is no function of seed and epoch, or none at all")
	}
	if _, err := Gather(s, []int{0}, BatchConfig{Augment: &Augment{Jitter: &Jitter{Hue: 0.7}}}); err == nil {
		t.Error("a hue of 0.7 was accepted")
	}
}
