package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strconv"
)

// WritePyTorch writes the tensors as a file that torch.load reads, also with
// weights_only=True: the zip format of PyTorch 1.6 and later. key is the entry of
// the outermost dictionary that holds the state dict, such as "state_dict", with
// the metadata beside it as strings; with an empty key the state dict is the whole
// file and the metadata is lost. It replaces a file in one step, as [Write] does,
// and the same File gives the same bytes always.
func WritePyTorch(path string, f *File, key string) error {
	return replace(path, func(w io.Writer) error { return f.encodePyTorch(w, key) })
}

// torchTypes are the storage classes by element type; unsigned integers of more
// than a byte have none.
var torchTypes = map[DType]string{
	F64: "DoubleStorage", F32: "FloatStorage", F16: "HalfStorage", BF16: "BFloat16Storage",
	I64: "LongStorage", I32: "IntStorage", I16: "ShortStorage", I8: "CharStorage", U8: "ByteStorage", Bool: "BoolStorage",
}

func (f *File) encodePyTorch(w io.Writer, key string) error {
	if err := f.check(); err != nil {
		return err
	}
	for i := range f.Tensors {
		if t := &f.Tensors[i]; torchTypes[t.DType] == "" {
			return fmt.Errorf("checkpoint: tensor %s is of type %s, which PyTorch files do not hold", show(t.Name), t.DType)
		}
	}
	z := &torchZip{count: counter{w: w}}
	z.zip = zip.NewWriter(&z.count)
	z.member("archive/data.pkl", f.pickle(key))
	z.member("archive/byteorder", []byte("little"))
	for i := range f.Tensors {
		z.member("archive/data/"+strconv.Itoa(i), f.Tensors[i].Data)
	}
	z.member("archive/version", []byte("3\n"))
	if z.err != nil {
		return z.err
	}
	return z.zip.Close()
}

// torchZip writes stored members whose data begins at a multiple of 64 bytes, as
// PyTorch does, so that readers can map them into memory.
type torchZip struct {
	zip   *zip.Writer
	count counter
	err   error
}

const (
	localHeader = 30 // bytes of a member's header before its name
	alignment   = 64
)

func (z *torchZip) member(name string, data []byte) {
	if z.err != nil {
		return
	}
	if z.err = z.zip.Flush(); z.err != nil {
		return
	}
	// The padding is an extra field of PyTorch's own: two letters, its length, zeros.
	start := z.count.n + localHeader + int64(len(name)) + 4
	extra := make([]byte, 4+(alignment-start%alignment)%alignment)
	copy(extra, "FB")
	binary.LittleEndian.PutUint16(extra[2:], uint16(len(extra)-4))
	var m io.Writer
	m, z.err = z.zip.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, Extra: extra, CRC32: crc32.ChecksumIEEE(data),
		CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data)),
	})
	if z.err == nil {
		_, z.err = m.Write(data)
	}
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// pickle is the program that builds the dictionary: protocol 2.
func (f *File) pickle(key string) []byte {
	p := new(pickler)
	p.WriteString("\x80\x02")
	if key == "" {
		p.stateDict(f.Tensors)
		p.WriteByte('.')
		return p.Bytes()
	}
	p.WriteString("}(")
	for _, k := range slices.Sorted(maps.Keys(f.Metadata)) {
		if k != key {
			p.text(k)
			p.text(f.Metadata[k])
		}
	}
	p.text(key)
	p.stateDict(f.Tensors)
	p.WriteString("u.")
	return p.Bytes()
}

// pickler writes opcodes. It keeps nothing in the machine's memo.
type pickler struct{ bytes.Buffer }

func (p *pickler) text(s string) {
	p.WriteByte('X')
	p.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(s))))
	p.WriteString(s)
}

// number writes an integer of up to 64 bits.
func (p *pickler) number(n int) {
	if int64(n) == int64(int32(n)) {
		p.WriteByte('J')
		p.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		return
	}
	p.WriteString("\x8a\x08")
	p.Write(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func (p *pickler) tuple(numbers []int) {
	p.WriteByte('(')
	for _, n := range numbers {
		p.number(n)
	}
	p.WriteByte('t')
}

func (p *pickler) global(module, name string) { p.WriteString("c" + module + "\n" + name + "\n") }

func (p *pickler) emptyOrderedDict() {
	p.global("collections", "OrderedDict")
	p.WriteString(")R")
}

// stateDict is OrderedDict() with an item for each tensor.
func (p *pickler) stateDict(tensors []Tensor) {
	p.emptyOrderedDict()
	p.WriteByte('(')
	for i := range tensors {
		t := &tensors[i]
		p.text(t.Name)
		p.tensor(i, t)
	}
	p.WriteByte('u')
}

// tensor is _rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks).
func (p *pickler) tensor(key int, t *Tensor) {
	p.global("torch._utils", "_rebuild_tensor_v2")
	p.WriteString("((")
	p.text("storage")
	p.global("torch", torchTypes[t.DType])
	p.text(strconv.Itoa(key))
	p.text("cpu")
	p.number(t.Len())
	p.WriteString("tQ")
	p.number(0)
	p.tuple(t.Shape)
	p.tuple(strides(t.Shape))
	p.WriteString("\x89")
	p.emptyOrderedDict()
	p.WriteString("tR")
}

// strides are those of a contiguous row-major tensor, in elements.
func strides(shape []int) []int {
	s := make([]int, len(shape))
	n := 1
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= max(shape[i], 1)
	}
	return s
}
