package checkpoint

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
)

// maxPickleTime stops waiting for the library. A scanned pickle takes a few
// seconds at the very most.
const maxPickleTime = time.Minute

// global is the name of a class or function in a pickle.
type global struct{ module, name string }

// globals are the classes and functions that a pickle may name, with what
// stands for them here. OrderedDict is built into the library.
var globals = map[global]any{
	{"collections", "OrderedDict"}:         nil,
	{"torch._utils", "_rebuild_tensor_v2"}: rebuildTensor{},
	{"torch._utils", "_rebuild_tensor"}:    rebuildTensor{},
	{"torch._utils", "_rebuild_parameter"}: rebuildParameter{},
	{"torch", "FloatStorage"}:              storageClass{F32},
	{"torch", "DoubleStorage"}:             storageClass{F64},
	{"torch", "HalfStorage"}:               storageClass{F16},
	{"torch", "BFloat16Storage"}:           storageClass{BF16},
	{"torch", "LongStorage"}:               storageClass{I64},
	{"torch", "IntStorage"}:                storageClass{I32},
	{"torch", "ShortStorage"}:              storageClass{I16},
	{"torch", "CharStorage"}:               storageClass{I8},
	{"torch", "ByteStorage"}:               storageClass{U8},
	{"torch", "BoolStorage"}:               storageClass{Bool},
}

// allowGlobal returns an error for a class that is not on the list.
func allowGlobal(module, name string) error {
	if _, ok := globals[global{module, name}]; ok {
		return nil
	}
	return badf("the file holds an object of the class %s, not only weights (nothing was executed); %s", show(module+"."+name), resave)
}

// findClass is the library's hook for classes that it does not know.
func findClass(module, name string) (any, error) {
	const limit = 256 // longer names would cost time each
	if len(module) > limit || len(name) > limit {
		return nil, badf("the pickle names a class with %d letters; the file is damaged or hostile", len(module)+len(name))
	}
	if err := allowGlobal(module, name); err != nil {
		return nil, err
	}
	return globals[global{module, name}], nil
}

// runPickle executes a pickle that scanPickle has accepted. persistentLoad is
// given what stands for storages.
func runPickle(ctx context.Context, data []byte, persistentLoad func(any) (any, error)) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, maxPickleTime)
	defer cancel()
	type result struct {
		value any
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: badf("the pickle in this PyTorch file is damaged or hostile: %s", show(fmt.Sprint(p)))}
			}
			done <- r
		}()
		u := pickle.NewUnpickler(bytes.NewReader(data))
		u.FindClass = findClass
		u.PersistentLoad = func(id any) (any, error) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return persistentLoad(id)
		}
		r.value, r.err = u.Load()
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		return r.value, pickleError(r.err)
	}
}

// pickleError keeps our errors and shortens the library's, which may print
// whole values.
func pickleError(err error) error {
	switch err := err.(type) {
	case nil:
		return nil
	case *FormatError:
		return err
	default:
		if err == context.Canceled || err == context.DeadlineExceeded {
			return err
		}
		return badf("the pickle in this PyTorch file is damaged or hostile: %s", show(err.Error()))
	}
}

// loadPickle scans and executes the pickle at the start of data, and returns its
// length too.
func loadPickle(ctx context.Context, data []byte, persistentLoad func(any) (any, error)) (any, int, error) {
	n, err := scanPickle(ctx, data)
	if err != nil {
		return nil, 0, err
	}
	v, err := runPickle(ctx, data[:n], persistentLoad)
	return v, n, err
}

// noStorages is the persistentLoad of pickles that hold none.
func noStorages(any) (any, error) {
	return nil, badf("a pickle that describes the file refers to a storage; the file is damaged or hostile")
}

// storageClass stands for torch.FloatStorage and its kin.
type storageClass struct{ dtype DType }

// rebuildTensor stands for torch._utils._rebuild_tensor_v2(storage, offset,
// size, stride, requires_grad, backward_hooks[, metadata]) and for its
// predecessor, which took the first four.
type rebuildTensor struct{}

var _ types.Callable = rebuildTensor{}

// Call notes what the tensor is; its bytes are read later.
func (rebuildTensor) Call(args ...any) (any, error) {
	wrong := badf("a tensor in this PyTorch file is described in an unknown way; %s", resave)
	if len(args) < 4 || len(args) > 7 {
		return nil, wrong
	}
	view, ok := args[0].(*storageView)
	if !ok {
		return nil, wrong
	}
	offset, ok := args[1].(int)
	if !ok {
		return nil, wrong
	}
	size, ok := ints(args[2])
	if !ok {
		return nil, wrong
	}
	stride, ok := ints(args[3])
	if !ok || len(size) != len(stride) {
		return nil, wrong
	}
	t := &torchTensor{storage: view, offset: offset, shape: size, stride: stride}
	return t, t.check()
}

// ints converts a tuple of integers. More dimensions than PyTorch allows (64)
// are refused before they cost anything.
func ints(v any) ([]int, bool) {
	tuple, ok := v.(*types.Tuple)
	if !ok || tuple.Len() > 64 {
		return nil, false
	}
	out := make([]int, tuple.Len())
	for i := range out {
		if out[i], ok = tuple.Get(i).(int); !ok {
			return nil, false
		}
	}
	return out, true
}

// rebuildParameter stands for torch._utils._rebuild_parameter(data,
// requires_grad, backward_hooks).
type rebuildParameter struct{}

var _ types.Callable = rebuildParameter{}

// Call returns the tensor that the parameter wraps.
func (rebuildParameter) Call(args ...any) (any, error) {
	if len(args) > 0 && len(args) <= 4 {
		if t, ok := args[0].(*torchTensor); ok {
			return t, nil
		}
	}
	return nil, badf("a parameter in this PyTorch file is described in an unknown way; %s", resave)
}
