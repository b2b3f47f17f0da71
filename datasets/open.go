package datasets

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
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
	// Stream leaves the set on disk and reads each image when it is asked for:
	// for sets that are larger than memory, and to cut training images out of
	// pictures of any size (Augment.Resized). Archives must not be compressed.
	// A picture that cannot be read is an error of Read then, and the digest of
	// the set is one of the names and lengths of its files.
	Stream bool
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

// Open reads a set of images, on all cores. spec is
//
//	NAME            a known set (KnownSets lists them), or any file below the data folders by its name without extensions
//	PATH            a file or folder; what it holds is found by looking
//	PATH#FOLDER     a folder inside it
//	KEY=PATH        the same, and KEY names the set in results
//
// PATH may be a folder or a tar archive (plain, gzip or zstd) with CIFAR-10 or
// CIFAR-100 in the binary or the python version, or with class folders of
// pictures, or with pictures; or an SVHN file (MATLAB v5), an .npy file of
// images, tiny_images.bin. The number of images is free. Without KEY the name of
// the set is the base name of PATH without extensions.
//
// Where FOLDER is not given, folders that are alone are entered, and of the
// folders train and test (or val) the one that Options.Train says.
//
// More # signs narrow a set down, whatever its format, in this order:
//
//	#split=NAME     the images that its own labels/NAME.txt lists (DTD)
//	#list=FILE      the images that a text file names, one a line, in that order: any last part of their paths, with or without extension;
//	                numbers for sets whose images have no names. FILE is looked for as given, beside the set and in the data folders.
//	#exclude=FILE   without those that a file names; #from=1 counts the numbers in files from 1
//	#per-class=N    the first N of each class
//	#random=N       N images drawn at random, the same ones each time; #seed=S draws others, #numpy-seed=S as numpy.random.choice does
//	#transform=NAME brings them to size as TransformNames says
//	#as=PROTOCOL    what a published evaluation took of a known set and how it brought it to size (KnownSet.Protocols)
//	#id=K, #aux=K   of ImageNet: the first K classes of GReg's split, or the others
//
// Sets are read into memory, except .npy files, tiny_images.bin, ImageNet and
// what Options.Stream says: these stay on disk, and each image is read when it
// is asked for. Such a set keeps files open until it is garbage, or until Close:
// it is an io.Closer.
func Open(ctx context.Context, spec string, o Options) (Set, error) {
	if o.Size < 0 || o.Transform.Short < 0 || o.Transform.Crop < 0 {
		panic(&MisuseError{Op: "Open", Detail: fmt.Sprintf("size %d, transform %+v; none may be negative", o.Size, o.Transform)})
	}
	l, err := locate(spec, o)
	if err == nil {
		o.Transform, err = l.transform(o)
		o.Size = 0
	}
	if err != nil {
		return nil, fmt.Errorf("data set %s: %w", spec, err)
	}
	if l.known != nil && l.known.stream {
		o.Stream = true
	}
	s, err := l.open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("data set %s: %s: %w", l.key, l.file, err)
	}
	return s, nil
}

// open looks at what lies there and reads it.
func (l location) open(ctx context.Context, o Options) (Set, error) {
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
	if isTinyImages(l.file) {
		s, err := openTinyImages(ctx, l.key, l.file, o)
		return l.narrow(ctx, s, err)
	}
	if isArchive(head) {
		return l.openTree(ctx, tarTree{l.file}, o)
	}
	if l.sub != "" {
		return nil, fmt.Errorf("it is not a folder or an archive, so it has no folder %s", l.sub)
	}
	s, err := l.openFile(ctx, head, o)
	return l.narrow(ctx, s, err)
}

// openFile reads a file that is no archive.
func (l location) openFile(ctx context.Context, head []byte, o Options) (Set, error) {
	if strings.HasPrefix(string(head), npyMagic) {
		return openNpy(ctx, l.key, l.file, o)
	}
	if mat, err := isMat(head); err != nil {
		return nil, err
	} else if mat {
		return asSet(readSVHNFile(ctx, l.key, l.file, o))
	}
	file, err := filepath.Abs(l.file)
	if err != nil {
		return nil, err
	}
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	folder := filepath.Dir(file)
	alone := []entry{{path: path.Join(filepath.Base(folder), filepath.Base(file)), size: info.Size()}}
	if len(cifarFiles(alone)) > 0 {
		return asSet(readCIFAR(ctx, l.key, dirTree{filepath.Dir(folder)}, alone, o))
	}
	return nil, fmt.Errorf("no format that can be read was recognised; a folder, a .tar, .tar.gz or .tar.zst archive, " +
		"an SVHN .mat file, an .npy file of images, or a CIFAR file was expected")
}

