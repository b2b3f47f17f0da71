package kernels

import "unsafe"

// Devices know tensors of one floating-point type. Images come as bytes, and a
// GPU is better sent those than four times as much: so the memory of any buffer can
// hold bytes as well, from its front on, and kernels that read bytes say which of
// their operands they are. Nothing else may look at such a buffer.

// ByteDevice is implemented by devices with memory of their own, to which bytes are
// copied as they are. The CPU devices, whose kernels find the host's memory where it
// is, do not: what has images as bytes and wants float32 there converts them itself.
type ByteDevice interface {
	Device
	// WriteBytes copies src to the memory of dst, from its front on.
	WriteBytes(dst Buffer, src []byte)
}

// ByteElements is the number of elements of a buffer whose memory holds n bytes, on
// every device.
func ByteElements(n int) int { return (n + 3) / 4 }

// WriteBytes copies src to the memory of a buffer of any device.
func WriteBytes(d Device, dst Buffer, src []byte) {
	switch b := dst.(type) {
	case *hostBuffer[float32]:
		copy(bytesOf(b.data), src)
	case *hostBuffer[float64]:
		copy(bytesOf(b.data), src)
	default:
		d.(ByteDevice).WriteBytes(dst, src)
	}
}

// BytesOf is the memory of numbers on the host, as bytes.
func BytesOf(x []float32) []byte { return bytesOf(x) }

// bytesOf is the memory of elements.
func bytesOf[T Float](x []T) []byte {
	var one T
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), len(x)*int(unsafe.Sizeof(one)))
}
