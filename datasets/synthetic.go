package datasets

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// family is a set that the program draws itself.
type family struct {
	name    string // what the set is opened by
	title   string // the name of the set, where it is another
	classes []string
	draw    func(b *brush, label int, dst []uint8)
}

// families are all synthetic sets, in the order in which they are listed.
var families = []family{
	{name: "shapes", classes: namesOf(known), draw: drawKnown},
	{name: "shapes-test", title: "shapes", classes: namesOf(known), draw: drawKnown},
	{name: "outliers", draw: pictures(outlier)},
	{name: "ood-shapes", draw: pictures(func(b *brush) paint { return b.shape(oneOf(b, unseenShapes)) })},
	{name: "ood-textures", draw: pictures(func(b *brush) paint { return b.texture(oneOf(b, unseenTextures)) })},
	{name: "ood-letters", draw: pictures(func(b *brush) paint { return b.shape(oneOf(b, letters)) })},
	{name: "ood-scenes", draw: pictures(scene)},
	{name: "ood-blobs", draw: pictures(blobs)},
	{name: "ood-scrambled", draw: drawScrambled},
	{name: "ood-noise", draw: pictures(noise)},
}

// known are the ten classes of the in-distribution set: shapes, then textures.
var known = append(append([]drawing(nil), knownShapes...), knownTextures...)

// Below minSyntheticSize the kinds cannot be told apart; maxSyntheticSize is far
// above what they have detail for.
const (
	minSyntheticSize = 12
	maxSyntheticSize = 1024
)

// SyntheticNames lists the names that [OpenSynthetic] knows.
func SyntheticNames() []string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	return names
}

// OpenSynthetic draws n images of size x size pixels of a synthetic family:
//
//	shapes         in-distribution training set: seven shapes and three textures
//	shapes-test    its test set, which shares no image with it; also called "shapes"
//	outliers       auxiliary outliers for training: blots, splinters, scribbles,
//	               pebbles, interference, mosaics, marble, collages
//	ood-shapes     near: hearts, arrows, drops, ... drawn just as the known shapes
//	ood-textures   near: checks, zigzags, spirals, ... drawn just as the known textures
//	ood-letters    letters and digits
//	ood-scenes     landscapes
//	ood-blobs      soft spots of colour without edges
//	ood-scrambled  known shapes in 16 tiles that are shuffled
//	ood-noise      noise of several distributions in every pixel
//
// The three uses are disjoint in kind: no outlier of training is of a kind that
// the test sets hold. Position, size, rotation, stretch, colours, background,
// shadow, light and sensor noise vary in every image.
//
// Image i depends on the family, the size, the seed and i alone, not on n or on
// the number of processors; for the in-distribution sets its label is i modulo
// ten, so any run of ten images holds every class once. The other sets have no
// labels. All cores draw, and the images are kept in memory: size*size*3 bytes
// each.
//
// An unknown name is an error that lists the known ones; so are a negative n, a
// size below 12 or above 1024, and a set of more than 8 GiB.
func OpenSynthetic(name string, n, size int, seed uint64) (Set, error) {
	f, err := familyOf(name)
	if err != nil {
		return nil, err
	}
	if n < 0 || size < minSyntheticSize || size > maxSyntheticSize {
		return nil, fmt.Errorf("cannot draw %d images of %dx%d pixels of %s: sizes from %d to %d can be drawn", n, size, size, name, minSyntheticSize, maxSyntheticSize)
	}
	if most := defaultMaxBytes / (size * size * 3); n > most {
		return nil, fmt.Errorf("cannot draw %d images of %dx%d pixels of %s: %d fit in the memory that one set may have", n, size, size, name, most)
	}
	pixels, labels := f.images(n, size, seed)
	title := f.title
	if title == "" {
		title = f.name
	}
	return NewMemory(title, f.classes, size, size, pixels, labels), nil
}

func familyOf(name string) (family, error) {
	for _, f := range families {
		if f.name == name {
			return f, nil
		}
	}
	return family{}, fmt.Errorf("no synthetic set is called %q: choose one of %s", name, strings.Join(SyntheticNames(), ", "))
}

// images draws all images of a set, every worker each workers-th.
func (f family) images(n, size int, seed uint64) (pixels []uint8, labels []int) {
	one := size * size * 3
	pixels, labels = make([]uint8, n*one), make([]int, n)
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wg.Go(func() {
			for i := w; i < n; i += workers {
				labels[i] = f.image(pixels[i*one:(i+1)*one], i, size, seed)
			}
		})
	}
	wg.Wait()
	return pixels, labels
}

// image draws image i and returns its label. The name of the family is part of
// the address of its random numbers, so no two families share them.
func (f family) image(dst []uint8, i, size int, seed uint64) (label int) {
	address := []uint64{seed, uint64(i)}
	for _, letter := range []byte(f.name) {
		address = append(address, uint64(letter))
	}
	p := generator(useSynthetic, address...)
	label = -1
	if len(f.classes) > 0 {
		label = i % len(f.classes)
	}
	f.draw(newBrush(&p, size), label, dst)
	return label
}

// pictures draws a family of one kind of picture, without labels.
func pictures(kind func(b *brush) paint) func(b *brush, label int, dst []uint8) {
	return func(b *brush, _ int, dst []uint8) { b.develop(dst, kind(b)) }
}

func drawKnown(b *brush, label int, dst []uint8) {
	if label < len(knownShapes) {
		b.develop(dst, b.shape(known[label]))
		return
	}
	b.develop(dst, b.texture(known[label]))
}

func drawScrambled(b *brush, _ int, dst []uint8) {
	drawKnown(b, b.IntN(len(knownShapes)), dst)
	b.scramble(dst)
}

func (b *brush) shape(d drawing) paint { return b.drawn(d.figure(b), b.object(d.turn), true) }

func (b *brush) texture(d drawing) paint { return b.drawn(d.figure(b), b.cover(d.turn), false) }

func oneOf(b *brush, all []drawing) drawing { return all[b.IntN(len(all))] }

func namesOf(all []drawing) []string {
	names := make([]string, len(all))
	for i, d := range all {
		names[i] = d.name
	}
	return names
}
