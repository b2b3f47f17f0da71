package checkpoint

import "github.com/nlpodyssey/gopickle/types"

// global is the name of a class or function in a pickle.
type global struct{ module, name string }

// globals are the classes and functions that a pickle may name, with what
// stands for them here. OrderedDict is built into the library. None of them
// does what it does in Python.
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

	// What training scripts keep beside the weights.
	{"collections", "Counter"}:           opaque{}, // milestones of MultiStepLR
	{"collections", "defaultdict"}:       opaque{},
	{"builtins", "dict"}:                 opaque{},
	{"builtins", "list"}:                 opaque{},
	{"builtins", "set"}:                  opaque{},
	{"__builtin__", "dict"}:              opaque{}, // as protocol 2 calls them
	{"__builtin__", "list"}:              opaque{},
	{"__builtin__", "set"}:               opaque{},
	{"argparse", "Namespace"}:            opaque{},
	{"torch", "Size"}:                    opaque{},
	{"torch", "device"}:                  opaque{},
	{"torch", "float32"}:                 opaque{},
	{"numpy", "dtype"}:                   opaque{},
	{"numpy.core.multiarray", "scalar"}:  opaque{},
	{"numpy._core.multiarray", "scalar"}: opaque{},
	{"_codecs", "encode"}:                opaque{}, // the bytes of NumPy scalars
}

// allowGlobal returns an error for a class that is not on the list.
func allowGlobal(module, name string) error {
	if _, ok := globals[global{module, name}]; ok {
		return nil
	}
	return badf("the file holds an object of the class %s, not only weights (nothing was executed); %s", show(module+"."+name), resave)
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

// opaque stands for classes whose objects are not wanted, and for the objects.
// It takes whatever a pickle does to them and keeps nothing.
type opaque struct{}

// Call returns the object.
func (opaque) Call(...any) (any, error) { return opaque{}, nil }

// PyNew returns the object.
func (opaque) PyNew(...any) (any, error) { return opaque{}, nil }

// PySetState ignores the attributes.
func (opaque) PySetState(any) error { return nil }

// Set ignores an item.
func (opaque) Set(_, _ any) {}

// Append ignores an element.
func (opaque) Append(any) {}
