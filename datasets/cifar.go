package datasets

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
)

// cifarSlack is what a file of the python version has beside its pixels at most.
const cifarSlack = 64 << 20

// cifarSide is the height and width of every CIFAR image.
const cifarSide = 32

// cifarKind is one of the two sets of
// https://www.cs.toronto.edu/~kriz/cifar.html. In the binary version a record is
// the label bytes and then 1,024 bytes each of red, green and blue, row by row;
// the python version is described at readBatch.
type cifarKind struct {
	name       string
	labelBytes int // the last one is the label that is used
	labels     string
	namesFile  string // the python version has another file and a key in it
	meta, key  string
	names      []string
}

var cifar10 = &cifarKind{
	name: "CIFAR-10", labelBytes: 1, labels: "labels", namesFile: "batches.meta.txt", meta: "batches.meta", key: "label_names",
	names: []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
}

// cifar100 records have a coarse label, which is not used, before the fine one.
var cifar100 = &cifarKind{
	name: "CIFAR-100", labelBytes: 2, labels: "fine_labels", namesFile: "fine_label_names.txt", meta: "meta", key: "fine_label_names",
	names: strings.Fields(`apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus
		butterfly camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup
		dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion
		lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree pear
		pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea seal shark
		shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table tank telephone
		television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm`),
}

func (k *cifarKind) recordBytes() int { return k.labelBytes + 3*cifarSide*cifarSide }

// cifarFile is a file of images; number orders the batches of a split.
type cifarFile struct {
	entry
	kind   *cifarKind
	python bool
	train  bool
	number int
}

// asCIFAR tells by its name what a file holds. The names of the python version
// of CIFAR-100 say little, so that has to lie in its folder or beside its meta.
func asCIFAR(e entry, beside func(name string) bool) (cifarFile, bool) {
	base, binary := strings.CutSuffix(path.Base(e.path), ".bin")
	f := cifarFile{entry: e, kind: cifar10, python: !binary}
	if e.dir {
		return f, false
	}
	switch base {
	case "test_batch":
		return f, true
	case "train", "test":
		f.kind, f.train = cifar100, base == "train"
		return f, binary || e.size > 0 && (path.Base(parent(e.path)) == "cifar-100-python" || beside(cifar100.meta))
	}
	digits, numbered := strings.CutPrefix(base, "data_batch_")
	number, err := strconv.Atoi(digits)
	f.train, f.number = true, number
	return f, numbered && err == nil
}

// cifarFiles are the CIFAR files of a tree, in order.
func cifarFiles(entries []entry) []cifarFile {
	there := map[string]bool{}
	for _, e := range entries {
		if !e.dir && path.Base(e.path) == cifar100.meta {
			there[e.path] = true
		}
	}
	var files []cifarFile
	for _, e := range entries {
		beside := func(name string) bool { return there[path.Join(parent(e.path), name)] }
		if f, ok := asCIFAR(e, beside); ok {
			files = append(files, f)
		}
	}
	slices.SortFunc(files, func(a, b cifarFile) int {
		if a.number != b.number {
			return a.number - b.number
		}
		return strings.Compare(a.path, b.path)
	})
	return files
}

// readCIFAR reads the wanted split, or the only one there is.
func readCIFAR(ctx context.Context, name string, src tree, entries []entry, o Options) (*Memory, error) {
	files, err := cifarSplit(cifarFiles(entries), o.Train)
	if err != nil {
		return nil, err
	}
	kind, namesFile := files[0].kind, files[0].kind.namesFile
	if files[0].python {
		namesFile = kind.meta
	}
	want := map[string]int{}
	records := int64(0)
	for i, f := range files {
		want[f.path] = i
		records += f.size / int64(kind.recordBytes())
	}
	if err := o.checkTotal(int(records), cifarSide, cifarSide); err != nil {
		return nil, err
	}
	namesFile = path.Join(parent(files[0].path), namesFile)
	if slices.ContainsFunc(entries, func(e entry) bool { return e.path == namesFile && !e.dir }) {
		want[namesFile] = len(files)
	}
	parts, err := readParts(ctx, src, want, o.maxBytes()+cifarSlack)
	if err != nil {
		return nil, err
	}
	classes := kind.names
	if len(parts) > len(files) {
		if classes, err = kind.classNames(parts[len(files)], files[0].python); err != nil {
			return nil, fmt.Errorf("%s: %w", namesFile, err)
		}
	}
	decode := kind.decode
	if files[0].python {
		decode = kind.decodePython
	}
	m, err := decode(name, files, parts, classes)
	if err != nil {
		return nil, err
	}
	if o.Progress != nil {
		o.Progress(m.Len(), m.Len())
	}
	return fit(ctx, m, o)
}

