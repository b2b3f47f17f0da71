package checkpoint

import (
	"context"
	"math/bits"

	"github.com/nlpodyssey/gopickle/types"
)

// A storage is a block of elements in a PyTorch file; tensors are views of one.
type storage struct {
	key   string // its name in the file
	dtype DType
	numel int
}

// storageView is a part of a storage; the whole, except in files of PyTorch
// before 0.4.
type storageView struct {
	root  *storage
	first int // element of root
	numel int
}

// storageSource reads the bytes of storages.
type storageSource interface {
	// size returns the number of bytes that read will allocate.
	size(*storage) (int64, error)
	read(*storage) ([]byte, error)
}

// storageTable collects the storages that a pickle names.
type storageTable map[string]*storage

// parse reads the persistent id ("storage", class, key, location, numel[, view]).
func (st storageTable) parse(id any) (*storageView, *types.Tuple, error) {
	wrong := badf("a storage in this PyTorch file is described in an unknown way; %s", resave)
	tuple, ok := id.(*types.Tuple)
	if !ok || tuple.Len() < 1 || tuple.Len() > 6 {
		return nil, nil, wrong
	}
	if kind, _ := tuple.Get(0).(string); kind == "module" {
		return nil, nil, badf("the file holds a whole module, not only weights (nothing was executed); %s", resave)
	} else if kind != "storage" || tuple.Len() < 5 {
		return nil, nil, wrong
	}
	class, ok1 := tuple.Get(1).(storageClass)
	key, ok2 := tuple.Get(2).(string)
	numel, ok3 := tuple.Get(4).(int)
	const limit = 256 // a longer key would cost time each time it is used
	if !ok1 || !ok2 || !ok3 || len(key) > limit {
		return nil, nil, wrong
	}
	if numel < 0 || int64(numel) > maxFile {
		return nil, nil, badf("the storage %s claims %d elements; the file is damaged or hostile", show(key), numel)
	}
	s, ok := st[key]
	if !ok {
		s = &storage{key: key, dtype: class.dtype, numel: numel}
		st[key] = s
	}
	if s.dtype != class.dtype || s.numel != numel {
		return nil, nil, badf("the storage %s is described in two ways; the file is damaged or hostile", show(key))
	}
	return &storageView{root: s, numel: numel}, tuple, nil
}

// torchTensor is a strided view of a storage.
type torchTensor struct {
	storage *storageView
	offset  int // in elements
	shape   []int
	stride  []int
}

// check verifies that every element lies in the storage.
func (t *torchTensor) check() error {
	bad := func(what string) error {
		return badf("a tensor of shape %s, stride %s and offset %d %s (storage %s, %d elements); the file is damaged or hostile",
			showInts(t.shape), showInts(t.stride), t.offset, what, show(t.storage.root.key), t.storage.numel)
	}
	n, ok := elements(t.shape)
	if !ok || t.offset < 0 {
		return bad("is impossible")
	}
	last := uint64(t.offset)
	for i, d := range t.shape {
		if t.stride[i] < 0 {
			return bad("has a negative stride")
		}
		if n == 0 {
			continue
		}
		hi, lo := bits.Mul64(uint64(d-1), uint64(t.stride[i]))
		var carry uint64
		last, carry = bits.Add64(last, lo, 0)
		if hi != 0 || carry != 0 {
			return bad("leaves its storage")
		}
	}
	if n > 0 && last >= uint64(t.storage.numel) {
		return bad("leaves its storage")
	}
	return nil
}

// contiguous reports whether the elements lie one after the other.
func (t *torchTensor) contiguous() bool {
	want := 1
	for i := len(t.shape) - 1; i >= 0; i-- {
		if t.shape[i] != 1 && t.stride[i] != want {
			return false
		}
		want *= t.shape[i]
	}
	return true
}

// gather copies the elements out of the bytes of the root storage, row-major.
// The tensor has been checked.
func (t *torchTensor) gather(raw []byte) []byte {
	size := t.storage.root.dtype.Size()
	n, _ := elements(t.shape)
	out := make([]byte, 0, n*size)
	if n == 0 {
		return out
	}
	first := t.storage.first + t.offset
	if t.contiguous() {
		return append(out, raw[first*size:(first+n)*size]...)
	}
	index := make([]int, len(t.shape))
	for at := first; ; {
		out = append(out, raw[at*size:(at+1)*size]...)
		i := len(index) - 1
		for ; i >= 0; i-- {
			index[i]++
			at += t.stride[i]
			if index[i] < t.shape[i] {
				break
			}
			at -= index[i] * t.stride[i]
			index[i] = 0
		}
		if i < 0 {
			return out
		}
	}
}

// materializer turns descriptions of tensors into tensors.
type materializer struct {
	src  storageSource
	left int64 // bytes that may still be allocated
}

// spend takes n elements of a type out of what may be allocated.
func (m *materializer) spend(bytes int64) error {
	if bytes > m.left {
		return badf("the tensors would take more than %d times the size of the file in memory; the file is damaged or hostile", amplification)
	}
	m.left -= bytes
	return nil
}

// tensors reads each storage once, and gives each tensor bytes of its own.
func (m *materializer) tensors(ctx context.Context, names []string, list []*torchTensor) ([]Tensor, error) {
	out := make([]Tensor, len(list))
	users := map[*storage][]int{}
	var roots []*storage
	for i, t := range list {
		root := t.storage.root
		if users[root] == nil {
			roots = append(roots, root)
			n, err := m.src.size(root)
			if err == nil {
				err = m.spend(n)
			}
			if err != nil {
				return nil, err
			}
		}
		users[root] = append(users[root], i)
		n, _ := elements(t.shape)
		size := root.dtype.Size()
		if int64(n) > m.left {
			n = int(m.left/int64(size)) + 1 // too many, without overflow below
		}
		if err := m.spend(int64(n) * int64(size)); err != nil {
			return nil, err
		}
		out[i] = Tensor{Name: names[i], Shape: t.shape, DType: root.dtype}
	}
	for _, root := range roots {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		raw, err := m.src.read(root)
		if err != nil {
			return nil, err
		}
		for _, i := range users[root] {
			out[i].Data = list[i].gather(raw)
		}
	}
	return out, nil
}
