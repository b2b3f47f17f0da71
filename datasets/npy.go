package datasets

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

const (
	npyMagic     = "\x93NUMPY"
	npyMaxHeader = 1 << 16
	// tinyImages is the file of 80 Million Tiny Images: nothing but images of
	// 32x32, each in MATLAB's order.
	tinyImages = "tiny_images.bin"
)

// The entries of the Python dictionary that heads an .npy file.
var (
	npyDescr   = regexp.MustCompile(`'descr'\s*:\s*'([^']*)'`)
	npyFortran = regexp.MustCompile(`'fortran_order'\s*:\s*(True|False)`)
	npyShape   = regexp.MustCompile(`'shape'\s*:\s*\(([0-9,\sL]*)\)`)
)

// npyHeader is what an .npy file says of its array.
type npyHeader struct {
	dtype   string
	fortran bool
	shape   []int
	size    int64 // of the header: where the array begins
}

// readNpyHeader reads the header of NumPy's format, versions 1 to 3.
func readNpyHeader(r io.Reader) (npyHeader, error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:10]); err != nil {
		return npyHeader{}, explainCut(noEOF(err))
	}
	h := npyHeader{size: 10}
	n := int64(binary.LittleEndian.Uint16(head[8:]))
	switch version := head[6]; {
	case string(head[:6]) != npyMagic:
		return h, errors.New("it is no .npy file")
	case version == 2 || version == 3:
		if _, err := io.ReadFull(r, head[10:]); err != nil {
			return h, explainCut(noEOF(err))
		}
		h.size, n = 12, int64(binary.LittleEndian.Uint32(head[8:]))
	case version != 1:
		return h, fmt.Errorf("version %d of the .npy format is not known: save the array again with numpy.save", version)
	}
	if n > npyMaxHeader {
		return h, fmt.Errorf("its header has %d bytes: it is corrupt, get it again", n)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return h, explainCut(noEOF(err))
	}
	h.size += n
	return h, h.parse(string(text))
}

func (h *npyHeader) parse(text string) error {
	descr, fortran, shape := npyDescr.FindStringSubmatch(text), npyFortran.FindStringSubmatch(text), npyShape.FindStringSubmatch(text)
	if descr == nil || fortran == nil || shape == nil {
		return errors.New("its header does not tell type, order and shape of an array: it is corrupt or not a plain array")
	}
	h.dtype, h.fortran = descr[1], fortran[1] == "True"
	for _, side := range strings.FieldsFunc(shape[1], func(r rune) bool { return strings.ContainsRune(", \tL", r) }) {
		n, err := strconv.Atoi(side)
		if err != nil || len(h.shape) == 8 {
			return fmt.Errorf("its shape (%.60s) makes no sense", shape[1])
		}
		h.shape = append(h.shape, n)
	}
	return nil
}

// openNpy opens an array of images, uint8 [n, height, width, 3], such as 300K
// random images. The images stay in the file.
func openNpy(ctx context.Context, name, file string, o Options) (Set, error) {
	return openRecords(ctx, name, file, o, func(f *os.File) (*records, error) {
		h, err := readNpyHeader(f)
		if err != nil {
			return nil, err
		}
		const side = 1 << 15
		s := h.shape
		if (h.dtype != "|u1" && h.dtype != "u1") || h.fortran || len(s) != 4 || s[3] != 3 || s[1] > side || s[2] > side || int64(s[0]) > 1<<40 {
			return nil, fmt.Errorf("it is an array of type %.20q, shape %v, Fortran order %v; images are uint8, n x height x width x 3 in C order", h.dtype, s, h.fortran)
		}
		if s[1] < 1 || s[2] < 1 || int64(s[0]) > (1<<62)/(3*int64(s[1])*int64(s[2])) {
			return nil, fmt.Errorf("its shape %v makes no sense: the file is corrupt, get it again", s)
		}
		return &records{start: h.size, n: s[0], height: s[1], width: s[2]}, nil
	})
}

// openTinyImages opens the file of 80 Million Tiny Images (or a first part of it).
func openTinyImages(ctx context.Context, name, file string, o Options) (Set, error) {
	return openRecords(ctx, name, file, o, func(f *os.File) (*records, error) {
		info, err := f.Stat()
		if err != nil {
			return nil, err
		}
		r := &records{height: cifarSide, width: cifarSide, columns: true}
		if info.Size()%r.imageBytes() != 0 {
			return nil, fmt.Errorf("its %d bytes are not a whole number of images of %d: it was cut off, or is another file than %s", info.Size(), r.imageBytes(), tinyImages)
		}
		r.n = int(info.Size() / r.imageBytes())
		return r, nil
	})
}

func openRecords(ctx context.Context, name, file string, o Options, describe func(*os.File) (*records, error)) (Set, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	r, err := describe(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	s, err := newRecords(ctx, name, f, r, o)
	if err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

func isTinyImages(file string) bool { return filepath.Base(file) == tinyImages }
