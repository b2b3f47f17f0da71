package datasets

import (
	"fmt"
	"io"
	"slices"
	"sort"
)

// view shows some images of another set, in another order, perhaps with other
// labels.
type view struct {
	base    Set
	indices []int
	classes []string
	relabel []int // new label of each old one; nil keeps them
	digest  digestCache
}

// Subset is a view of the given images of s, in the given order; an index may
// come twice. Name and classes are those of s. It panics with a *MisuseError
// when an index is outside s. The slice is kept.
func Subset(s Set, indices []int) Set {
	for _, i := range indices {
		if i < 0 || i >= s.Len() {
			panic(&MisuseError{Op: "Subset", Detail: fmt.Sprintf("index %d; %s has images 0 to %d", i, s.Name(), s.Len()-1)})
		}
	}
	return &view{base: s, indices: indices, classes: s.Classes()}
}

// Limit is the first n images of s, or s itself when it has no more.
func Limit(s Set, n int) Set {
	if n >= s.Len() {
		return s
	}
	indices := make([]int, max(n, 0))
	for i := range indices {
		indices[i] = i
	}
	return Subset(s, indices)
}

func (v *view) Name() string              { return v.base.Name() }
func (v *view) Len() int                  { return len(v.indices) }
func (v *view) Size() (height, width int) { return v.base.Size() }
func (v *view) Classes() []string         { return v.classes }
func (v *view) Close() error              { return closeSet(v.base) }
func (v *view) coarse() bool              { return isCoarse(v.base) }

func (v *view) Digest() (string, error) {
	if !v.coarse() {
		return v.digest.of(v)
	}
	v.digest.once.Do(func() {
		base, err := v.base.Digest()
		v.digest.hex, v.digest.err = partDigest("part", base, v.indices, v.relabel), err
	})
	return v.digest.hex, v.digest.err
}

func (v *view) Read(i int, dst []uint8) (label int, err error) {
	label, err = v.base.Read(v.indices[i], dst)
	return v.relabelled(label), err
}

func (v *view) Label(i int) (int, error) {
	label, err := labelOf(v.base, v.indices[i])
	return v.relabelled(label), err
}

func (v *view) Picture(i int) (Image, int, error) {
	m, label, err := pictureOf(v.base, v.indices[i])
	return m, v.relabelled(label), err
}

func (v *view) relabelled(label int) int {
	if v.relabel != nil && label >= 0 {
		return v.relabel[label]
	}
	return label
}

// gaps is a set without some of its images: a list of these is shorter than one
// of all the others.
type gaps struct {
	Set
	out    []int // sorted
	digest digestCache
}

// without leaves images out of a set.
func without(s Set, out []int) (Set, error) {
	out = slices.Clone(out)
	slices.Sort(out)
	if out = slices.Compact(out); len(out) >= s.Len() {
		return nil, fmt.Errorf("no image is left")
	}
	return &gaps{Set: s, out: out}, nil
}

// at is the place of image i in the whole set: as many further as there are
// images left out before it.
func (g *gaps) at(i int) int {
	return i + sort.Search(len(g.out), func(k int) bool { return g.out[k]-k > i })
}

func (g *gaps) Len() int     { return g.Set.Len() - len(g.out) }
func (g *gaps) Close() error { return closeSet(g.Set) }
func (g *gaps) coarse() bool { return isCoarse(g.Set) }

func (g *gaps) Digest() (string, error) {
	if !g.coarse() {
		return g.digest.of(g)
	}
	base, err := g.Set.Digest()
	return partDigest("without", base, g.out, nil), err
}

func (g *gaps) Read(i int, dst []uint8) (label int, err error) {
	if i < 0 || i >= g.Len() {
		panic(&MisuseError{Op: "Read", Detail: fmt.Sprintf("image %d of %d", i, g.Len())})
	}
	return g.Set.Read(g.at(i), dst)
}

func (g *gaps) Label(i int) (int, error) { return labelOf(g.Set, g.at(i)) }

func (g *gaps) Picture(i int) (Image, int, error) { return pictureOf(g.Set, g.at(i)) }

// What only some sets can do.
type (
	// labelled tells labels without reading images.
	labelled interface{ Label(i int) (int, error) }
	// pictured gives images before they are brought to the size of the set.
	pictured interface {
		Picture(i int) (Image, int, error)
	}
	// coarseSet tells that a set is too large to be read for its digest.
	coarseSet interface{ coarse() bool }
)

func isCoarse(s Set) bool {
	c, ok := s.(coarseSet)
	return ok && c.coarse()
}

func closeSet(s Set) error {
	if c, ok := s.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// labelOf is the label of an image, read with it where there is no other way.
func labelOf(s Set, i int) (int, error) {
	if l, ok := s.(labelled); ok {
		return l.Label(i)
	}
	h, w := s.Size()
	return s.Read(i, make([]uint8, 3*h*w))
}

// pictureOf is image i as it was before the transform, as far as s still has it.
func pictureOf(s Set, i int) (Image, int, error) {
	if p, ok := s.(pictured); ok {
		return p.Picture(i)
	}
	h, w := s.Size()
	m := newImage(w, h)
	label, err := s.Read(i, m.Pix)
	return m, label, err
}
