package checkpoint

import (
	"context"
	"encoding/binary"
	"io"
	"math/big"

	"github.com/nlpodyssey/gopickle/types"
)

// legacySource reads storages from the end of a legacy stream.
type legacySource struct {
	r   io.ReaderAt
	pos map[string]int64 // of the first element of each storage
}

// openLegacy reads the format of PyTorch 0.1.10 to 1.5: pickles of a magic
// number, a protocol number, facts about the machine, the object, and the list
// of storage keys; then for each key an int64 count and the raw elements.
func openLegacy(ctx context.Context, r io.ReaderAt, size int64) (storageSource, any, error) {
	head := make([]byte, min(size, maxPickle))
	if err := readAt(r, head, 0); err != nil {
		return nil, nil, err
	}
	at := 0
	next := func(load func(any) (any, error)) (any, error) {
		v, n, err := loadPickle(ctx, head[at:], load)
		at += n
		return v, err
	}
	if err := legacyPreamble(next); err != nil {
		return nil, nil, err
	}
	table := storageTable{}
	top, err := next(table.parseLegacy)
	if err != nil {
		return nil, nil, err
	}
	keys, err := next(noStorages)
	if err != nil {
		return nil, nil, err
	}
	src := &legacySource{r: r, pos: map[string]int64{}}
	return src, top, src.locate(keys, table, int64(at), size)
}

// legacyPreamble reads the three pickles before the object.
func legacyPreamble(next func(func(any) (any, error)) (any, error)) error {
	magic, err := next(noStorages)
	if err != nil {
		return err
	}
	if n, ok := magic.(*big.Int); !ok || n.Text(16) != "1950a86a20f9469cfc6c" {
		return badf("this pickle does not start with PyTorch's magic number: not a checkpoint that torch.save wrote; %s", resave)
	}
	version, err := next(noStorages)
	if err != nil {
		return err
	}
	if version != 1001 {
		return badf("the file has the PyTorch format version %s, and 1001 is supported; %s", show(scalarOr(version, "?")), resave)
	}
	info, err := next(noStorages)
	if err != nil {
		return err
	}
	little, ok := lookup(info, "little_endian")
	if ok && little != true {
		return badf("the file was written on a big-endian machine, which is not supported; load it on any usual machine and save it again")
	}
	return nil
}

// parseLegacy reads a persistent id whose last part may name a view of a
// storage: (key, first element, number of elements).
func (st storageTable) parseLegacy(id any) (any, error) {
	view, tuple, err := st.parse(id)
	if err != nil || tuple.Len() < 6 || tuple.Get(5) == nil {
		return view, err
	}
	meta, ok := tuple.Get(5).(*types.Tuple)
	if !ok || meta.Len() != 3 {
		return nil, badf("a view of a storage is described in an unknown way; %s", resave)
	}
	first, ok1 := meta.Get(1).(int)
	numel, ok2 := meta.Get(2).(int)
	if !ok1 || !ok2 || first < 0 || numel < 0 || first > view.numel || numel > view.numel-first {
		return nil, badf("a view leaves its storage %s; the file is damaged or hostile", show(view.root.key))
	}
	view.first, view.numel = first, numel
	return view, nil
}

// locate finds the storages, which follow each other in the order of keys.
func (l *legacySource) locate(keys any, table storageTable, at, size int64) error {
	list, ok := keys.(*types.List)
	if !ok {
		return badf("the list of storages in this PyTorch file is damaged")
	}
	for _, k := range *list {
		key, _ := k.(string)
		s := table[key]
		if s == nil || l.pos[key] != 0 {
			return badf("the list of storages names %s, which is unknown or there twice; the file is damaged", show(key))
		}
		if size-at < 8 {
			return badf("the file ends before the storage %s; copy or download it again", show(key))
		}
		var count [8]byte
		if err := readAt(l.r, count[:], at); err != nil {
			return err
		}
		if n := binary.LittleEndian.Uint64(count[:]); n != uint64(s.numel) {
			return badf("the storage %s should have %d elements but has %d; the file is damaged", show(key), s.numel, n)
		}
		at += 8
		l.pos[key] = at
		if n := int64(s.numel) * int64(s.dtype.Size()); n <= size-at {
			at += n
			continue
		}
		return badf("the file ends inside the storage %s; copy or download it again", show(key))
	}
	return nil
}

func (l *legacySource) size(s *storage) (int64, error) {
	if l.pos[s.key] == 0 {
		return 0, badf("the storage %s is missing from the file, which is damaged", show(s.key))
	}
	return int64(s.numel) * int64(s.dtype.Size()), nil
}

func (l *legacySource) read(s *storage) ([]byte, error) {
	b := make([]byte, s.numel*s.dtype.Size())
	return b, readAt(l.r, b, l.pos[s.key])
}
