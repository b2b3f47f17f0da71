package datasets

import "fmt"

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
func (v *view) Digest() (string, error)   { return v.digest.of(v) }

func (v *view) Read(i int, dst []uint8) (label int, err error) {
	label, err = v.base.Read(v.indices[i], dst)
	if err == nil && v.relabel != nil && label >= 0 {
		label = v.relabel[label]
	}
	return label, err
}
