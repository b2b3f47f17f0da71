package datasets

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// choice says which of the images that lie somewhere are wanted, and how they
// are brought to size: what a spec has behind its # signs. The steps are taken
// in the order of the fields.
type choice struct {
	id, aux   int    // classes of ImageNet: the first so many of the split, or all others
	split     string // a list inside the set: labels/NAME.txt
	list      string // a file that names the images, in this order
	exclude   string // a file that names images to leave out
	from      int    // what the first image is called in lists of numbers
	perClass  int    // the first so many of each label
	random    int    // so many, drawn with seed
	seed      uint64
	numpy     bool   // drawn by numpy.random.choice
	transform string // see TransformNames
}

// options are the parts of a choice by their names in specs.
var options = map[string]func(c *choice, value string) error{
	"split":     func(c *choice, v string) error { c.split = v; return nil },
	"list":      func(c *choice, v string) error { c.list = v; return nil },
	"exclude":   func(c *choice, v string) error { c.exclude = v; return nil },
	"from":      func(c *choice, v string) error { return setNumber(&c.from, v, 0) },
	"per-class": func(c *choice, v string) error { return setNumber(&c.perClass, v, 1) },
	"random":    func(c *choice, v string) error { return setNumber(&c.random, v, 1) },
	"id":        func(c *choice, v string) error { return setNumber(&c.id, v, 1) },
	"aux":       func(c *choice, v string) error { return setNumber(&c.aux, v, 1) },
	"seed":      func(c *choice, v string) (err error) { c.seed, err = strconv.ParseUint(v, 10, 64); return err },
	"numpy-seed": func(c *choice, v string) (err error) {
		c.seed, err = strconv.ParseUint(v, 10, 32)
		c.numpy = true
		return err
	},
	"transform": func(c *choice, v string) error {
		c.transform = v
		_, err := NamedTransform(v, 32)
		return err
	},
}

func setNumber(to *int, text string, least int) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < least {
		return fmt.Errorf("%q is not a whole number from %d", text, least)
	}
	*to = n
	return nil
}

// set takes one option; known is false when text is none, but a folder.
func (c *choice) set(text string) (known bool, err error) {
	name, value, ok := strings.Cut(text, "=")
	set := options[name]
	if !ok || set == nil {
		return false, nil
	}
	if value == "" {
		return true, fmt.Errorf("#%s has no value", text)
	}
	if err := set(c, value); err != nil {
		return true, fmt.Errorf("#%s: %w", text, err)
	}
	return true, nil
}

// narrows tells that not all images are wanted.
func (c choice) narrows() bool {
	c.transform, c.from, c.seed, c.numpy = "", 0, 0, false
	return c != choice{}
}

// lists are the files that a choice names, read.
type lists struct{ list, exclude []string }

// pick gives the wanted ones of n images in order. name is the path of an image,
// or nil where images have numbers only.
func (c choice) pick(n int, name func(i int) string, label func(i int) (int, error), l lists) ([]int, error) {
	chosen := make([]int, n)
	for i := range chosen {
		chosen[i] = i
	}
	find := newFinder(n, name, c.from)
	if l.list != nil {
		var err error
		if chosen, err = find.all(l.list); err != nil {
			return nil, fmt.Errorf("list %s: %w", c.list+c.split, err)
		}
	}
	if l.exclude != nil {
		out, err := find.all(l.exclude)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", c.exclude, err)
		}
		gone := make(map[int]bool, len(out))
		for _, i := range out {
			gone[i] = true
		}
		chosen = slices.DeleteFunc(chosen, func(i int) bool { return gone[i] })
	}
	if c.perClass > 0 {
		var err error
		if chosen, err = firstOfEach(chosen, label, c.perClass); err != nil {
			return nil, err
		}
	}
	return c.draw(chosen)
}

// firstOfEach keeps the first most images of each label.
func firstOfEach(chosen []int, label func(i int) (int, error), most int) ([]int, error) {
	counts := map[int]int{}
	kept := chosen[:0]
	for _, i := range chosen {
		l, err := label(i)
		if err != nil {
			return nil, err
		}
		if counts[l]++; counts[l] <= most {
			kept = append(kept, i)
		}
	}
	return kept, nil
}

// draw picks at random, the same images each time.
func (c choice) draw(chosen []int) ([]int, error) {
	if c.random == 0 {
		return chosen, nil
	}
	if c.random > len(chosen) {
		return nil, fmt.Errorf("#random=%d: there are only %d images", c.random, len(chosen))
	}
	var order []int
	if c.numpy {
		order = numpyPermutation(uint32(c.seed), len(chosen))[:c.random]
	} else {
		order = permutation(c.seed, 0, len(chosen))[:c.random]
		slices.Sort(order)
	}
	for k, i := range order {
		order[k] = chosen[i]
	}
	return order, nil
}

// finder finds images by what lists call them.
type finder struct {
	n       int
	name    func(i int) string
	from    int
	byDepth map[int]map[string]int // by the last so many parts of the path, -1 for more than one image
}

func newFinder(n int, name func(i int) string, from int) *finder {
	return &finder{n: n, name: name, from: from, byDepth: map[int]map[string]int{}}
}

// all finds every line of a list: a path from any folder down, with or without
// its extension, or a number. What follows the first blank (a label) is not read.
func (f *finder) all(lines []string) ([]int, error) {
	found := make([]int, 0, len(lines))
	seen := make(map[int]bool, len(lines))
	for _, line := range lines {
		i, err := f.one(line)
		if err != nil {
			return nil, err
		}
		if seen[i] {
			return nil, fmt.Errorf("it names %.80q twice", line)
		}
		seen[i] = true
		found = append(found, i)
	}
	return found, nil
}

func (f *finder) one(line string) (int, error) {
	first := strings.Fields(line)[0]
	if f.name == nil {
		i, err := strconv.Atoi(first)
		if err != nil {
			return 0, fmt.Errorf("%.80q is not the number of an image, and these images have no names", first)
		}
		if i < f.from || i-f.from >= f.n {
			return 0, fmt.Errorf("it names the image %d, but they go from %d to %d", i, f.from, f.from+f.n-1)
		}
		return i - f.from, nil
	}
	for _, name := range []string{line, first} {
		name = strings.Trim(strings.ReplaceAll(name, `\`, "/"), "/")
		if name = strings.TrimPrefix(name, "./"); name == "" {
			continue
		}
		i, ok := f.names(strings.Count(name, "/"))[name]
		if ok && i < 0 {
			return 0, fmt.Errorf("%.80q is the name of more than one image: give more of its path", name)
		}
		if ok {
			return i, nil
		}
	}
	return 0, fmt.Errorf("there is no image %.80q among the %d", first, f.n)
}

// names maps the last depth+1 parts of each path, whole and without extension.
func (f *finder) names(depth int) map[string]int {
	if m := f.byDepth[depth]; m != nil {
		return m
	}
	m := make(map[string]int, 2*f.n)
	for i := range f.n {
		name := lastParts(f.name(i), depth+1)
		for _, as := range []string{name, trimExtension(name)} {
			if j, ok := m[as]; ok && j != i {
				m[as] = -1
			} else {
				m[as] = i
			}
		}
	}
	f.byDepth[depth] = m
	return m
}
