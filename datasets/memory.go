package datasets

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
)

// Memory is a Set held in memory, one byte a sample.
type Memory struct {
	name          string
	classes       []string
	height, width int
	pixels        []uint8
	labels        []int
	digest        digestCache
}

// NewMemory makes a set of len(pixels)/(h*w*3) images of h rows and w columns,
// RGB in HWC order. classes may be nil; labels may be nil, and every image is
// then unlabelled (-1). The set keeps all slices: do not change them afterwards.
// It panics with a *MisuseError when the sizes do not fit together or a label
// is neither -1 nor an index of classes (any label from -1 up where classes is
// empty).
func NewMemory(name string, classes []string, h, w int, pixels []uint8, labels []int) *Memory {
	misuse := func(format string, args ...any) {
		panic(&MisuseError{Op: "NewMemory", Detail: fmt.Sprintf(format, args...)})
	}
	if h < 1 || w < 1 {
		misuse("images of %dx%d pixels; both must be at least 1", h, w)
	}
	if len(pixels)%(3*h*w) != 0 {
		misuse("%d bytes of pixels are not a whole number of images of %dx%dx3 bytes", len(pixels), h, w)
	}
	n := len(pixels) / (3 * h * w)
	if labels == nil {
		labels = make([]int, n)
		for i := range labels {
			labels[i] = -1
		}
	}
	if len(labels) != n {
		misuse("%d labels for %d images", len(labels), n)
	}
	for i, l := range labels {
		if l < -1 || len(classes) > 0 && l >= len(classes) {
			misuse("label %d of image %d is not -1 or one of %d classes", l, i, len(classes))
		}
	}
	return &Memory{name: name, classes: classes, height: h, width: w, pixels: pixels, labels: labels}
}

// Name is the key of the set in results.
func (m *Memory) Name() string { return m.name }

// Len is the number of images.
func (m *Memory) Len() int { return len(m.labels) }

// Size is the height and the width of every image, in pixels.
func (m *Memory) Size() (height, width int) { return m.height, m.width }

// Classes are the names of the labels.
func (m *Memory) Classes() []string { return m.classes }

// Read copies image i into dst, which must hold at least height*width*3 bytes,
// and returns its label. The error is always nil.
func (m *Memory) Read(i int, dst []uint8) (label int, err error) {
	n := 3 * m.height * m.width
	if i < 0 || i >= len(m.labels) || len(dst) < n {
		panic(&MisuseError{Op: "Read", Detail: fmt.Sprintf("image %d of %d into %d bytes; an image has %d", i, len(m.labels), len(dst), n)})
	}
	copy(dst, m.pixels[i*n:(i+1)*n])
	return m.labels[i], nil
}

// Label is the label of image i, without reading it. The error is always nil.
func (m *Memory) Label(i int) (int, error) { return m.labels[i], nil }

// Digest is the SHA-256 of height, width, and of every image with its label;
// it is computed once.
func (m *Memory) Digest() (string, error) { return m.digest.of(m) }

// digestCache remembers the digest of one set.
type digestCache struct {
	once sync.Once
	hex  string
	err  error
}

func (c *digestCache) of(s Set) (string, error) {
	c.once.Do(func() { c.hex, c.err = digestOf(s) })
	return c.hex, c.err
}

// digestOf hashes height and width (uint32, little endian), then of each image
// its bytes and its label (int32, little endian).
func digestOf(s Set) (string, error) {
	h, w := s.Size()
	sum := sha256.New()
	var word [8]byte
	binary.LittleEndian.PutUint32(word[:4], uint32(h))
	binary.LittleEndian.PutUint32(word[4:], uint32(w))
	sum.Write(word[:])
	buf := make([]uint8, 3*h*w+4)
	for i := range s.Len() {
		label, err := s.Read(i, buf[:3*h*w])
		if err != nil {
			return "", fmt.Errorf("digest of %s: image %d: %w", s.Name(), i, err)
		}
		binary.LittleEndian.PutUint32(buf[3*h*w:], uint32(int32(label)))
		sum.Write(buf)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
