package datasets

import (
	"encoding/binary"
	"fmt"
)

// AppendPacked appends batches of bytes (BatchConfig.Bytes) to dst as one, in the form
// in which a device gets them: for every image three little-endian integers of 32 bits,
// DY, DX and 1 for Mirror, and behind those of all images their pixels. It panics with a
// *MisuseError where images differ in size or are not bytes.
func AppendPacked(dst []byte, batches ...*Batch) []byte {
	for _, b := range batches {
		if first := batches[0]; len(b.Moves) != b.N || b.H != first.H || b.W != first.W {
			panic(&MisuseError{Op: "AppendPacked", Detail: fmt.Sprintf("%d images of %dx%d with %d moves; they want one each, and %dx%d pixels as the others",
				b.N, b.H, b.W, len(b.Moves), first.H, first.W)})
		}
		for _, m := range b.Moves {
			mirror := uint32(0)
			if m.Mirror {
				mirror = 1
			}
			for _, w := range [3]uint32{uint32(int32(m.DY)), uint32(int32(m.DX)), mirror} {
				dst = binary.LittleEndian.AppendUint32(dst, w)
			}
		}
	}
	for _, b := range batches {
		dst = append(dst, b.Pixels...)
	}
	return dst
}
