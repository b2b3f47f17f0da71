package datasets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// knownSet is a data set that is found by its name.
type knownSet struct {
	name  string
	files []string // official names below a data folder
	wrong []string // also official, but in a format that Open only recognises
	train []string // these come first when the train split is wanted
	crop  bool     // the usual test transform cuts from the centre and does not resize
}

// The names of files are those that the authors of the sets published.
var knownSets = []knownSet{
	{name: "cifar10", files: []string{"cifar-10-batches-bin", "cifar-10-binary.tar.gz"}, wrong: []string{"cifar-10-batches-py", "cifar-10-python.tar.gz"}},
	{name: "cifar100", files: []string{"cifar-100-binary", "cifar-100-binary.tar.gz"}, wrong: []string{"cifar-100-python", "cifar-100-python.tar.gz"}},
	{name: "svhn", files: []string{"test_32x32.mat", "train_32x32.mat"}, train: []string{"train_32x32.mat"}},
	{name: "textures", files: []string{"dtd", "dtd-r1.0.1.tar.gz"}},
	{name: "places365", files: []string{"test_256", "test_256.tar"}},
	{name: "lsun-c", files: []string{"LSUN", "LSUN.tar.gz"}, crop: true},
	{name: "lsun-r", files: []string{"LSUN_resize", "LSUN_resize.tar.gz"}},
	{name: "isun", files: []string{"iSUN", "iSUN.tar.gz"}},
	{name: "inaturalist", files: []string{"iNaturalist", "iNaturalist.tar.gz"}},
	{name: "sun", files: []string{"SUN", "SUN.tar.gz"}},
	{name: "places", files: []string{"Places", "Places.tar.gz"}},
}

// Known are the names of the sets that Open finds by name.
func Known() []string {
	names := make([]string, len(knownSets))
	for i, k := range knownSets {
		names[i] = k.name
	}
	return names
}

// anyFile are the endings under which a set of any name is found.
var anyFile = []string{"", ".tar.zst", ".tar.gz", ".tgz", ".tar", ".mat"}

// roots are the data folders, first come first served.
func (o Options) roots() ([]string, error) {
	var roots []string
	for _, dir := range []string{o.Root, os.Getenv("GRADGRAD_DATA")} {
		if dir != "" {
			roots = append(roots, dir)
		}
	}
	cache, err := os.UserCacheDir()
	if err == nil {
		roots = append(roots, filepath.Join(cache, "gradgrad"))
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("there is no data folder: name one with -data or GRADGRAD_DATA (%w)", err)
	}
	return roots, nil
}

// findNamed looks for a set by name below the data folders.
func findNamed(name string, o Options) (location, error) {
	if strings.ContainsAny(name, `/\`) || !keyPattern.MatchString(name) {
		return location{}, fmt.Errorf("there is no file or folder %s", name)
	}
	roots, err := o.roots()
	if err != nil {
		return location{}, err
	}
	var set knownSet
	for _, k := range knownSets {
		if k.name == name {
			set = k
		}
	}
	files := set.files
	if o.Train {
		files = append(append([]string{}, set.train...), files...)
	}
	var asked []string
	for _, root := range roots {
		for _, file := range files {
			if path := filepath.Join(root, file); exists(path) {
				return location{file: path, crop: set.crop}, nil
			}
			asked = append(asked, file)
		}
		for _, ext := range anyFile {
			if path := filepath.Join(root, name+ext); exists(path) {
				return location{file: path, crop: set.crop}, nil
			}
			asked = append(asked, name+ext)
		}
	}
	for _, root := range roots {
		for _, file := range set.wrong { // to say what is wrong with it
			if path := filepath.Join(root, file); exists(path) {
				return location{file: path}, nil
			}
		}
	}
	perRoot := asked[:len(asked)/len(roots)]
	hint := "put one of them there, or give a path"
	if set.name == "" {
		hint = "that is not a path, and not one of the known sets " + strings.Join(Known(), ", ")
	}
	return location{}, errors.New("none of " + strings.Join(perRoot, ", ") + " is in " + strings.Join(roots, " or ") + ": " + hint)
}
