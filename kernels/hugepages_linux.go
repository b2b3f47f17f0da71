package kernels

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// hugePage is the size of a large page, and hugeFrom the bytes from which memory is
// worth asking for some.
const (
	hugePage = 2 << 20
	hugeFrom = 4 << 20
)

// newFloats makes n elements. Of much memory it asks the system for large pages: a
// convolution goes over thousands of small ones, and looking their addresses up is a
// twentieth of a training step. It is a wish; where it is not granted nothing changes.
func newFloats[T Float](n int) []T {
	s := make([]T, n)
	bytes := n * int(unsafe.Sizeof(*new(T)))
	if bytes < hugeFrom {
		return s
	}
	first := unsafe.Pointer(unsafe.SliceData(s))
	skip := -uintptr(first) % hugePage
	whole := (bytes - int(skip)) / hugePage * hugePage
	_ = unix.Madvise(unsafe.Slice((*byte)(unsafe.Add(first, skip)), whole), unix.MADV_HUGEPAGE)
	return s
}
