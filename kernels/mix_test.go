package kernels

import "testing"

// TestMixInPlace moves a running average over more than one chunk.
func TestMixInPlace(t *testing.T) {
	const n = chunk + 7
	shape := []int{n}
	a, b := CPU.Alloc(n), CPU.Alloc(n)
	for i := range n {
		Data[float32](a)[i], Data[float32](b)[i] = float32(i), float32(2*i)
	}
	CPU.Run(Mix, &Args{Out: []Buffer{a}, In: []Buffer{a, b}, Attr: &MapAttr{Shape: shape, A: shape, B: shape, P: 0.5, Q: 2}})
	for i, v := range Data[float32](a) {
		if want := 4.5 * float32(i); v != want {
			t.Fatalf("element %d is %v, want %v", i, v, want)
		}
	}
}
