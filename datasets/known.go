package datasets

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// KnownSet is a published data set that Open finds by its name.
type KnownSet struct {
	Name  string
	About string // a line
	// Train and Test are the numbers of images in the official splits, 0 where
	// there is none.
	Train, Test int
	// Side is the height and width of the images in pixels; 0 where they vary.
	Side int
	// Normalize is the usual normalisation (see Preset) where it is the
	// in-distribution set; empty where it never is.
	Normalize string
	// Files are the official names, of folders and archives, one of which must
	// be in a data folder; TrainFiles come first where the train split is asked
	// for.
	Files, TrainFiles []string
	// Protocols say which images, and brought to size in which way, published
	// evaluations took: "svhn#as=dice". The values are what as=dice stands for;
	// empty is all of the set, read as usual.
	Protocols map[string]string
	// Needs says what the set needs besides its files, or why it is hard to get.
	Needs string

	always    string // options that belong to the name
	transform string // the usual one below 224 pixels, if it is not "resize"
	stream    bool   // read picture by picture, as it is too large for memory
}

// KnownSets are the sets that Open finds by name.
func KnownSets() []KnownSet {
	sets := slices.Clone(knownSets)
	for i, k := range sets {
		sets[i].Files, sets[i].TrainFiles, sets[i].Protocols = slices.Clone(k.Files), slices.Clone(k.TrainFiles), maps.Clone(k.Protocols)
	}
	return sets
}

// Known are the names of the sets that Open finds by name.
func Known() []string {
	names := make([]string, len(knownSets))
	for i, k := range knownSets {
		names[i] = k.Name
	}
	return names
}

func knownByName(name string) *KnownSet {
	for i := range knownSets {
		if knownSets[i].Name == name {
			return &knownSets[i]
		}
	}
	return nil
}

func (k *KnownSet) explainProtocols() string {
	if len(k.Protocols) == 0 {
		return "every evaluation takes all of " + k.Name + ": leave it out"
	}
	return fmt.Sprintf("%s is known as %s took it", k.Name, strings.Join(slices.Sorted(maps.Keys(k.Protocols)), ", "))
}

// transformAt is how pictures are brought to a size where nobody says it. At the
// size of ImageNet all published evaluations resize to 256 and cut out 224.
func (k *KnownSet) transformAt(size int) string {
	switch {
	case size >= 224:
		return "imagenet"
	case k.transform != "":
		return k.transform
	}
	return "resize"
}

// anyFile are the endings under which a set of any name is found.
var anyFile = []string{"", ".tar.zst", ".tar.gz", ".tgz", ".tar", ".mat", ".npy"}

// DataFolders are the folders in which sets are looked for by name, first come
// first served: root unless it is empty, $GRADGRAD_DATA, and gradgrad in the
// user's cache folder. They need not exist.
func DataFolders(root string) ([]string, error) { return Options{Root: root}.roots() }

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

// Locate gives the file or folder that Open would read for a spec, such as the name
// of a known set, without opening it. The error lists what was looked for, and
// where. Of o, Root and Train count.
func Locate(spec string, o Options) (string, error) {
	l, err := locate(spec, o)
	if err != nil {
		return "", err
	}
	return l.file, nil
}

// findNamed looks for a set by name below the data folders.
func findNamed(name string, o Options) (string, error) {
	if strings.ContainsAny(name, `/\`) || !keyPattern.MatchString(name) {
		return "", fmt.Errorf("there is no file or folder %s", name)
	}
	roots, err := o.roots()
	if err != nil {
		return "", err
	}
	var files []string
	hint := "that is not a path, and not one of the known sets " + strings.Join(Known(), ", ")
	if k := knownByName(name); k != nil {
		hint = "put one of them there (cifar fetch " + name + " does), or give a path"
		if k.Needs != "" {
			hint = "put one of them there, or give a path; " + k.Needs
		}
		if files = k.Files; o.Train {
			files = append(slices.Clone(k.TrainFiles), k.Files...)
		}
	}
	for _, ext := range anyFile {
		files = append(files[:len(files):len(files)], name+ext)
	}
	for _, root := range roots {
		for _, file := range files {
			if path := filepath.Join(root, filepath.FromSlash(file)); exists(path) {
				return path, nil
			}
		}
	}
	return "", errors.New("none of " + strings.Join(files, ", ") + " is in " + strings.Join(roots, " or ") + ": " + hint)
}
