package datasets

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed imagenet_wnids.txt
var wnidsText string

// imageNetClasses are the 1,000 classes of ILSVRC-2012 as WordNet ids, sorted:
// the place in the list is the usual label.
var imageNetClasses = strings.Fields(wnidsText)

// gregSeed is the seed of NumPy's with which GReg's code, like DOS's, draws the
// in-distribution classes.
const gregSeed = 1993

// ImageNetSplit gives the WordNet ids of the k in-distribution classes of GReg's
// experiments on ImageNet (k = 10, 20, 50 or 100 there), in the order of their
// labels, and of all other classes, which are the auxiliary outliers. The class
// at place v of the sorted ids gets the label p[v] of NumPy's legacy permutation
// of 1,000 with seed 1993; those of a label below k are in-distribution. A k
// outside 1 to 999 is an error.
func ImageNetSplit(k int) (id, aux []string, err error) {
	if k < 1 || k >= len(imageNetClasses) {
		return nil, nil, fmt.Errorf("%d in-distribution classes of ImageNet: there are %d, and some must be left as outliers", k, len(imageNetClasses))
	}
	ordered := make([]string, len(imageNetClasses))
	for v, label := range numpyPermutation(gregSeed, len(imageNetClasses)) {
		ordered[label] = imageNetClasses[v]
	}
	return ordered[:k:k], ordered[k:], nil
}

// openImageNet opens a split of ILSVRC-2012: class folders named by WordNet id,
// or the flat folder of the validation pictures with a list of their classes.
func (l location) openImageNet(ctx context.Context, t tree, o Options) (Set, error) {
	if l.sub != "" {
		t = subTree{t, l.sub}
	} else if dir, ok := t.(dirTree); ok {
		split := "val"
		if o.Train {
			split = "train"
		}
		if root := filepath.Join(dir.root, split); exists(root) {
			t = dirTree{root} // the other split is not even listed
		}
	}
	entries, err := t.list(ctx)
	if err != nil {
		return nil, err
	}
	layout, err := arrange(entries, o.Train, l.sub != "")
	if err != nil {
		return nil, err
	}
	if len(layout.classes) == 0 {
		if err := l.solve(&layout); err != nil {
			return nil, err
		}
	}
	if err := layout.keepClasses(l.choice); err != nil {
		return nil, err
	}
	return l.openPictures(ctx, t, entries, layout, o)
}

// solve labels the flat folder of the validation pictures, by Kaggle's list or the
// development kit of the challenge, which lie beside the pictures or above them.
func (l location) solve(layout *layout) error {
	up := l
	var classOf map[string]string
	var missing error
	for range 4 {
		var err error
		if classOf, err = up.kaggleClasses(); err == nil {
			break
		}
		if missing == nil {
			missing = err
		}
		if classOf, err = up.devkitClasses(); err != nil {
			return err
		}
		if classOf != nil {
			break
		}
		up.file = filepath.Dir(up.file)
	}
	if classOf == nil {
		return fmt.Errorf("its pictures are not sorted into a folder for each class, %w; or the development kit (%s and meta.mat)", missing, devkitTruth)
	}
	layout.classes = slices.Clone(imageNetClasses)
	for i, p := range layout.picks {
		label, ok := slices.BinarySearch(imageNetClasses, classOf[trimExtension(path.Base(p.path))])
		if !ok {
			return fmt.Errorf("the list of its classes does not tell the class of %s", p.path)
		}
		layout.picks[i].label = label
	}
	return nil
}

// kaggleClasses are the classes in LOC_val_solution.csv: ImageId,PredictionString
// with one "WNID x y x y" for each object.
func (l location) kaggleClasses() (map[string]string, error) {
	lines, err := l.readList("LOC_val_solution.csv")
	if err != nil {
		return nil, err
	}
	classOf := make(map[string]string, len(lines))
	for _, line := range lines {
		name, rest, _ := strings.Cut(line, ",")
		if class, _, _ := strings.Cut(rest, " "); class != "" {
			classOf[name] = class
		}
	}
	return classOf, nil
}

// keepClasses keeps the in-distribution or the other classes of the split.
func (l *layout) keepClasses(c choice) error {
	for _, class := range l.classes {
		if _, ok := slices.BinarySearch(imageNetClasses, class); !ok {
			return fmt.Errorf("its folder %s is no class of ImageNet-1k: the folders are WordNet ids such as %s", class, imageNetClasses[0])
		}
	}
	if c.id == 0 && c.aux == 0 {
		return nil
	}
	if c.id > 0 && c.aux > 0 {
		return errors.New("#id and #aux exclude each other")
	}
	id, aux, err := ImageNetSplit(max(c.id, c.aux))
	if err != nil {
		return err
	}
	if c.id > 0 {
		return l.relabel(id, true)
	}
	return l.relabel(aux, false)
}

// relabel keeps the pictures of some classes; a label is the place in the list.
func (l *layout) relabel(classes []string, every bool) error {
	place := map[string]int{}
	for i, class := range classes {
		place[class] = i
	}
	have := make([]bool, len(classes))
	kept := l.picks[:0]
	for _, p := range l.picks {
		label, ok := place[l.classes[p.label]]
		if ok {
			have[label] = true
			kept = append(kept, pick{p.path, label})
		}
	}
	if missing := slices.Index(have, false); every && missing >= 0 {
		return fmt.Errorf("it has no pictures of class %s (label %d of %d)", classes[missing], missing, len(classes))
	}
	slices.SortStableFunc(kept, func(a, b pick) int { return a.label - b.label })
	l.picks, l.classes = kept, classes
	if len(kept) == 0 {
		return errors.New("it has no pictures of the wanted classes")
	}
	return nil
}
