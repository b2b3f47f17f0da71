package datasets

import (
	"errors"
	"fmt"
)

// decodePython is decode for the python version: pickles of a dictionary with
// data, a uint8 array of n x 3072 (planes, as in the binary version), and a list
// of n labels. Nothing in a file is executed (see readPickle).
func (k *cifarKind) decodePython(name string, files []cifarFile, parts [][]byte, classes []string) (*Memory, error) {
	var pixels []uint8
	var labels []int
	for i, f := range files {
		planes, some, err := k.readBatch(parts[i], len(classes))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		if pixels == nil {
			pixels = make([]uint8, 0, len(files)*len(planes))
		}
		for ; len(planes) > 0; planes = planes[3*cifarSide*cifarSide:] {
			pixels = appendPlanes(pixels, planes[:3*cifarSide*cifarSide])
		}
		labels = append(labels, some...)
		parts[i] = nil
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("%s holds no image", files[0].path)
	}
	return NewMemory(name, classes, cifarSide, cifarSide, pixels, labels), nil
}

// readBatch gives the planes and the labels of one pickle.
func (k *cifarKind) readBatch(data []byte, classes int) (planes []byte, labels []int, err error) {
	entries, err := pickledEntries(data)
	if err != nil {
		return nil, nil, err
	}
	a, ok := entries["data"].(*pickleArray)
	if !ok || a.dtype != "u1" || len(a.shape) != 2 || a.shape[1] != 3*cifarSide*cifarSide || a.shape[0]*a.shape[1] != len(a.data) {
		return nil, nil, fmt.Errorf("its data is not a uint8 array of n x %d: it is not a batch of %s", 3*cifarSide*cifarSide, k.name)
	}
	list, ok := entries[k.labels].(*pickleList)
	if !ok {
		return nil, nil, fmt.Errorf("it has no list of %s: it is not a batch of %s", k.labels, k.name)
	}
	if len(list.items) != a.shape[0] {
		return nil, nil, fmt.Errorf("it holds %d images but %d labels", a.shape[0], len(list.items))
	}
	for i, item := range list.items {
		label, ok := item.(int)
		if !ok || label < 0 || label >= classes {
			return nil, nil, fmt.Errorf("label %d is not a number below %d, the number of classes: the file is corrupt or not %s", i, classes, k.name)
		}
		labels = append(labels, label)
	}
	return a.data, labels, nil
}

func pickledEntries(data []byte) (map[string]any, error) {
	v, err := readPickle(data)
	if err != nil {
		return nil, err
	}
	d, ok := v.(*pickleDict)
	if !ok {
		return nil, errors.New("the pickle is no dictionary, so it is no CIFAR file")
	}
	return d.items, nil
}

// pickledNames are the class names of batches.meta or meta.
func (k *cifarKind) pickledNames(data []byte) ([]string, error) {
	entries, err := pickledEntries(data)
	if err != nil {
		return nil, err
	}
	list, ok := entries[k.key].(*pickleList)
	if !ok {
		return nil, fmt.Errorf("it has no list of %s", k.key)
	}
	names := make([]string, len(list.items))
	for i, item := range list.items {
		name, ok := item.([]byte)
		if !ok || len(name) > 200 {
			return nil, fmt.Errorf("name %d of %s is no short text", i, k.key)
		}
		names[i] = string(name)
	}
	return names, nil
}
