package datasets

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// drawnSet opens a synthetic set and returns its bytes too.
func drawnSet(t *testing.T, name string, n, size int, seed uint64) (Set, []uint8) {
	t.Helper()
	s, err := OpenSynthetic(name, n, size, seed)
	if err != nil {
		t.Fatal(err)
	}
	one := size * size * 3
	all := make([]uint8, n*one)
	for i := range n {
		if _, err := s.Read(i, all[i*one:(i+1)*one]); err != nil {
			t.Fatal(err)
		}
	}
	return s, all
}

func TestSyntheticIsDeterministic(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, name := range SyntheticNames() {
		runtime.GOMAXPROCS(1)
		_, want := drawnSet(t, name, 21, 16, 3)
		runtime.GOMAXPROCS(5)
		if _, got := drawnSet(t, name, 21, 16, 3); !slices.Equal(got, want) {
			t.Errorf("%s: two drawings differ", name)
		}
		if _, fewer := drawnSet(t, name, 4, 16, 3); !slices.Equal(fewer, want[:len(fewer)]) {
			t.Errorf("%s: the first images depend on the number of images", name)
		}
		if _, other := drawnSet(t, name, 21, 16, 4); slices.Equal(other, want) {
			t.Errorf("%s: another seed gave the same images", name)
		}
	}
}

func TestSyntheticImagesAreAllDifferent(t *testing.T) {
	const n, size = 200, 16
	seen := map[string]string{}
	for _, name := range SyntheticNames() {
		_, all := drawnSet(t, name, n, size, 1)
		for i := range n {
			image := string(all[i*size*size*3 : (i+1)*size*size*3])
			if before, twice := seen[image]; twice {
				t.Fatalf("image %d of %s is also in %s", i, name, before)
			}
			seen[image] = name
		}
	}
}

func TestSyntheticLabels(t *testing.T) {
	for _, name := range SyntheticNames() {
		s, _ := drawnSet(t, name, 100, 16, 1)
		if h, w := s.Size(); s.Len() != 100 || h != 16 || w != 16 {
			t.Errorf("%s has %d images of %dx%d, want 100 of 16x16", name, s.Len(), h, w)
		}
		inDistribution := strings.HasPrefix(name, "shapes")
		wantName, wantClasses := name, 0
		if inDistribution {
			wantName, wantClasses = "shapes", 10
		}
		if s.Name() != wantName || len(s.Classes()) != wantClasses {
			t.Errorf("%s is called %s and has classes %v", name, s.Name(), s.Classes())
		}
		counts := map[int]int{}
		for i := range 100 {
			label, _ := s.Read(i, make([]uint8, 16*16*3))
			counts[label]++
		}
		if !inDistribution {
			if counts[-1] != 100 {
				t.Errorf("%s has labels: %v", name, counts)
			}
			continue
		}
		for label := range 10 {
			if counts[label] != 10 {
				t.Errorf("%s has %d of 100 images of class %d, want 10", name, counts[label], label)
			}
		}
	}
}

// Every image shows something: its colours vary, and neither ink nor ground
// fills it.
func TestSyntheticImagesAreNotBlank(t *testing.T) {
	for _, size := range []int{minSyntheticSize, 16, 24, 32} {
		for _, name := range SyntheticNames() {
			n := 60
			_, all := drawnSet(t, name, n, size, 2)
			one := size * size * 3
			for i := range n {
				sum, square := 0., 0.
				for _, v := range all[i*one : (i+1)*one] {
					sum += float64(v)
					square += float64(v) * float64(v)
				}
				mean := sum / float64(one)
				if deviation := math.Sqrt(square/float64(one) - mean*mean); deviation < 5 || mean < 10 || mean > 245 {
					t.Errorf("%s, image %d of %dx%d: mean %.0f, deviation %.1f", name, i, size, size, mean, deviation)
				}
			}
		}
	}
}

