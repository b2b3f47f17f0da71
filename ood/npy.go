package ood

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"

	"gradgrad/internal/atomicfile"
)

const npyMagic = "\x93NUMPY"

// WriteNPY writes a one-dimensional array as a NumPy .npy file (format 1.0,
// little-endian float32 or float64), whole or not at all.
func WriteNPY[T float32 | float64](path string, values []T) error {
	return atomicfile.WriteMaking(path, func(w io.Writer) error { return EncodeNPY(w, values) })
}

// ReadNPY reads a one-dimensional float32 or float64 .npy file.
func ReadNPY(path string) ([]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("ood: %w", err)
	}
	defer f.Close()
	values, err := DecodeNPY(bufio.NewReaderSize(f, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("ood: %s: %w", path, err)
	}
	return values, nil
}

// EncodeNPY writes the array to w in the format of [WriteNPY].
func EncodeNPY[T float32 | float64](w io.Writer, values []T) error {
	var zero T
	size := binary.Size(zero)
	header := fmt.Sprintf("{'descr': '<f%d', 'fortran_order': False, 'shape': (%d,), }", size, len(values))
	// magic, version, length and header together fill a multiple of 64 bytes
	pad := 64 - (len(npyMagic)+4+len(header)+1)%64
	header += strings.Repeat(" ", pad%64) + "\n"
	head := append([]byte(npyMagic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(header)))
	if _, err := w.Write(append(head, header...)); err != nil {
		return err
	}
	return binary.Write(w, binary.LittleEndian, values)
}

// DecodeNPY reads a one-dimensional float32 or float64 array (format 1 to 3,
// either byte order) up to the end of r. The header is believed only as far as
// the bytes that follow it, so a false shape costs no memory.
func DecodeNPY(r io.Reader) ([]float64, error) {
	order, size, n, err := npyHeader(r)
	if err != nil {
		return nil, err
	}
	var values []float64
	buf := make([]byte, 1<<13*size)
	for len(values) < n {
		chunk := buf[:min(len(buf), (n-len(values))*size)]
		if _, err := io.ReadFull(r, chunk); err != nil {
			return nil, fmt.Errorf("truncated .npy: its header promises %d values: %w", n, unexpected(err))
		}
		for i := 0; i < len(chunk); i += size {
			if size == 4 {
				values = append(values, float64(math.Float32frombits(order.Uint32(chunk[i:]))))
			} else {
				values = append(values, math.Float64frombits(order.Uint64(chunk[i:])))
			}
		}
	}
	if _, err := io.ReadFull(r, buf[:1]); err == nil {
		return nil, fmt.Errorf("not a sound .npy: more follows the %d values that its header promises", n)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	return values, nil
}

// The header is a Python dict; numpy writes its keys in this alphabetical order.
var npyDict = regexp.MustCompile(`^\{'descr': '([<>])f([48])', 'fortran_order': (?:False|True), 'shape': \((\d+),\), \}\s*$`)

func npyHeader(r io.Reader) (order binary.ByteOrder, size, n int, err error) {
	fixed := make([]byte, 8)
	if _, err := io.ReadFull(r, fixed); err != nil || string(fixed[:6]) != npyMagic {
		return nil, 0, 0, fmt.Errorf("not a .npy file: it does not begin with \\x93NUMPY")
	}
	length := make([]byte, 4)
	if fixed[6] == 1 {
		length = length[:2]
	}
	if fixed[6] < 1 || fixed[6] > 3 {
		return nil, 0, 0, fmt.Errorf(".npy format %d.%d: want 1.0, 2.0 or 3.0", fixed[6], fixed[7])
	}
	if _, err := io.ReadFull(r, length); err != nil {
		return nil, 0, 0, fmt.Errorf("truncated .npy header: %w", unexpected(err))
	}
	hlen := uint64(binary.LittleEndian.Uint16(length))
	if len(length) == 4 {
		hlen = uint64(binary.LittleEndian.Uint32(length))
	}
	if hlen > 1<<16 {
		return nil, 0, 0, fmt.Errorf("a .npy header of %d bytes: want at most 65536", hlen)
	}
	header := make([]byte, hlen)
	if _, err := io.ReadFull(r, header); err != nil {
		return nil, 0, 0, fmt.Errorf("truncated .npy header: %w", unexpected(err))
	}
	m := npyDict.FindSubmatch(header)
	if m == nil {
		return nil, 0, 0, fmt.Errorf("a .npy header %.100q: want a one-dimensional float32 or float64 array", header)
	}
	n, err = strconv.Atoi(string(m[3]))
	size = int(m[2][0] - '0')
	if err != nil || n > math.MaxInt/size {
		return nil, 0, 0, fmt.Errorf("a .npy of %s values is too large", m[3])
	}
	order = binary.LittleEndian
	if m[1][0] == '>' {
		order = binary.BigEndian
	}
	return order, size, n, nil
}

// unexpected makes an end of file inside a value say so.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
