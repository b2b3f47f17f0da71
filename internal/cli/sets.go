package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/ood"
	"gradgrad/report/progress"
)

// SyntheticSeed is the seed of every synthetic set that a flag names: they are
// data, the same in every run.
const SyntheticSeed = 1

// How many images of a synthetic set there are where the user does not say.
const (
	syntheticTrain = 10000
	syntheticTest  = 2000
)

// DescribeSets explains how sets are written, for the help text of verbs; program is
// that which has the verbs sets and fetch.
func DescribeSets(program string) string {
	return Wrap(fmt.Sprintf("A SET of images is a known name (%s; %s sets tells more), a path to a folder of class folders, to a tar archive of one "+
		"(.tar, .tar.gz, .tar.zst), to CIFAR in the binary or the python version, to an SVHN .mat file or to an .npy file of images, "+
		"or a synthetic family that the program draws itself (%s). "+
		"PATH#FOLDER picks a folder inside, NAME=PATH names the set in results, FAMILY#5000 draws 5000 images. "+
		"SET#as=dice takes the images that DICE took, and as it did (also greg, paper, poem); SET#list=FILE, #exclude=FILE, #per-class=N, "+
		"#random=N and #transform=%s choose by hand. "+
		"Names are looked for in -data, $GRADGRAD_DATA and the user's cache folder; %s fetch downloads.",
		strings.Join(datasets.Known(), ", "), program, strings.Join(datasets.SyntheticNames(), ", "), strings.Join(datasets.TransformNames(), "|"), program))
}

// Sets holds the flags that say how sets are opened.
type Sets struct {
	Data    string
	Size    int
	Limit   int
	SkipBad bool

	// Of a program for large pictures; no flag sets them.
	Stream      bool   // leave sets on disk where their format allows it
	DefaultSize int    // of images where neither flags nor networks say it
	Transform   string // how pictures are brought to size where a set does not say it, one of datasets.TransformNames
}

// SetFlags defines the flags of Sets.
func SetFlags(f *Flags) *Sets { return Sets{}.Flags(f) }

// Flags defines the flags of a copy of s.
func (s Sets) Flags(f *Flags) *Sets { return (&s).define(f) }

func (s *Sets) define(f *Flags) *Sets {
	size := "those of the network or of -id; 32 for synthetic sets"
	if s.DefaultSize > 0 {
		size = fmt.Sprintf("those of the network, else %d", s.DefaultSize)
	}
	f.note("data")
	f.set.StringVar(&s.Data, "data", "", "DIR: look for sets by name there first")
	f.note("size")
	f.set.IntVar(&s.Size, "size", 0, "PIXELS: height and width of all images (default "+size+")")
	f.note("limit")
	f.set.IntVar(&s.Limit, "limit", 0, "N: so many images of every set, drawn at random but always the same, for quick tries")
	f.note("skip-bad")
	f.set.BoolVar(&s.SkipBad, "skip-bad", false, "leave out images that cannot be read, and say which, instead of ending with an error")
	return s
}

// Check returns an error of wrong flags.
func (s *Sets) Check() error {
	if s.Size < 0 || s.Limit < 0 {
		return Wrong("-size %d -limit %d: neither may be negative", s.Size, s.Limit)
	}
	return nil
}

// CheckNames returns an error of wrong flags when sets, given as for Open, cannot
// stand side by side in results: without a name, with one that results.json
// uses itself, or with the same one.
func CheckNames(specs []string) error {
	seen := map[string]string{}
	for _, spec := range specs {
		if key, path, named := strings.Cut(spec, "="); named && (key == "" || path == "") {
			return Wrong("the set %q lacks its name or its path; write NAME=PATH", spec)
		}
		name := datasets.NameOf(spec)
		if err := ood.CheckSetName(name); err != nil {
			return AsWrong(err)
		}
		if other, twice := seen[name]; twice {
			return Wrong("%s and %s: two sets are named %s; give one of them another name, as in other=PATH", other, spec, name)
		}
		seen[name] = spec
	}
	return nil
}

// Want says which part of a set is asked for.
type Want struct {
	Train   bool   // the train split where there are two
	Cut     bool   // images will be cut out of its pictures at random: keep these whole where they stay on disk, and uncropped as far as possible elsewhere
	Size    int    // 0: as flags say, else the set's own
	Classes string // keep the classes listed in this file
}

