package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// defaultMaxBytes is how much memory the pixels of one set may take.
const defaultMaxBytes = 8 << 30

// Options say where and how Open reads a set.
type Options struct {
	// Root is the folder in which data sets are looked for by name first;
	// $GRADGRAD_DATA and gradgrad in the user's cache folder follow.
	Root string
	// Size is the height and width wanted, in pixels. Pictures of another size
	// are resized by their shorter side and cropped in the centre. 0 keeps the
	// sizes, which must then all be the same.
	Size int
	// Transform replaces what Size does: for pictures of 224 pixels cut from
	// 256, Transform{Short: 256, Crop: 224}.
	Transform Transform
	// Train picks the train split, otherwise the test split, where a set has
	// both. A set of one split gives that one.
	Train bool
	// Progress is told, from one goroutine at a time, how many of how many
	// images are there.
	Progress func(done, total int)
	// SkipBad, if set, lets the set be read without the pictures that cannot
	// be, and is told their paths and errors once the rest is there. Otherwise
	// one bad picture is an error of the set.
	SkipBad func(path string, err error)
	// MaxBytes bounds the pixels of the set in memory; 0 means 8 GiB.
	MaxBytes int64
}

func (o Options) transform() Transform {
	if o.Transform == (Transform{}) && o.Size > 0 {
		return ResizeCrop(o.Size)
	}
	return o.Transform
}

func (o Options) maxBytes() int64 {
	if o.MaxBytes > 0 {
		return o.MaxBytes
	}
	return defaultMaxBytes
}

// checkTotal refuses sets whose pixels do not fit into MaxBytes.
func (o Options) checkTotal(n, h, w int) error {
	if h < 1 || w < 1 {
		return fmt.Errorf("images of %dx%d pixels", w, h)
	}
	if most := o.maxBytes() / 3 / int64(h) / int64(w); int64(n) > most {
		return fmt.Errorf("%d images of %dx%d pixels take more than the %d MiB that one set may have: ask for a smaller size or a part of the set",
			n, w, h, o.maxBytes()>>20)
	}
	return nil
}

// Open reads a set of images into memory, on all cores. spec is
//
//	NAME            a known set (Known lists them), or any file below the data folders by its name without extensions
//	PATH            a file or folder; what it holds is found by looking
//	PATH#FOLDER     a folder inside it
//	KEY=PATH        the same, and KEY names the set in results
//
// PATH may be a folder or a tar archive (plain, gzip or zstd) with CIFAR-10 or
// CIFAR-100 in the binary version, or with class folders of pictures, or with
// pictures; or an SVHN file (MATLAB v5). The number of images is free. Without
// KEY the name of the set is the base name of PATH without extensions.
//
// Where FOLDER is not given, folders that are alone are entered, and of the
// folders train and test (or val) the one that Options.Train says.
func Open(ctx context.Context, spec string, o Options) (Set, error) {
	if o.Size < 0 || o.Transform.Short < 0 || o.Transform.Crop < 0 {
		panic(&MisuseError{Op: "Open", Detail: fmt.Sprintf("size %d, transform %+v; none may be negative", o.Size, o.Transform)})
	}
	l, err := locate(spec, o)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", spec, err)
	}
	if o.Transform == (Transform{}) && l.crop && o.Size > 0 {
		o.Transform = CenterCrop(o.Size)
	}
	m, err := l.open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %s: %w", l.key, l.file, err)
	}
	return m, nil
}

