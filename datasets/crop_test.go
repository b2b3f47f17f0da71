package datasets

import (
	"bytes"
	"math"
	"slices"
	"testing"
)

// The share of the area is uniform, the aspect log-uniform, every place alike.
func TestResizedCropDistribution(t *testing.T) {
	c := RandomResizedCrop().Resized
	const n, side = 20000, 1000
	var area, aspect, x float64
	for i := range n {
		p := generator(useCrop, 1, 0, uint64(i))
		w := c.draw(&p, side, side)
		if w.x < 0 || w.y < 0 || w.w < 1 || w.h < 1 || w.x+w.w > side || w.y+w.h > side {
			t.Fatalf("%+v", w)
		}
		a, r := float64(w.w*w.h)/side/side, float64(w.w)/float64(w.h)
		if a < 0.079 || r < 0.74 || r > 1.35 {
			t.Fatalf("%+v: area %v, aspect %v", w, a, r)
		}
		area += a / n
		aspect += math.Log(r) / n
		if w.w < side {
			x += (float64(w.x)/float64(side-w.w) - 0.5) / n
		}
	}
	// An area a above 3/4 fits a square with probability -ln(a)/ln(4/3) only and is
	// drawn again otherwise, which makes the mean 0.4778 in place of 0.54.
	if math.Abs(area-0.4778) > 0.006 || math.Abs(aspect) > 0.01 || math.Abs(x) > 0.01 {
		t.Errorf("mean area %.4f, log aspect %.4f, place %.4f", area, aspect, x)
	}
}

// Of a picture too long for any allowed shape the centre is taken.
func TestResizedCropOfLongPictures(t *testing.T) {
	c := RandomResizedCrop().Resized
	p := generator(useCrop, 1)
	if got, want := c.draw(&p, 3000, 30), (window{1480, 0, 40, 30}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := c.draw(&p, 30, 3000), (window{0, 1480, 30, 40}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := c.draw(&p, 1, 1), (window{0, 0, 1, 1}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Batches cut out of the pictures themselves, whatever the number of workers, and
// differently in each epoch.
func TestResizedCropInBatches(t *testing.T) {
	dir := colourful(t).writeTo(t, t.TempDir())
	s := open(t, dir, Options{Size: 8, Stream: true})
	batch := func(workers, epoch int, augment *Augment) []float32 {
		for b, err := range Batches(t.Context(), s, BatchConfig{Size: s.Len(), Workers: workers, Epoch: epoch, Seed: 5, Augment: augment}) {
			must(t, err)
			return slices.Clone(b.Images)
		}
		return nil
	}
	one, many, next := batch(1, 0, RandomResizedCrop()), batch(4, 0, RandomResizedCrop()), batch(1, 1, RandomResizedCrop())
	if !slices.Equal(one, many) || slices.Equal(one, next) || len(one) != s.Len()*8*8*3 {
		t.Error("crops depend on the workers, or not on the epoch")
	}
	whole := &Augment{Resized: &ResizedCrop{AreaMin: 1, AreaMax: 1, AspectMin: 9. / 12, AspectMax: 9. / 12}}
	m, _, err := pictureOf(s, 0)
	must(t, err)
	want, got := m.Resize(8, 8).Pix, make([]uint8, 0, 192)
	for _, v := range batch(1, 0, whole)[:192] {
		got = append(got, uint8(math.Round(float64(v)*255)))
	}
	if !bytes.Equal(got, want) {
		t.Error("the whole picture is not what was cut out")
	}
	for _, bad := range []ResizedCrop{{}, {.5, .4, 1, 1}, {.5, 2, 1, 1}, {.5, 1, 0, 1}, {.5, 1, 2, 1}, {.5, 1, 1, math.Inf(1)}} {
		for _, err := range Batches(t.Context(), s, BatchConfig{Size: 1, Augment: &Augment{Resized: &bad}}) {
			if err == nil {
				t.Errorf("%+v was taken", bad)
			}
			break
		}
	}
}
