package checkpoint

import (
	"context"
	"io"
)

const (
	// maxPickle bounds the pickles of a file; the weights are outside them. A
	// network of 600 tensors has 0.1 MB.
	maxPickle = 16 << 20
	// amplification bounds how many times larger than the file its tensors may
	// be, together: shared storages, expanded tensors and compression enlarge.
	amplification = 16
)

// ImportPyTorch reads a checkpoint that torch.save wrote: the zip format of
// PyTorch 1.6 and later, or the older stream of pickles. The tensors have
// PyTorch's names, without a leading "module.", its layout and its order, and
// are contiguous however they were saved. See the package comment for where the
// state dict may stand and what becomes Metadata.
//
// Nothing in the file is executed. Whole modules, TorchScript, sparse and
// quantized tensors are refused with an error that says how to save the weights
// instead.
func ImportPyTorch(ctx context.Context, path string) (*File, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head, err := sniff(f, size)
	if err != nil {
		return nil, inFile(path, err)
	}
	file, err := decodePyTorch(ctx, f, size, head)
	return file, inFile(path, err)
}

// decodePyTorch reads a PyTorch file whose first bytes are head.
func decodePyTorch(ctx context.Context, r io.ReaderAt, size int64, head []byte) (*File, error) {
	var (
		src storageSource
		top any
		err error
	)
	switch formatOf(head) {
	case formatZip:
		src, top, err = openZip(ctx, r, size)
	case formatLegacy:
		src, top, err = openLegacy(ctx, r, size)
	case formatSafetensors:
		return nil, badf("this is a safetensors file, not a PyTorch file; read it with Open")
	default:
		return nil, notACheckpoint(head)
	}
	if err != nil {
		return nil, err
	}
	return stateFile(ctx, src, top, size)
}

// stateFile makes a File of the object in a PyTorch file of the given size.
func stateFile(ctx context.Context, src storageSource, top any, size int64) (*File, error) {
	state, err := findState(top)
	if err != nil {
		return nil, err
	}
	f := &File{Metadata: state.metadata}
	m := materializer{src: src, left: amplification*size + 1<<20}
	f.Tensors, err = m.tensors(ctx, state.names, state.tensors)
	if err != nil {
		return nil, err
	}
	return f, f.check()
}
