package datasets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"unicode/utf16"
)

const (
	matStruct = 2 // class of struct arrays
	matChar   = 4 // class of texts
	// The longest names of fields, the longest value and the most values that are read.
	matMaxFields = 1 << 14
	matMaxCell   = 1 << 16
	matMaxCells  = 1 << 20
)

// readMatStruct reads the struct array called name of a MAT-file of size bytes: for
// each struct its texts and single whole numbers by field, other values left out. No
// such array gives none.
func readMatStruct(r io.Reader, size int64, name string) ([]map[string]string, error) {
	var out []map[string]string
	err := walkMatrices(r, size, func(m *matReader, _ int64) error {
		class, count, is, err := m.opening()
		if err != nil || class != matStruct || is != name {
			return err
		}
		out, err = m.structs(count)
		if err != nil {
			err = fmt.Errorf("array %q: %w", name, err)
		}
		return err
	})
	return out, err
}

// opening reads what every array begins with: its class, the number of its values,
// its name.
func (m *matReader) opening() (class uint8, count int64, name string, err error) {
	var parts [3][]byte
	for i, limit := range []int64{8, 4 * matMaxDims, matMaxName} {
		if parts[i], err = m.small(limit); err != nil {
			return 0, 0, "", err
		}
	}
	if len(parts[0]) < 4 {
		return 0, 0, "", errors.New("an array without flags: the file is corrupt")
	}
	count = 1
	for dims := parts[1]; len(dims) >= 4; dims = dims[4:] {
		d := int64(int32(m.order.Uint32(dims)))
		if d < 0 || d > 0 && count > math.MaxInt32/d {
			return 0, 0, "", errors.New("an array of impossible size: the file is corrupt")
		}
		count *= d
	}
	return uint8(m.order.Uint32(parts[0])), count, string(parts[2]), nil
}

// structs reads what follows the opening of a struct array.
func (m *matReader) structs(count int64) ([]map[string]string, error) {
	width, err := m.small(4)
	if err != nil {
		return nil, err
	}
	names, err := m.small(matMaxFields)
	if err != nil {
		return nil, err
	}
	n := 0
	if len(width) == 4 {
		n = int(int32(m.order.Uint32(width)))
	}
	if n < 1 || len(names) == 0 || len(names)%n != 0 || count > matMaxCells/int64(len(names)/n) {
		return nil, errors.New("structs without fields, or too many: the file is corrupt")
	}
	var out []map[string]string
	for range count {
		one := map[string]string{}
		for at := 0; at < len(names); at += n {
			value, ok, err := m.cell()
			if err != nil {
				return nil, err
			}
			if ok {
				one[string(bytes.TrimRight(names[at:at+n], "\x00"))] = value
			}
		}
		out = append(out, one)
	}
	return out, nil
}

// cell reads a field's value; ok is false where it is neither a text nor one whole
// number.
func (m *matReader) cell() (value string, ok bool, err error) {
	t, err := m.tag()
	if err != nil || t.bytes == 0 {
		return "", false, err
	}
	if t.kind != matPlain || t.bytes > matMaxCell {
		return "", false, fmt.Errorf("a field of type %d with %d bytes: the file is corrupt", t.kind, t.bytes)
	}
	data := make([]byte, t.padded)
	if _, err := io.ReadFull(m.r, data); err != nil {
		return "", false, noEOF(err)
	}
	inner := &matReader{bytes.NewReader(data), m.order}
	class, count, _, err := inner.opening()
	if err != nil {
		return "", false, err
	}
	number := class >= matClassFirst && class <= matClassLast
	if class != matChar && (!number || count != 1) {
		return "", false, nil
	}
	values, err := inner.tag()
	if err != nil {
		return "", false, err
	}
	if values.bytes > int64(len(data)) {
		return "", false, errors.New("a value longer than its field: the file is corrupt")
	}
	data = make([]byte, values.bytes)
	if _, err := io.ReadFull(inner.r, data); err != nil {
		return "", false, noEOF(err)
	}
	if number {
		value, ok = m.whole(values.kind, data)
		return value, ok, nil
	}
	return m.text(values.kind, data), true, nil
}

// whole is a single number that is whole.
func (m *matReader) whole(storage uint32, data []byte) (string, bool) {
	if n, known := matValueBytes[storage]; !known || int64(len(data)) != n {
		return "", false
	}
	v, ok := matArray{storage: storage, order: m.order}.number(data, 0)
	if !ok || v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		return "", false
	}
	return strconv.FormatInt(int64(v), 10), true
}

// text decodes characters: UTF-16 in the types of two bytes, else UTF-8.
func (m *matReader) text(storage uint32, data []byte) string {
	if storage != 4 && storage != 17 {
		return string(data)
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = m.order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}
