package kernels

import (
	"encoding/binary"
	"slices"
	"testing"
)

// TestImages moves and mirrors a small image by hand.
func TestImages(t *testing.T) {
	at := &ImageAttr{N: 2, H: 2, W: 3, Mean: [3]float32{0, 1, 0}, Std: [3]float32{1, 1, 0.5}}
	var packed []byte
	dx := int32(-1)
	for _, w := range []uint32{1, uint32(dx), 0, 0, 1, 1} {
		packed = binary.LittleEndian.AppendUint32(packed, w)
	}
	for range at.N {
		for p := range 6 {
			packed = append(packed, byte(51*p), 0, 255)
		}
	}
	const tenth = float32(51) / 255
	black, bright := []float32{0, -1, 0}, func(p float32) []float32 { return []float32{p * tenth, -1, 2} }
	want := slices.Concat(
		black, bright(3), bright(4), black, black, black, // one up from below, one to the right
		black, bright(2), bright(1), black, bright(5), bright(4)) // mirrored, one to the right
	for _, dev := range []Device{CPU, CPU64} {
		in, out := dev.Alloc(ByteElements(len(packed))), dev.Alloc(36)
		WriteBytes(dev, in, packed)
		dev.Run(Images, &Args{Out: []Buffer{out}, In: []Buffer{in}, Attr: at})
		got := make([]float32, 36)
		dev.Read(got, out)
		for i := range got {
			if d := got[i] - want[i]; d > 1e-6 || d < -1e-6 {
				t.Fatalf("%s: element %d is %v, not %v:\n%v", dev.Name(), i, got[i], want[i], got)
			}
		}
	}
}
