// Package checkpoint reads and writes the weights of networks.
//
// A [File] is an ordered list of named [Tensor] values and a map of strings.
// That is all a safetensors file holds, and safetensors is the format that
// gradgrad writes: 8 bytes with the length of a header, the header in JSON,
// then the raw little-endian elements. Nothing in it can execute, every
// number in it can be checked before it is trusted, and Python reads it too.
//
//	f := &checkpoint.File{Metadata: map[string]string{"epoch": "3"}}
//	f.Tensors = append(f.Tensors, checkpoint.New("fc.bias", []int{10}, bias))
//	err := checkpoint.Write("runs/x/checkpoint.safetensors", f)
//	...
//	f, err = checkpoint.Open(ctx, "runs/x")   // a run directory or any file
//	t, ok := f.Lookup("fc.bias")
//	bias, err = t.Float32s()
//
// # Reading
//
// [Open] looks at the first bytes of a file and reads safetensors or PyTorch's
// .pt, .pth and .pth.tar alike; a directory stands for the
// checkpoint.safetensors in it. [Read] accepts safetensors only, [Decode] the
// same from memory, [ImportPyTorch] PyTorch only. The whole file is read into
// memory.
//
// Tensors keep the names and the layout that PyTorch gives them (convolution
// weights are OIHW, linear weights out x in), are always contiguous in
// row-major order, and come in the order of the file. [Tensor.Float32s] and
// [Tensor.Float64s] convert F16, BF16, F32 and F64; integers and booleans are
// carried bit for bit and read with [Tensor.Int64s]. A tensor without
// dimensions (Shape of length 0) is a scalar: it has one element.
//
// # Writing
//
// [Write] replaces a file in one step: after a crash, a full disk or a kill
// the path holds the old content or the new, never a part. The same File gives
// the same bytes always. One process at a time may write one path.
//
// # PyTorch files
//
// A PyTorch checkpoint is a pickle: a program for a small machine, which in
// Python can call anything. ImportPyTorch runs it on the machine of
// github.com/nlpodyssey/gopickle, behind three fences. First an own scanner
// walks the opcodes, knows what each will cost in memory and time, and refuses
// what state dicts do not need, above all any class that is not on a short
// list (OrderedDict, the functions that rebuild tensors, the storage types, and
// harmless things that scripts keep beside the weights, which are skipped).
// Then the machine runs with hooks that only note which bytes of which storage
// a tensor wants. Last, every size, offset and stride is checked against the
// file before anything is allocated. So a hostile file gives an error that
// says what is wrong with it; fuzz tests keep that true.
//
// The state dict may be the top of the file or stand under "state_dict",
// "model_state_dict", "model" or "net". Numbers, strings and booleans beside
// it (epoch, arch, accuracy) become Metadata; anything else beside it, such as
// the optimiser, is left out. The prefix "module.", which DataParallel puts
// before names, is removed.
//
// # Errors
//
// Content that is wrong gives a [*FormatError], which says what is wrong and
// what to do. Files that cannot be opened give errors that wrap the system's,
// so that errors.Is(err, fs.ErrNotExist) works.
package checkpoint