// Open opens the set that spec names.
func (s *Sets) Open(ctx context.Context, env *Env, spec string, w Want) (datasets.Set, greg.SetID, error) {
	if w.Size == 0 {
		w.Size = cmp.Or(s.Size, s.DefaultSize)
	}
	id := greg.SetID{Spec: spec, Limit: s.Limit, ClassFile: w.Classes}
	set, drawn, err := openSynthetic(spec, w)
	if err == nil && !drawn {
		set, err = s.read(ctx, env, spec, w)
	}
	if err == nil && w.Classes != "" {
		set, err = datasets.FilterClasses(set, s.classFile(w.Classes))
	}
	if err != nil {
		return nil, id, err
	}
	if set.Len() == 0 {
		return nil, id, fmt.Errorf("data set %s: it holds no images", spec)
	}
	set = sample(set, s.Limit)
	id.Name, id.Images = set.Name(), set.Len()
	id.SHA256, err = set.Digest()
	return set, id, err
}

// classFile is the path of a list of classes: as it is or, where there is no such
// file, below the data folder.
func (s *Sets) classFile(name string) string {
	if _, err := os.Stat(name); err == nil || filepath.IsAbs(name) {
		return name
	}
	for _, root := range []string{s.Data, os.Getenv("GRADGRAD_DATA")} {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); root != "" && err == nil {
			return path
		}
	}
	return name
}

// read opens a set of files.
func (s *Sets) read(ctx context.Context, env *Env, spec string, w Want) (datasets.Set, error) {
	o := datasets.Options{Root: s.Data, Size: w.Size, Train: w.Train, Stream: s.Stream}
	if s.Transform != "" && w.Size > 0 {
		var err error
		if o.Transform, err = datasets.NamedTransform(s.Transform, w.Size); err != nil {
			return nil, err
		}
	}
	var line *progress.Line
	o.Progress = func(done, total int) {
		if line == nil && done < total { // not for what is there at once
			line = env.Progress(progress.Options{Label: "reading " + spec, Total: int64(total), Unit: "images"})
		}
		if line != nil {
			line.Update(int64(done), int64(done))
		}
	}
	if s.SkipBad {
		o.SkipBad = func(path string, err error) { env.Say("left out of %s: %s: %v", spec, path, err) }
	}
	set, err := datasets.Open(ctx, spec, o)
	if errors.Is(err, datasets.ErrCompressed) && s.Stream {
		env.Say("%s is compressed, so it is read into memory", spec)
		if o.Stream = false; w.Cut {
			o.Transform = datasets.Transform{} // the shorter side to the size: all that is lost is the ends of the longer one
		}
		set, err = datasets.Open(ctx, spec, o)
	}
	if line != nil {
		line.Finish()
	}
	return set, err
}

// Locate looks whether the set that spec names is there, without reading it.
func (s *Sets) Locate(spec string, train bool) error {
	_, drawn, err := parseSynthetic(spec, train)
	if err != nil || drawn {
		return err
	}
	if _, err := datasets.Locate(spec, datasets.Options{Root: s.Data, Train: train}); err != nil {
		return fmt.Errorf("data set %s: %w", spec, err)
	}
	return nil
}

// synthetic is a set that the program draws.
type synthetic struct {
	key    string // its name in results, "" for its own
	family string
	n      int // images
}

// parseSynthetic reads a spec; drawn is false when it names no synthetic set.
func parseSynthetic(spec string, train bool) (y synthetic, drawn bool, err error) {
	key, rest, named := strings.Cut(spec, "=")
	if !named {
		key, rest = "", spec
	}
	family, count, counted := strings.Cut(rest, "#")
	if !slices.Contains(datasets.SyntheticNames(), family) {
		return y, false, nil
	}
	y = synthetic{key, family, syntheticTest}
	if train {
		y.n = syntheticTrain
	} else if family == "shapes" {
		y.family = "shapes-test"
	}
	if counted {
		if y.n, err = strconv.Atoi(count); err != nil || y.n < 1 {
			return y, true, Wrong("synthetic set %s: %q is not a number of images; write for example %s#5000", spec, count, y.family)
		}
	}
	return y, true, nil
}

// openSynthetic draws a synthetic set; drawn is false when spec names none.
func openSynthetic(spec string, w Want) (set datasets.Set, drawn bool, err error) {
	y, drawn, err := parseSynthetic(spec, w.Train)
	if err != nil || !drawn {
		return nil, drawn, err
	}
	set, err = datasets.OpenSynthetic(y.family, y.n, cmp.Or(w.Size, 32), SyntheticSeed)
	if err == nil && y.key != "" {
		set = renamed{set, y.key}
	}
	return set, true, err
}

// renamed is a set under another name.
type renamed struct {
	datasets.Set
	name string
}

func (r renamed) Name() string { return r.name }

// sample is n images of a set, the same in every run, in the set's order. The
// first n would be of few classes in sets that are sorted by class.
func sample(set datasets.Set, n int) datasets.Set {
	if n <= 0 || n >= set.Len() {
		return set
	}
	order := rand.New(rand.NewPCG(uint64(set.Len()), uint64(n))).Perm(set.Len())[:n]
	slices.Sort(order)
	return datasets.Subset(set, order)
}
