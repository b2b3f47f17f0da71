package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"sync"
)

// records is a Set of unlabelled images of one size that stay in their file: a
// read is one read of the file, whose pages the system keeps. So the size of the
// set is that of the disk, not that of the memory.
type records struct {
	name          string
	file          *os.File
	start         int64 // of the first image, in bytes
	n             int
	height, width int  // of an image in the file
	columns       bool // in MATLAB's order: see transpose
	transform     Transform
	buffers       sync.Pool // of *[]uint8, an image as it is in the file
	digest        digestCache
}

// wholeDigest is how many bytes of records are read for a digest at most: some
// ten seconds. Of larger sets it is that of sampledRecords images.
const (
	wholeDigest    = 4 << 30
	sampledRecords = 1 << 16
)

// newRecords checks that the file has room for its images.
func newRecords(ctx context.Context, name string, f *os.File, r *records, o Options) (Set, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if need := r.start + int64(r.n)*r.imageBytes(); info.Size() < need {
		return nil, fmt.Errorf("its %d images take %d bytes, but the file has %d: it was cut off, get it again", r.n, need, info.Size())
	}
	if r.n == 0 {
		return nil, errors.New("it holds no image")
	}
	r.name, r.file, r.transform = name, f, o.transform()
	r.buffers.New = func() any { b := make([]uint8, r.imageBytes()); return &b }
	if h, w := r.Size(); h < 1 || w < 1 {
		return nil, fmt.Errorf("images of %dx%d pixels", w, h)
	}
	if o.Progress != nil {
		o.Progress(r.n, r.n)
	}
	return r, ctx.Err()
}

func (r *records) imageBytes() int64 { return 3 * int64(r.height) * int64(r.width) }

func (r *records) Name() string      { return r.name }
func (r *records) Len() int          { return r.n }
func (r *records) Classes() []string { return nil }
func (r *records) Close() error      { return r.file.Close() }

func (r *records) Size() (height, width int) {
	if r.transform.Crop > 0 {
		return r.transform.Crop, r.transform.Crop
	}
	w, h := r.transform.resized(r.width, r.height)
	return h, w
}

// Picture is image i before the transform.
func (r *records) Picture(i int) (Image, int, error) {
	m := newImage(r.width, r.height)
	return m, -1, r.read(i, m.Pix)
}

func (r *records) read(i int, dst []uint8) error {
	in := dst
	if r.columns {
		buffer := r.buffers.Get().(*[]uint8)
		defer r.buffers.Put(buffer)
		in = *buffer
	}
	if _, err := r.file.ReadAt(in, r.start+int64(i)*r.imageBytes()); err != nil {
		return fmt.Errorf("%s: image %d cannot be read: %w", r.file.Name(), i, explainCut(noEOF(cause(err))))
	}
	if r.columns {
		transpose(dst, in, r.height, r.width)
	}
	return nil
}

func (r *records) Read(i int, dst []uint8) (label int, err error) {
	h, w := r.Size()
	if i < 0 || i >= r.n || len(dst) < 3*h*w {
		panic(&MisuseError{Op: "Read", Detail: fmt.Sprintf("image %d of %d into %d bytes; an image has %d", i, r.n, len(dst), 3*h*w)})
	}
	if short := r.transform.Short; h == r.height && w == r.width && (short == 0 || short == min(h, w)) {
		return -1, r.read(i, dst[:3*h*w])
	}
	m, label, err := r.Picture(i)
	if err == nil {
		copy(dst, r.transform.Apply(m).Pix)
	}
	return label, err
}

func (r *records) coarse() bool { return int64(r.n)*r.imageBytes() > wholeDigest }

func (r *records) Digest() (string, error) {
	if !r.coarse() {
		return r.digest.of(r)
	}
	r.digest.once.Do(func() {
		some := make([]int, sampledRecords)
		for i := range some {
			some[i] = i * (r.n / sampledRecords)
		}
		r.digest.hex, r.digest.err = digestOf(&view{base: r, indices: some})
		r.digest.hex = partDigest("sample", r.digest.hex, []int{r.n}, nil)
	})
	return r.digest.hex, r.digest.err
}

// partDigest identifies a part of a set by the digest of that set and the
// indices. It is no digest of the pixels, and begins with the word that says so.
func partDigest(kind, base string, indices, relabel []int) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%s %s %v\n", kind, base, relabel)
	for _, i := range indices {
		fmt.Fprintf(sum, "%d\n", i)
	}
	return kind + ":" + hex.EncodeToString(sum.Sum(nil))
}
