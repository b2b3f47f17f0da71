package checkpoint

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

const (
	// maxHeader is the bound that the format sets on its JSON header.
	maxHeader = 100_000_000
	// maxFile bounds what is read into memory.
	maxFile int64 = min(16<<30, math.MaxInt)
)

// Read reads the safetensors file at path.
func Read(path string) (*File, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := Decode(f, size)
	return file, inFile(path, err)
}

// openFile opens a regular file of a size that can be read into memory.
func openFile(path string) (*os.File, int64, error) {
	info, err := os.Stat(path) // before Open, which waits for ever on a named pipe
	switch {
	case err != nil:
		return nil, 0, openError(path, err)
	case info.IsDir():
		return nil, 0, fmt.Errorf("checkpoint %s: is a directory; name the file in it", path)
	case !info.Mode().IsRegular():
		return nil, 0, fmt.Errorf("checkpoint %s: is not a regular file; copy it to one", path)
	case info.Size() == 0:
		return nil, 0, &FormatError{Path: path, Reason: "the file is empty; copy or download it again"}
	case info.Size() > maxFile:
		return nil, 0, &FormatError{Path: path, Reason: fmt.Sprintf("the file has %d bytes, more than the %d that are read into memory", info.Size(), maxFile)}
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, openError(path, err)
	}
	return f, info.Size(), nil
}

// Decode reads a safetensors file of the given size. Everything that the header
// claims is checked against size before memory is allocated for it.
func Decode(r io.ReaderAt, size int64) (*File, error) {
	if size < 8 {
		return nil, badf("%d bytes are too few for a safetensors file; copy or download it again", size)
	}
	var head [8]byte
	if err := readAt(r, head[:], 0); err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(head[:])
	if n > maxHeader {
		return nil, badf("the header claims %d bytes, more than the %d that safetensors allows: not a safetensors file", n, maxHeader)
	}
	if int64(n) > size-8 {
		return nil, badf("the header claims %d bytes but the file ends after %d; copy or download it again", n, size-8)
	}
	header := make([]byte, n)
	if err := readAt(r, header, 8); err != nil {
		return nil, err
	}
	h, err := parseHeader(header)
	if err != nil {
		return nil, err
	}
	dataSize := size - 8 - int64(n)
	if err := h.checkLayout(dataSize); err != nil {
		return nil, err
	}
	data := make([]byte, dataSize)
	if err := readAt(r, data, 8+int64(n)); err != nil {
		return nil, err
	}
	return h.file(data), nil
}

// readAt fills b; a reader that ends early gives io.ErrUnexpectedEOF.
func readAt(r io.ReaderAt, b []byte, off int64) error {
	if len(b) == 0 {
		return nil
	}
	_, err := io.ReadFull(io.NewSectionReader(r, off, int64(len(b))), b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// checkLayout verifies that the tensors fill the data without hole or overlap,
// and each exactly the bytes that its shape and type need.
func (h *header) checkLayout(dataSize int64) error {
	order := make([]*headerTensor, len(h.tensors))
	for i := range h.tensors {
		order[i] = &h.tensors[i]
	}
	slices.SortStableFunc(order, func(a, b *headerTensor) int {
		if a.begin != b.begin {
			return cmp.Compare(a.begin, b.begin)
		}
		return cmp.Compare(a.end, b.end)
	})
	var at int64
	for _, t := range order {
		if t.begin != at || t.end < t.begin {
			return badf("tensor %s has the data offsets [%d, %d] where %d should begin: offsets overlap or leave a hole; the file is damaged",
				show(t.name), t.begin, t.end, at)
		}
		size := int64(t.dtype.Size())
		n, ok := elements(t.shape)
		if !ok || int64(n) > (1<<62)/size || int64(n)*size != t.end-t.begin {
			return badf("tensor %s of type %s and shape %s does not match its %d bytes; the file is damaged",
				show(t.name), t.dtype, showInts(t.shape), t.end-t.begin)
		}
		at = t.end
	}
	if at > dataSize {
		return badf("the tensors need %d bytes of data but the file has %d: it is truncated; copy or download it again", at, dataSize)
	}
	if at < dataSize {
		return badf("%d bytes follow the last tensor; the file is damaged", dataSize-at)
	}
	return nil
}

// file cuts the data into tensors, in the order of the header.
func (h *header) file(data []byte) *File {
	f := &File{Metadata: h.metadata, Tensors: make([]Tensor, len(h.tensors))}
	for i, t := range h.tensors {
		f.Tensors[i] = Tensor{Name: t.name, Shape: t.shape, DType: t.dtype, Data: data[t.begin:t.end:t.end]}
	}
	return f
}