// cifarSplit keeps the files of one split.
func cifarSplit(files []cifarFile, train bool) ([]cifarFile, error) {
	for i, f := range files[1:] {
		if f.path == files[i].path {
			return nil, fmt.Errorf("%s is in it twice: pack it again", f.path)
		}
		if parent(f.path) != parent(files[0].path) || f.kind != files[0].kind || f.python != files[0].python {
			return nil, fmt.Errorf("it holds more than one CIFAR set (%s and %s): name the folder that is meant with #FOLDER", files[0].path, f.path)
		}
	}
	var split []cifarFile
	for _, f := range files {
		if f.train == train {
			split = append(split, f)
		}
	}
	if len(split) == 0 {
		return files, nil
	}
	return split, nil
}

// readParts reads whole files; part i is the file that want has as i.
func readParts(ctx context.Context, src tree, want map[string]int, limit int64) ([][]byte, error) {
	parts := make([][]byte, len(want))
	err := src.read(ctx, want, limit, func(i int, open opener) (err error) {
		parts[i], err = open()
		return err
	})
	return parts, err
}

// classNames reads one name a line, or the pickle of the python version.
func (k *cifarKind) classNames(data []byte, python bool) (names []string, err error) {
	const most = 256 // a label is one byte
	if python {
		names, err = k.pickledNames(data)
	} else {
		names = strings.Fields(string(data[:min(len(data), maxListBytes)]))
	}
	if err != nil {
		return nil, err
	}
	if len(names) == 0 || len(names) > most {
		return nil, fmt.Errorf("it lists %d class names; between 1 and %d were expected", len(names), most)
	}
	return names, nil
}

func (k *cifarKind) decode(name string, files []cifarFile, parts [][]byte, classes []string) (*Memory, error) {
	total := 0
	for i, f := range files {
		if cut := len(parts[i]) % k.recordBytes(); cut != 0 {
			return nil, fmt.Errorf("%s is not a whole number of %s records: after %d of %d bytes, %d more: the file was cut off or is of another kind, get it again",
				f.path, k.name, len(parts[i])/k.recordBytes(), k.recordBytes(), cut)
		}
		total += len(parts[i]) / k.recordBytes()
	}
	if total == 0 {
		return nil, fmt.Errorf("%s holds no image", files[0].path)
	}
	pixels := make([]uint8, 0, total*3*cifarSide*cifarSide)
	labels := make([]int, 0, total)
	for i, f := range files {
		for at := 0; at < len(parts[i]); at += k.recordBytes() {
			record := parts[i][at:][:k.recordBytes()]
			label := int(record[k.labelBytes-1])
			if label >= len(classes) {
				return nil, fmt.Errorf("%s: record %d has label %d, but there are %d classes: the file is corrupt or not %s",
					f.path, at/k.recordBytes(), label, len(classes), k.name)
			}
			labels = append(labels, label)
			pixels = appendPlanes(pixels, record[k.labelBytes:])
		}
		parts[i] = nil
	}
	return NewMemory(name, classes, cifarSide, cifarSide, pixels, labels), nil
}

// appendPlanes interleaves a red, a green and a blue plane.
func appendPlanes(dst, planes []uint8) []uint8 {
	n := len(planes) / 3
	red, green, blue := planes[:n], planes[n:2*n], planes[2*n:3*n]
	for i, r := range red {
		dst = append(dst, r, green[i], blue[i])
	}
	return dst
}