// asSet keeps a nil *Memory from becoming a Set.
func asSet(m *Memory, err error) (Set, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}

// openTree reads a folder or an archive.
func (l location) openTree(ctx context.Context, t tree, o Options) (Set, error) {
	if a, ok := t.(tarTree); ok && o.Stream {
		if compressed, err := a.compressed(); err != nil || compressed {
			return nil, cmp.Or(err, ErrCompressed)
		}
		indexed, err := indexTar(ctx, a.file)
		if err != nil {
			return nil, err
		}
		t = indexed
	}
	if l.choice.id > 0 || l.choice.aux > 0 || l.known != nil && l.known.stream {
		return l.openImageNet(ctx, t, o)
	}
	if l.sub != "" {
		t = subTree{t, l.sub}
	}
	entries, err := t.list(ctx)
	if err != nil {
		return nil, err
	}
	if len(cifarFiles(entries)) > 0 {
		s, err := asSet(readCIFAR(ctx, l.key, t, entries, o))
		return l.narrow(ctx, s, err)
	}
	hasImages := slices.ContainsFunc(entries, func(e entry) bool { return !e.dir && IsImageName(e.path) })
	if mat, ok := svhnFile(entries, o.Train); ok && !hasImages {
		if dir, ok := t.(dirTree); ok {
			s, err := asSet(readSVHNFile(ctx, l.key, filepath.Join(dir.root, filepath.FromSlash(mat)), o))
			return l.narrow(ctx, s, err)
		}
		return nil, fmt.Errorf("it holds the MATLAB file %s: unpack it and name that file", mat)
	}
	layout, err := arrange(entries, o.Train, l.sub != "")
	if err != nil {
		return nil, err
	}
	return l.openPictures(ctx, t, entries, layout, o)
}

// openPictures reads the wanted pictures of a layout.
func (l location) openPictures(ctx context.Context, t tree, entries []entry, layout layout, o Options) (Set, error) {
	if l.choice.narrows() {
		named, err := l.readLists(ctx, t, entries)
		if err != nil {
			return nil, err
		}
		picks := layout.picks
		chosen, err := l.choice.pick(len(picks), func(i int) string { return picks[i].path }, func(i int) (int, error) { return picks[i].label, nil }, named)
		if err != nil {
			return nil, err
		}
		if len(chosen) == 0 {
			return nil, errors.New("no picture is left")
		}
		layout.picks = make([]pick, len(chosen))
		for k, i := range chosen {
			layout.picks[k] = picks[i]
		}
	}
	if o.Stream {
		return streamPictures(ctx, l.key, t, layout, entries, o)
	}
	return asSet(loadImages(ctx, l.key, t, layout, o))
}

// narrow keeps the wanted images of a set whose images have no names.
func (l location) narrow(ctx context.Context, s Set, err error) (Set, error) {
	c := l.choice
	if err != nil || !c.narrows() {
		return s, err
	}
	if c.id > 0 || c.aux > 0 {
		return nil, errors.New("#id and #aux choose classes of ImageNet, which is a folder or an archive")
	}
	named, err := l.readLists(ctx, nil, nil)
	if err != nil {
		return nil, err
	}
	if only := (choice{exclude: c.exclude, from: c.from, transform: c.transform}); c == only {
		out, err := newFinder(s.Len(), nil, c.from).all(named.exclude)
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", c.exclude, err)
		}
		return without(s, out)
	}
	chosen, err := c.pick(s.Len(), nil, func(i int) (int, error) { return labelOf(s, i) }, named)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 {
		return nil, errors.New("no image is left")
	}
	return Subset(s, chosen), nil
}

func firstBytes(file string, n int) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, int64(n)))
}
