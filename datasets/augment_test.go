package datasets

import (
	"math"
	"slices"
	"testing"
)

// naive flips and crops as the definition says: an image in the middle of a
// larger black one, a window of the original size, whole images in between.
func naive(src []uint8, h, w, pad, top, left int, flip, flipFirst bool) []uint8 {
	mirror := func(im []uint8) []uint8 {
		out := make([]uint8, len(im))
		for y := range h {
			for x := range w {
				copy(out[(y*w+x)*3:][:3], im[(y*w+w-1-x)*3:][:3])
			}
		}
		return out
	}
	crop := func(im []uint8) []uint8 {
		pw := w + 2*pad
		padded := make([]uint8, (h+2*pad)*pw*3)
		for y := range h {
			copy(padded[((y+pad)*pw+pad)*3:], im[y*w*3:(y+1)*w*3])
		}
		out := make([]uint8, len(im))
		for y := range h {
			copy(out[y*w*3:(y+1)*w*3], padded[((y+top)*pw+left)*3:])
		}
		return out
	}
	switch {
	case !flip:
		return crop(src)
	case flipFirst:
		return crop(mirror(src))
	}
	return mirror(crop(src))
}

// moveFor is the Move that Draw makes of a crop at (top, left).
func moveFor(pad, top, left int, flip, flipFirst bool) Move {
	m := Move{DY: top - pad, DX: left - pad, Mirror: flip}
	if flip && flipFirst {
		m.DX = -m.DX
	}
	return m
}

func TestPlaceAgainstDefinition(t *testing.T) {
	n := Normalization{Mean: [3]float32{.5, .4, .3}, Std: [3]float32{.2, .3, .4}}
	table, err := n.lookup()
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range [][2]int{{7, 9}, {4, 4}, {1, 3}, {3, 1}} {
		h, w := size[0], size[1]
		src := make([]uint8, h*w*3)
		for i := range src {
			src[i] = uint8(mix(uint64(i)))
		}
		got := make([]float32, len(src))
		pad := 5 // larger than some images, which then leave the frame
		for k := range (2*pad + 1) * (2*pad + 1) * 4 {
			top, left := k/4/(2*pad+1), k/4%(2*pad+1)
			flip, flipFirst := k&1 > 0, k&2 > 0
			place(got, src, h, w, moveFor(pad, top, left, flip, flipFirst), table)
			for i, v := range naive(src, h, w, pad, top, left, flip, flipFirst) {
				if want := (float32(v)/255 - n.Mean[i%3]) / n.Std[i%3]; got[i] != want {
					t.Fatalf("%dx%d, crop at (%d, %d), flip %v, first %v: value %d is %v, want %v", h, w, top, left, flip, flipFirst, i, got[i], want)
				}
			}
		}
	}
}

func TestPaddingIsBlackBeforeNormalisation(t *testing.T) {
	n, err := Preset("greg", "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	table, err := n.lookup()
	if err != nil {
		t.Fatal(err)
	}
	src := slices.Repeat([]uint8{255}, 4*4*3)
	dst := make([]float32, len(src))
	place(dst, src, 4, 4, Move{DY: -1}, table)
	for c := range 3 {
		black, white := -n.Mean[c]/n.Std[c], (1-n.Mean[c])/n.Std[c]
		if dst[c] != black || dst[4*3+c] != white {
			t.Errorf("channel %d: padding %v, image %v; want %v and %v", c, dst[c], dst[4*3+c], black, white)
		}
	}
}

func TestDrawIsUniform(t *testing.T) {
	const n = 81 * 2000
	for _, a := range []*Augment{FlipThenCrop(), CropThenFlip()} {
		counts := map[Move]int{}
		for i := range n {
			counts[a.Draw(7, 3, i)]++
		}
		if len(counts) != 162 {
			t.Fatalf("%d different moves, want 162", len(counts))
		}
		chi := 0.0
		for m, c := range counts {
			if max(m.DX, -m.DX, m.DY, -m.DY) > 4 {
				t.Fatalf("move %+v leaves the padding", m)
			}
			d := float64(c) - n/162.
			chi += d * d / (n / 162.)
		}
		// 161 degrees of freedom: mean 161, deviation sqrt(322).
		if math.Abs(chi-161) > 5*math.Sqrt(322) {
			t.Errorf("chi-squared of the moves is %.0f, want 161 +- 90", chi)
		}
	}
}

func TestDrawDependsOnlyOnItsAddress(t *testing.T) {
	a := *FlipThenCrop()
	want := a.Draw(1, 2, 3)
	for i := range 100 {
		a.Draw(uint64(i), i, i)
	}
	if got := a.Draw(1, 2, 3); got != want {
		t.Errorf("the same image moved by %+v and %+v", want, got)
	}
	differ := func(seed uint64, epoch, shift int) bool {
		return slices.ContainsFunc([]int{0, 1, 2, 3, 4}, func(i int) bool { return a.Draw(seed, epoch, i+shift) != a.Draw(1, 2, i) })
	}
	if !differ(2, 2, 0) || !differ(1, 3, 0) || !differ(1, 2, 1) {
		t.Error("seed, epoch or image does not change the moves")
	}
}

func TestDrawHonoursTheSwitches(t *testing.T) {
	both := FlipThenCrop()
	for i := range 200 {
		m := both.Draw(1, 0, i)
		after := Augment{Flip: true, CropPad: 4}.Draw(1, 0, i)
		if after.Mirror != m.Mirror || after.DY != m.DY || m.Mirror && after.DX != -m.DX || !m.Mirror && after.DX != m.DX {
			t.Fatalf("image %d: flip first %+v, flip last %+v", i, m, after)
		}
		if only := (Augment{Flip: true}).Draw(1, 0, i); only != (Move{Mirror: m.Mirror}) {
			t.Fatalf("image %d: without crop %+v, with %+v", i, only, m)
		}
		if only := (Augment{CropPad: 4}).Draw(1, 0, i); only != (Move{DY: after.DY, DX: after.DX}) {
			t.Fatalf("image %d: without flip %+v, with %+v", i, only, after)
		}
	}
}

func BenchmarkPlace(b *testing.B) {
	src, dst := make([]uint8, 32*32*3), make([]float32, 32*32*3)
	table, _ := Normalization{}.lookup()
	a := FlipThenCrop()
	i := 0
	for b.Loop() {
		place(dst, src, 32, 32, a.Draw(1, 0, i), table)
		i++
	}
	b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "images/s")
}
