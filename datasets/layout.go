package datasets

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
)

// imageExtensions are the files that count as pictures, in any case of letters;
// the list is torchvision's. WebP, PPM and PGM are on it although Decode does
// not read them: left out silently they would change the set.
var imageExtensions = []string{".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}

// IsImageName tells by the extension of a file, in any case of letters, whether it
// counts as a picture of a set: torchvision's list. [Decode] does not read all of
// these formats.
func IsImageName(name string) bool {
	return slices.Contains(imageExtensions, strings.ToLower(path.Ext(name)))
}

// pick is one file chosen from a tree.
type pick struct {
	path  string
	label int
}

// layout is how a tree of pictures is read: which files in which order, and the
// class of each.
type layout struct {
	classes []string
	picks   []pick
}

// folders sums up a tree of pictures: for each folder, "" being the top, how
// many pictures lie directly in it, how many in it and below, and its folders.
type folders struct {
	direct, total map[string]int
	children      map[string][]string
}

func newFolders(entries []entry) folders {
	f := folders{map[string]int{}, map[string]int{}, map[string][]string{}}
	for _, e := range entries {
		if e.dir {
			f.add(e.path)
		} else if IsImageName(e.path) {
			dir := parent(e.path)
			f.add(dir)
			f.direct[dir]++
			for f.total[dir]++; dir != ""; f.total[dir]++ {
				dir = parent(dir)
			}
		}
	}
	for _, c := range f.children {
		sort.Strings(c)
	}
	return f
}

// add makes a folder known, and those above it: archives need not list them.
func (f folders) add(dir string) {
	for dir != "" {
		if _, ok := f.total[dir]; ok {
			return
		}
		f.total[dir] = 0
		up := parent(dir)
		f.children[up] = append(f.children[up], dir)
		dir = up
	}
}

func parent(name string) string {
	if dir := path.Dir(name); dir != "." {
		return dir
	}
	return ""
}

// withImages are the folders directly in dir that hold pictures.
func (f folders) withImages(dir string) []string {
	var out []string
	for _, c := range f.children[dir] {
		if f.total[c] > 0 {
			out = append(out, c)
		}
	}
	return out
}

// base finds the folder whose folders are the classes: it enters a folder that
// is alone and holds only folders, and the split that is wanted.
func (f folders) base(train bool) string {
	dir := ""
	for f.direct[dir] == 0 {
		inside := f.withImages(dir)
		if split, ok := chooseSplit(inside, train); ok {
			return split
		}
		if len(inside) != 1 || f.direct[inside[0]] > 0 {
			break
		}
		dir = inside[0]
	}
	return dir
}

// chooseSplit picks one of the folders train and test (or val) where these are
// all there are.
func chooseSplit(dirs []string, train bool) (string, bool) {
	found := map[string]string{}
	for _, d := range dirs {
		switch name := path.Base(d); name {
		case "train", "test", "val":
			found[name] = d
		default:
			return "", false
		}
	}
	if found["train"] == "" || len(found) < 2 {
		return "", false
	}
	switch {
	case train:
		return found["train"], true
	case found["test"] != "":
		return found["test"], true
	default:
		return found["val"], true
	}
}

// arrange decides how a tree of pictures is read. Classes are the folders of
// the base folder, sorted by name; pictures are sorted by class, then folder,
// then file name, as torchvision's ImageFolder does it. Without class folders
// the pictures are unlabelled. whole keeps the top of the tree as the base.
func arrange(entries []entry, train, whole bool) (layout, error) {
	f := newFolders(entries)
	base := ""
	if !whole {
		base = f.base(train)
	}
	if f.total[base] == 0 {
		return layout{}, fmt.Errorf("there are no pictures (%s) in it; at the top it has %s",
			strings.Join(imageExtensions, " "), topNames(entries))
	}
	inside := f.children[base]
	if f.direct[base] > 0 {
		if withImages := f.withImages(base); len(withImages) > 0 {
			return layout{}, fmt.Errorf("%s holds both pictures and folders of pictures (%s): name the folder that is meant with #FOLDER",
				orTop(base), path.Base(withImages[0]))
		}
		inside = nil
	}
	l := layout{}
	labels := map[string]int{}
	for i, dir := range inside {
		if f.total[dir] == 0 {
			return layout{}, fmt.Errorf("the class folder %s holds no picture: remove it, or name the folder that is meant with #FOLDER", dir)
		}
		labels[dir] = i
		l.classes = append(l.classes, path.Base(dir))
	}
	return l, l.collect(entries, base, labels)
}

func (l *layout) collect(entries []entry, base string, labels map[string]int) error {
	prefix := base
	if base != "" {
		prefix += "/"
	}
	for _, e := range entries {
		rest, below := strings.CutPrefix(e.path, prefix)
		if e.dir || !below || !IsImageName(e.path) {
			continue
		}
		label := -1
		if class, _, ok := strings.Cut(rest, "/"); ok {
			label = labels[prefix+class]
		}
		l.picks = append(l.picks, pick{e.path, label})
	}
	sort.Slice(l.picks, func(i, j int) bool {
		a, b := l.picks[i], l.picks[j]
		if da, db := parent(a.path), parent(b.path); a.label == b.label && da != db {
			return da < db
		}
		if a.label != b.label {
			return a.label < b.label
		}
		return a.path < b.path
	})
	for i := 1; i < len(l.picks); i++ {
		if l.picks[i].path == l.picks[i-1].path {
			return fmt.Errorf("%s is in it twice: pack it again", l.picks[i].path)
		}
	}
	return nil
}

func orTop(dir string) string {
	if dir == "" {
		return "it"
	}
	return dir
}
