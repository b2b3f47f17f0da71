//go:build !linux

package kernels

// newFloats makes n elements.
func newFloats[T Float](n int) []T { return make([]T, n) }