// Every figure leaves both ink and ground in the unit square.
func TestFiguresHaveInkAndGround(t *testing.T) {
	p := generator(useSynthetic, 1)
	b := newBrush(&p, 32)
	for _, d := range slices.Concat(known, unseenShapes, unseenTextures, letters) {
		for range 20 {
			f := d.figure(b)
			covered := 0.
			for k := range 64 * 64 {
				c := f(float64(k%64)/32-1, float64(k/64)/32-1, 1./32)
				if c < 0 || c > 1 || c != c {
					t.Fatalf("%s covers %v of a pixel", d.name, c)
				}
				covered += c / (64 * 64)
			}
			if covered < .05 || covered > .9 {
				t.Fatalf("%s covers %.2f of the square", d.name, covered)
			}
		}
	}
}

func TestDistances(t *testing.T) {
	square := regular(4, math.Sqrt2, 1) // corners on the axes
	for _, c := range []struct{ got, want float64 }{
		{square(0, 0), -1},
		{square(1, 1), math.Sqrt2 - 1},
		{square(0, 2), 2 - math.Sqrt2},
		{box(0, 0, 2, 1), -1},
		{box(5, 5, 2, 1), 5},
		{box(0, 3, 2, 1), 2},
		{strokes(.5, []point{{-1, 0}, {1, 0}})(0, 2), 1.5},
		{strokes(.5, []point{{-1, 0}, {1, 0}})(4, 4), 4.5},
		{hexagonEdge(0, 0), .5},
		{hexagonEdge(.5, 0), 0},
		{hexagonEdge(.5, math.Sqrt(3)/2), .5},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("distance %v, want %v", c.got, c.want)
		}
	}
}

func TestScrambleMovesEveryTile(t *testing.T) {
	p := generator(useSynthetic, 1)
	for _, size := range []int{16, 18, 32} { // 18 is not a multiple of four tiles
		b := newBrush(&p, size)
		image := make([]uint8, size*size*3)
		for i := range image {
			image[i] = uint8(mix(uint64(i / 3)))
		}
		tiles := func() []string {
			var all []string
			side := size / 4
			for k := range 16 {
				var tile []uint8
				for y := range side {
					at := ((k/4*side+y)*size + k%4*side) * 3
					tile = append(tile, image[at:at+3*side]...)
				}
				all = append(all, string(tile))
			}
			return all
		}
		before := tiles()
		b.scramble(image)
		after := tiles()
		for k := range before {
			if after[k] == before[k] {
				t.Errorf("%d pixels: tile %d stayed", size, k)
			}
		}
		slices.Sort(before)
		slices.Sort(after)
		if !slices.Equal(before, after) {
			t.Errorf("%d pixels: the tiles are not the same ones", size)
		}
	}
}

func TestSyntheticErrors(t *testing.T) {
	_, err := OpenSynthetic("shape", 1, 32, 1)
	if err == nil || slices.ContainsFunc(SyntheticNames(), func(name string) bool { return !strings.Contains(err.Error(), name) }) {
		t.Errorf("an unknown name: %v", err)
	}
	for _, c := range [][2]int{{-1, 32}, {1, 11}, {1, 1025}, {math.MaxInt, 32}} {
		if _, err := OpenSynthetic("shapes", c[0], c[1], 1); err == nil || !strings.Contains(err.Error(), "cannot draw") {
			t.Errorf("%d images of %d pixels: %v", c[0], c[1], err)
		}
	}
	if s, err := OpenSynthetic("shapes", 0, 32, 1); err != nil || s.Len() != 0 {
		t.Errorf("no images: %v, %v", s, err)
	}
}

func BenchmarkDraw(b *testing.B) {
	for _, f := range families {
		b.Run(f.name, func(b *testing.B) {
			dst := make([]uint8, 32*32*3)
			i := 0
			for b.Loop() {
				f.image(dst, i, 32, 1)
				i++
			}
			b.ReportMetric(float64(i)/b.Elapsed().Seconds(), "images/s")
		})
	}
}
