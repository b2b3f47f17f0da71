package checkpoint

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"math"
	"strings"
)

// maxDirectory bounds the directory of a zip file, which is read into memory
// whole and grows several times there.
const maxDirectory = 16 << 20

// limitedReaderAt fails after left bytes have been read.
type limitedReaderAt struct {
	io.ReaderAt
	left int64
}

var errDirectory = errors.New("the zip directory is too large")

func (l *limitedReaderAt) ReadAt(p []byte, off int64) (int, error) {
	if l.left -= int64(len(p)); l.left < 0 {
		return 0, errDirectory
	}
	return l.ReaderAt.ReadAt(p, off)
}

// zipSource reads storages from the members ROOT/data/KEY of a zip file.
type zipSource struct {
	files map[string]*zip.File
	root  string
}

// openZip reads the directory and the pickle of the zip format (PyTorch 1.6 and
// later): ROOT/data.pkl describes the object, ROOT/data/KEY are the storages.
func openZip(ctx context.Context, r io.ReaderAt, size int64) (storageSource, any, error) {
	src := &zipSource{}
	if err := src.open(r, size); err != nil {
		return nil, nil, err
	}
	data, err := src.readMember("data.pkl", maxPickle)
	if err != nil {
		return nil, nil, err
	}
	table := storageTable{}
	top, _, err := loadPickle(ctx, data, func(id any) (any, error) {
		view, _, err := table.parse(id)
		return view, err
	})
	return src, top, err
}

// open reads the directory of the zip file.
func (z *zipSource) open(r io.ReaderAt, size int64) error {
	limited := &limitedReaderAt{ReaderAt: r, left: maxDirectory}
	zr, err := zip.NewReader(limited, size)
	if err != nil {
		return &FormatError{Reason: "the zip directory of this PyTorch file cannot be read; the file is truncated or damaged, copy or download it again", Err: err}
	}
	limited.left = math.MaxInt64
	z.files = make(map[string]*zip.File, len(zr.File))
	for _, f := range zr.File {
		if z.files[f.Name] != nil {
			return badf("the zip file holds %s twice; the file is damaged or hostile", show(f.Name))
		}
		z.files[f.Name] = f
	}
	return z.findRoot()
}

// findRoot finds the directory ROOT that holds data.pkl, and refuses what only
// looks like a checkpoint.
func (z *zipSource) findRoot() error {
	var roots []string
	for name := range z.files {
		if root, ok := strings.CutSuffix(name, "/data.pkl"); ok && !strings.Contains(root, "/") {
			roots = append(roots, root)
		}
	}
	if len(roots) != 1 {
		return badf("this zip file has %d members */data.pkl where a PyTorch file has one: not a checkpoint, or damaged", len(roots))
	}
	z.root = roots[0]
	if z.files[z.root+"/constants.pkl"] != nil {
		return badf("this is a TorchScript program, which is not supported; %s", resave)
	}
	if z.files[z.root+"/byteorder"] == nil {
		return nil
	}
	order, err := z.readMember("byteorder", 16)
	if err == nil && string(order) != "little" {
		err = badf("the file has the byte order %s, and only little is supported; load it on any usual machine and save it again", show(string(order)))
	}
	return err
}

// member returns a member whose sizes are plausible and at most limit.
func (z *zipSource) member(name string, limit int64) (*zip.File, error) {
	f := z.files[z.root+"/"+name]
	switch {
	case f == nil:
		return nil, badf("the zip file lacks its member %s; the file is damaged", show(name))
	case f.UncompressedSize64 > uint64(limit):
		return nil, badf("the member %s claims %d bytes, more than the %d allowed; the file is damaged or hostile", show(name), f.UncompressedSize64, limit)
	case f.Method != zip.Store && f.Method != zip.Deflate:
		return nil, badf("the member %s is compressed with method %d, and only stored and deflated members are supported", show(name), f.Method)
	case f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64:
		return nil, badf("the member %s has two different sizes; the file is damaged or hostile", show(name))
	}
	return f, nil
}

// readMember reads a whole member, verified against its checksum.
func (z *zipSource) readMember(name string, limit int64) ([]byte, error) {
	f, err := z.member(name, limit)
	if err != nil {
		return nil, err
	}
	rc, err := f.Open()
	if err != nil {
		return nil, memberError(name, err)
	}
	defer rc.Close()
	b := make([]byte, f.UncompressedSize64)
	if _, err := io.ReadFull(rc, b); err != nil {
		return nil, memberError(name, err)
	}
	// The checksum is compared where the member should end.
	if n, err := rc.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		return nil, memberError(name, err)
	}
	return b, nil
}

func memberError(name string, err error) error {
	return &FormatError{Reason: "the zip member " + show(name) + " is damaged; copy or download the file again", Err: err}
}

func (z *zipSource) size(s *storage) (int64, error) {
	want := int64(s.numel) * int64(s.dtype.Size())
	f, err := z.member("data/"+s.key, want)
	if err == nil && int64(f.UncompressedSize64) < want {
		err = badf("the storage %s should have %d bytes but its zip member has %d; the file is damaged", show(s.key), want, f.UncompressedSize64)
	}
	return want, err
}

func (z *zipSource) read(s *storage) ([]byte, error) {
	return z.readMember("data/"+s.key, int64(s.numel)*int64(s.dtype.Size()))
}
