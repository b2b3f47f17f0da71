package kernels

import "fmt"

// CPU computes in float32, with assembly where the machine has it; CPU64
// computes in float64 in plain Go. Both may be used by several goroutines.
var (
	CPU   Device = cpu[float32]{name: "cpu", dtype: Float32}
	CPU64 Device = cpu[float64]{name: "cpu64", dtype: Float64}
)

func init() {
	Register("cpu", func(s string) (Device, error) { return openCPU(CPU, s) })
	Register("cpu64", func(s string) (Device, error) { return openCPU(CPU64, s) })
}

func openCPU(d Device, suffix string) (Device, error) {
	if suffix != "" {
		return nil, fmt.Errorf("kernels: there is one %s; drop the %q", d.Name(), ":"+suffix)
	}
	return d, nil
}

// hostBuffer is memory of the process itself.
type hostBuffer[T Float] struct{ data []T }

func (b *hostBuffer[T]) Len() int { return len(b.data) }

// Data returns the elements of a buffer of a CPU device. It panics on buffers
// of other devices or of another element type.
func Data[T Float](b Buffer) []T { return b.(*hostBuffer[T]).data }

type cpu[T Float] struct {
	name  string
	dtype DType
}

func (c cpu[T]) Name() string { return c.name }
func (c cpu[T]) DType() DType { return c.dtype }
func (c cpu[T]) Free(Buffer)  {}
func (c cpu[T]) Sync() error  { return nil }

func (c cpu[T]) Alloc(n int) Buffer { return &hostBuffer[T]{data: newFloats[T](n)} }

func (c cpu[T]) Slice(b Buffer, at, n int) Buffer {
	return &hostBuffer[T]{data: Data[T](b)[at : at+n : at+n]}
}

func (c cpu[T]) Write(dst Buffer, src []float32)   { convert(Data[T](dst), src) }
func (c cpu[T]) Read(dst []float32, src Buffer)    { convert(dst, Data[T](src)) }
func (c cpu[T]) Write64(dst Buffer, src []float64) { convert(Data[T](dst), src) }
func (c cpu[T]) Read64(dst []float64, src Buffer)  { convert(dst, Data[T](src)) }

func (c cpu[T]) Run(k *Kernel, a *Args) {
	if c.dtype == Float64 {
		k.f64(a)
	} else {
		k.f32(a)
	}
}

// convert copies min(len(dst), len(src)) elements.
func convert[D, S Float](dst []D, src []S) {
	n := min(len(dst), len(src))
	for i, v := range src[:n] {
		dst[i] = D(v)
	}
}