// NameOf is the name that the set which spec describes has once it is open: its
// KEY or what follows from its path. Nothing is opened.
func NameOf(spec string) string {
	if key, _, named := strings.Cut(spec, "="); named && keyPattern.MatchString(key) && !exists(spec) {
		return key
	}
	file := spec
	if at := strings.LastIndex(file, "#"); at > 0 && !exists(file) {
		file = file[:at]
	}
	if !strings.ContainsAny(file, `/\`) && !exists(file) {
		return file // of a known set, or one in a data folder
	}
	return baseName(file)
}

// location is where a set lies.
type location struct {
	key, file, sub string
	crop           bool // cut from the centre instead of resized
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]*$`)

// locate resolves what was asked for to a file or folder that exists.
func locate(spec string, o Options) (location, error) {
	key, file, named := strings.Cut(spec, "=")
	if !named || !keyPattern.MatchString(key) || exists(spec) {
		key, file = "", spec
	}
	l := location{key: key, file: file}
	if at := strings.LastIndex(file, "#"); at > 0 && !exists(file) {
		l.file, l.sub = file[:at], strings.Trim(path.Clean(filepath.ToSlash(file[at+1:])), "/")
		if l.sub == "" || l.sub == "." || strings.HasPrefix(l.sub, "..") {
			return l, fmt.Errorf("%q names no folder inside %s", file[at+1:], l.file)
		}
	}
	if l.file == "" {
		return l, errors.New("no name or path was given")
	}
	_, err := os.Stat(l.file)
	if _, link := os.Lstat(l.file); err != nil && link == nil {
		return l, fmt.Errorf("%s is a link that cannot be followed: %w", l.file, cause(err))
	}
	present := err == nil
	if !present || slices.Contains(Known(), l.file) {
		found, err := findNamed(l.file, o)
		if err != nil && !present {
			return l, err
		}
		if l.key == "" {
			l.key = l.file
		}
		if err == nil {
			l.file, l.crop = found.file, found.crop
		}
	}
	if l.key == "" {
		l.key = baseName(l.file)
	}
	return l, nil
}

// cause is the reason inside an error of package os, without the path again.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// baseName is the last part of a path without the extensions of the formats
// that are read.
func baseName(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	name := filepath.Base(abs)
	for _, ext := range []string{".gz", ".tgz", ".zst", ".tzst", ".tar", ".mat", ".bin"} {
		if rest := strings.TrimSuffix(name, ext); rest != "" {
			name = rest
		}
	}
	return name
}

// open looks at what lies there and reads it.
func (l location) open(ctx context.Context, o Options) (*Memory, error) {
	info, err := os.Stat(l.file)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return l.openTree(ctx, dirTree{l.file}, o)
	}
	if info.Mode().IsRegular() && info.Size() == 0 {
		return nil, errors.New("the file is empty: get it again")
	}
	head, err := firstBytes(l.file, 512)
	if err != nil {
		return nil, err
	}
	if isArchive(head) {
		return l.openTree(ctx, tarTree{l.file}, o)
	}
	if l.sub != "" {
		return nil, fmt.Errorf("it is not a folder or an archive, so it has no folder %s", l.sub)
	}
	if mat, err := isMat(head); err != nil {
		return nil, err
	} else if mat {
		return readSVHNFile(ctx, l.key, l.file, o)
	}
	alone := []entry{{path: filepath.Base(l.file), size: info.Size()}}
	if len(cifarFiles(alone)) > 0 {
		return readCIFAR(ctx, l.key, dirTree{filepath.Dir(l.file)}, alone, o)
	}
	return nil, fmt.Errorf("no format that can be read was recognised; a folder, a .tar, .tar.gz or .tar.zst archive, an SVHN .mat file or a CIFAR .bin file was expected")
}

// openTree reads a folder or an archive.
func (l location) openTree(ctx context.Context, t tree, o Options) (*Memory, error) {
	if l.sub != "" {
		t = subTree{t, l.sub}
	}
	entries, err := t.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(cifarFiles(entries)) > 0 {
		return readCIFAR(ctx, l.key, t, entries, o)
	}
	hasImages := slices.ContainsFunc(entries, func(e entry) bool { return !e.dir && isImageName(e.path) })
	if mat, ok := svhnFile(entries, o.Train); ok && !hasImages {
		if dir, ok := t.(dirTree); ok {
			return readSVHNFile(ctx, l.key, filepath.Join(dir.root, filepath.FromSlash(mat)), o)
		}
		return nil, fmt.Errorf("it holds the MATLAB file %s: unpack it and name that file", mat)
	}
	if python, ok := cifarPython(entries); ok && !hasImages {
		return nil, fmt.Errorf("it holds the python version of CIFAR (%s): get the binary version instead", python)
	}
	layout, err := arrange(entries, o.Train, l.sub != "")
	if err != nil {
		return nil, err
	}
	return loadImages(ctx, l.key, t, layout, o)
}

// cifarPython finds the pickled batches of CIFAR.
func cifarPython(entries []entry) (string, bool) {
	for _, e := range entries {
		if dir, base := path.Split(e.path); !e.dir && (base == "data_batch_1" || base == "test_batch" ||
			base == "train" && strings.Contains(dir, "cifar-100-python")) {
			return e.path, true
		}
	}
	return "", false
}

func firstBytes(file string, n int) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(n)))
}
