package datasets

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path"
	"slices"
)

var digits = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// svhn is what the cropped-digits files of http://ufldl.stanford.edu/housenumbers
// hold: X, uint8, height x width x 3 x n, and y, n labels from 1 to 10, where
// 10 is the digit 0.
type svhn struct {
	height, width, n int
	pixels           []uint8
	labels           []int
}

// readSVHNFile reads a MATLAB v5 file with the arrays X and y.
func readSVHNFile(ctx context.Context, name, file string, o Options) (*Memory, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return readSVHN(ctx, name, bufio.NewReaderSize(f, 1<<18), info.Size(), o)
}

func readSVHN(ctx context.Context, name string, r io.Reader, size int64, o Options) (*Memory, error) {
	var s svhn
	err := walkMat(r, size, func(a matArray) error {
		switch {
		case a.name == "X" && s.pixels == nil:
			return s.readImages(ctx, a, o)
		case a.name == "y" && s.labels == nil:
			return s.readLabels(a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if s.pixels == nil || s.labels == nil {
		return nil, errors.New("it does not hold both X (images) and y (labels), as the SVHN files do")
	}
	if len(s.labels) != s.n {
		return nil, fmt.Errorf("it holds %d images but %d labels", s.n, len(s.labels))
	}
	return fit(ctx, NewMemory(name, digits, s.height, s.width, s.pixels, s.labels), o)
}

// readImages reads X. MATLAB keeps the first dimension together: within an
// image, the columns of the red, then the green, then the blue plane.
func (s *svhn) readImages(ctx context.Context, a matArray, o Options) error {
	if len(a.dims) == 3 {
		a.dims = append(a.dims, 1) // MATLAB drops a last dimension of one
	}
	if a.class != matClassUint8 || matValueBytes[a.storage] != 1 || len(a.dims) != 4 || a.dims[2] != 3 || a.count == 0 {
		return fmt.Errorf("it is of class %d and dimensions %v; uint8 of height x width x 3 x n was expected", a.class, a.dims)
	}
	h, w, n := int(a.dims[0]), int(a.dims[1]), int(a.dims[3])
	if err := o.checkTotal(n, h, w); err != nil {
		return err
	}
	s.height, s.width, s.n = h, w, n
	s.pixels = make([]uint8, a.count)
	image := make([]uint8, 3*h*w)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := io.ReadFull(a.values, image); err != nil {
			return fmt.Errorf("image %d: %w", i, noEOF(err))
		}
		transpose(s.pixels[3*h*w*i:], image, h, w)
		if o.Progress != nil {
			o.Progress(i+1, n)
		}
	}
	return nil
}

// transpose turns a column-major h x w x 3 array into HWC order.
func transpose(dst, src []uint8, h, w int) {
	for c := range 3 {
		for x := range w {
			column := src[(c*w+x)*h:][:h]
			for y, v := range column {
				dst[3*(y*w+x)+c] = v
			}
		}
	}
}

func (s *svhn) readLabels(a matArray) error {
	if a.count > maxListBytes {
		return fmt.Errorf("it has %d labels, more than the %d that are read", a.count, maxListBytes)
	}
	data := make([]byte, a.count*matValueBytes[a.storage])
	if _, err := io.ReadFull(a.values, data); err != nil {
		return noEOF(err)
	}
	s.labels = make([]int, a.count)
	for i := range s.labels {
		v, ok := a.number(data, i)
		if !ok || v < 0 || v > 10 || v != math.Trunc(v) {
			return fmt.Errorf("label %d is %v; whole numbers from 1 to 10 (the digit 0) were expected", i, v)
		}
		s.labels[i] = int(v) % 10
	}
	return nil
}

// number is value i of data. Types that no label comes in are refused.
func (a matArray) number(data []byte, i int) (v float64, ok bool) {
	n := int(matValueBytes[a.storage])
	b := data[i*n:][:n]
	switch a.storage {
	case 1:
		return float64(int8(b[0])), true
	case 2:
		return float64(b[0]), true
	case 3:
		return float64(int16(a.order.Uint16(b))), true
	case 4:
		return float64(a.order.Uint16(b)), true
	case 5:
		return float64(int32(a.order.Uint32(b))), true
	case 6:
		return float64(a.order.Uint32(b)), true
	case 7:
		return float64(math.Float32frombits(a.order.Uint32(b))), true
	case 9:
		return math.Float64frombits(a.order.Uint64(b)), true
	}
	return 0, false
}

// svhnFile picks the file of a split among the files of a folder.
func svhnFile(entries []entry, train bool) (string, bool) {
	names := []string{"test_32x32.mat", "train_32x32.mat"}
	if train {
		slices.Reverse(names)
	}
	for _, name := range names {
		for _, e := range entries {
			if !e.dir && path.Base(e.path) == name {
				return e.path, true
			}
		}
	}
	return "", false
}
