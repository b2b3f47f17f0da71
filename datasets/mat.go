package datasets

import (
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// The parts of MATLAB's level 5 MAT-file format ("MAT-File Format", MathWorks)
// that hold numeric arrays.
const (
	matHeaderBytes = 128
	matPlain       = 14 // miMATRIX
	matCompressed  = 15 // miCOMPRESSED
	matMaxDims     = 32
	matMaxName     = 256
	// zlib's format cannot expand by more than this.
	zlibMaxExpansion = 1032
)

// matValueBytes is the size of a value of each storage type.
var matValueBytes = map[uint32]int64{1: 1, 2: 1, 3: 2, 4: 2, 5: 4, 6: 4, 7: 4, 9: 8, 12: 8, 13: 8}

// The array classes whose values are plain numbers: double, single and the
// integers from int8 to uint64.
const (
	matClassFirst = 6
	matClassUint8 = 9
	matClassLast  = 15
)

// matArray is one numeric array of a file; its values must be read before the
// next array. Values are column-major: the first dimension changes fastest.
type matArray struct {
	name    string
	class   uint8
	dims    []int64
	count   int64  // product of dims
	storage uint32 // type of the values in the file, may be narrower than class
	order   binary.ByteOrder
	values  io.Reader
}

// isMat tells by its first bytes whether a file is a MAT-file of level 5; the
// error explains files of MATLAB 7.3, which are of another format.
func isMat(head []byte) (bool, error) {
	s := string(head)
	if strings.HasPrefix(s, "MATLAB 7.3") || strings.HasPrefix(s, "\x89HDF\r\n") {
		return false, errors.New("it is a MATLAB 7.3 (HDF5) file: save it in MATLAB with -v7")
	}
	return len(head) >= matHeaderBytes && (s[126:128] == "IM" || s[126:128] == "MI"), nil
}

// walkMat calls visit for each numeric array of a MAT-file of size bytes.
func walkMat(r io.Reader, size int64, visit func(matArray) error) error {
	return walkMatrices(r, size, func(m *matReader, most int64) error { return visitMatrix(m, most, visit) })
}

// walkMatrices calls visit at the start of each array of a MAT-file of size bytes,
// which cannot take more than most bytes.
func walkMatrices(r io.Reader, size int64, visit func(m *matReader, most int64) error) error {
	var header [matHeaderBytes]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return fmt.Errorf("the MATLAB header is cut off: %w", err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	if string(header[126:128]) == "MI" {
		order = binary.BigEndian
	}
	for {
		var tag [8]byte
		if _, err := io.ReadFull(r, tag[:]); err == io.EOF {
			return nil
		} else if err != nil {
			return explainCut(err)
		}
		kind, n := order.Uint32(tag[:4]), int64(order.Uint32(tag[4:]))
		element := io.LimitReader(r, n)
		if err := visitElement(element, kind, min(n, size), order, visit); err != nil {
			return explainCut(err)
		}
		if skipped, err := io.Copy(io.Discard, element); err != nil {
			return fmt.Errorf("after %d bytes: %w", skipped, err)
		}
	}
}

// visitElement reads one top-level element of packed bytes.
func visitElement(r io.Reader, kind uint32, packed int64, order binary.ByteOrder, visit func(m *matReader, most int64) error) error {
	switch kind {
	case matPlain:
		return visit(&matReader{r, order}, packed)
	case matCompressed:
		z, err := zlib.NewReader(r)
		if err != nil {
			return noEOF(err)
		}
		defer z.Close()
		m := &matReader{z, order}
		inner, err := m.tag()
		if err != nil || inner.kind != matPlain {
			return err
		}
		return visit(m, packed*zlibMaxExpansion)
	}
	return nil
}

// visitMatrix reads an array; its values cannot take more than most bytes.
func visitMatrix(m *matReader, most int64, visit func(matArray) error) error {
	flags, err := m.small(8)
	if err != nil {
		return err
	}
	if len(flags) < 4 {
		return errors.New("an array without flags: the file is corrupt")
	}
	a := matArray{class: uint8(m.order.Uint32(flags)), order: m.order}
	dims, err := m.small(4 * matMaxDims)
	if err != nil {
		return err
	}
	name, err := m.small(matMaxName)
	if err != nil {
		return err
	}
	a.name = string(name)
	if a.class < matClassFirst || a.class > matClassLast {
		return nil
	}
	values, err := m.tag()
	if err != nil {
		return err
	}
	if err := a.describe(dims, values, most); err != nil {
		return fmt.Errorf("array %q: %w", a.name, err)
	}
	a.values = io.LimitReader(m.r, values.bytes)
	if err := visit(a); err != nil {
		return fmt.Errorf("array %q: %w", a.name, err)
	}
	return nil
}

// describe checks the dimensions against the bytes that hold the values.
func (a *matArray) describe(dims []byte, values matTag, most int64) error {
	wide, ok := matValueBytes[values.kind]
	if !ok {
		return fmt.Errorf("values of unknown type %d", values.kind)
	}
	a.storage, a.count = values.kind, 1
	for ; len(dims) >= 4; dims = dims[4:] {
		d := int64(int32(a.order.Uint32(dims)))
		if d < 0 || d > 0 && a.count > most/d {
			return errors.New("it claims more values than the file has room for: the file was cut off or is corrupt, get it again")
		}
		a.dims = append(a.dims, d)
		a.count *= d
	}
	if a.count*wide != values.bytes || values.bytes > most {
		return fmt.Errorf("dimensions %v do not fit its %d bytes of values: the file is corrupt, get it again", a.dims, values.bytes)
	}
	return nil
}

// matReader reads the elements inside an array.
type matReader struct {
	r     io.Reader
	order binary.ByteOrder
}

// matTag opens an element: the type and the number of its bytes, and how many
// bytes these take with the padding behind them.
type matTag struct {
	kind          uint32
	bytes, padded int64
}

// tag reads a tag. An element of up to four bytes may have its type and length
// in four bytes and its data in the next four.
func (m *matReader) tag() (matTag, error) {
	var word [4]byte
	if _, err := io.ReadFull(m.r, word[:]); err != nil {
		return matTag{}, noEOF(err)
	}
	kind := m.order.Uint32(word[:])
	if short := kind >> 16; short != 0 {
		if short > 4 {
			return matTag{}, fmt.Errorf("a short element of %d bytes: the file is corrupt", short)
		}
		return matTag{kind & 0xffff, int64(short), 4}, nil
	}
	if _, err := io.ReadFull(m.r, word[:]); err != nil {
		return matTag{}, noEOF(err)
	}
	n := int64(m.order.Uint32(word[:]))
	return matTag{kind, n, (n + 7) &^ 7}, nil
}

// small reads an element of at most limit bytes.
func (m *matReader) small(limit int64) ([]byte, error) {
	t, err := m.tag()
	if err != nil {
		return nil, err
	}
	if t.bytes > limit {
		return nil, fmt.Errorf("an element of %d bytes where at most %d make sense: the file is corrupt", t.bytes, limit)
	}
	data := make([]byte, t.padded)
	if _, err := io.ReadFull(m.r, data); err != nil {
		return nil, noEOF(err)
	}
	return data[:t.bytes], nil
}

// noEOF makes every end of data inside an element an unexpected one.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
