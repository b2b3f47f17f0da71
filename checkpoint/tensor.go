package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Tensor is a named array, contiguous and row-major.
type Tensor struct {
	Name  string
	Shape []int // empty for a scalar, which has one element
	DType DType
	// Data are the elements, little-endian: len(Data) is Len()*DType.Size().
	Data []byte
}

// Element lists the Go types that New turns into tensors.
type Element interface {
	float32 | float64 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8 | bool
}

// ShapeError is the value that New panics with when the number of values is
// not the product of the shape.
type ShapeError struct {
	Name   string
	Shape  []int
	Values int
}

func (e *ShapeError) Error() string {
	return fmt.Sprintf("checkpoint.New: tensor %q of shape %v given %d values", e.Name, e.Shape, e.Values)
}

// New makes a tensor from values in row-major order, which it copies. It panics
// with a *ShapeError when len(values) is not the product of shape.
func New[T Element](name string, shape []int, values []T) Tensor {
	if n, ok := elements(shape); !ok || n != len(values) {
		panic(&ShapeError{Name: name, Shape: shape, Values: len(values)})
	}
	dtype := dtypeOf[T]()
	data, err := binary.Append(make([]byte, 0, len(values)*dtype.Size()), binary.LittleEndian, values)
	if err != nil {
		panic(err) // every Element has a fixed size
	}
	return Tensor{Name: name, Shape: append([]int{}, shape...), DType: dtype, Data: data}
}

func dtypeOf[T Element]() DType {
	var zero T
	switch any(zero).(type) {
	case float64:
		return F64
	case float32:
		return F32
	case int64:
		return I64
	case int32:
		return I32
	case int16:
		return I16
	case int8:
		return I8
	case uint64:
		return U64
	case uint32:
		return U32
	case uint16:
		return U16
	case uint8:
		return U8
	}
	return Bool
}

// Len returns the number of elements: the product of the shape, 1 for a scalar.
func (t *Tensor) Len() int {
	n, _ := elements(t.Shape)
	return n
}

// Float32s returns the elements of an F32, F16, BF16 or F64 tensor, the last
// rounded to nearest, in a slice of its own. Other types are an error.
func (t *Tensor) Float32s() ([]float32, error) {
	if t.DType == F64 {
		return floats(t, func(b []byte) float32 {
			return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
		})
	}
	return floats(t, decode32(t.DType))
}

// Float64s is Float32s in float64; no type is rounded.
func (t *Tensor) Float64s() ([]float64, error) {
	if t.DType == F64 {
		return floats(t, func(b []byte) float64 {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		})
	}
	dec := decode32(t.DType)
	return floats(t, func(b []byte) float64 { return float64(dec(b)) })
}

// decode32 returns the decoder of one element of the types that fit a float32.
func decode32(d DType) func([]byte) float32 {
	switch d {
	case F16:
		return func(b []byte) float32 { return half(binary.LittleEndian.Uint16(b)) }
	case BF16:
		return func(b []byte) float32 { return bfloat(binary.LittleEndian.Uint16(b)) }
	}
	return func(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
}

func floats[T float32 | float64](t *Tensor, dec func([]byte) T) ([]T, error) {
	if !t.DType.IsFloat() {
		return nil, badf("tensor %s holds %s, not floating-point numbers", show(t.Name), t.DType)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	size := t.DType.Size()
	out := make([]T, t.Len())
	for i := range out {
		out[i] = dec(t.Data[i*size : (i+1)*size])
	}
	return out, nil
}

// Int64s returns the elements of an integer or boolean tensor. Floating-point
// tensors are an error, as is a U64 above the largest int64.
func (t *Tensor) Int64s() ([]int64, error) {
	if t.DType.IsFloat() {
		return nil, badf("tensor %s holds %s, not integers", show(t.Name), t.DType)
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	size := t.DType.Size()
	out := make([]int64, t.Len())
	for i := range out {
		b := t.Data[i*size : (i+1)*size]
		out[i] = integer(t.DType, b)
		if t.DType == U64 && out[i] < 0 {
			return nil, badf("tensor %s holds %d, which is above the largest int64", show(t.Name), uint64(out[i]))
		}
	}
	return out, nil
}

func integer(d DType, b []byte) int64 {
	switch d {
	case I32:
		return int64(int32(binary.LittleEndian.Uint32(b)))
	case I16:
		return int64(int16(binary.LittleEndian.Uint16(b)))
	case I8:
		return int64(int8(b[0]))
	case U32:
		return int64(binary.LittleEndian.Uint32(b))
	case U16:
		return int64(binary.LittleEndian.Uint16(b))
	case U8, Bool:
		return int64(b[0])
	}
	return int64(binary.LittleEndian.Uint64(b))
}

// check returns an error unless the fields of t agree with each other.
func (t *Tensor) check() error {
	size := t.DType.Size()
	if size == 0 {
		return badf("tensor %s has the data type %s, which is not supported", show(t.Name), show(string(t.DType)))
	}
	n, ok := elements(t.Shape)
	if !ok || n > math.MaxInt/size {
		return badf("tensor %s has an impossible shape %s", show(t.Name), showInts(t.Shape))
	}
	if n*size != len(t.Data) {
		return badf("tensor %s of shape %s needs %d bytes of %s but has %d",
			show(t.Name), showInts(t.Shape), n*size, t.DType, len(t.Data))
	}
	return nil
}

// elements returns the product of shape, and false when a dimension is negative
// or the product is no int.
func elements(shape []int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || (d > 0 && n > math.MaxInt/d) {
			return 0, false
		}
		n *= d
	}
	return n, true
}
