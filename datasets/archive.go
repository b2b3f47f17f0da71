package datasets

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Bounds on what an archive may make a reader do, whatever its headers claim.
const (
	zstdWindow     = 1 << 27  // the window of zstd --long=27
	maxEntries     = 1 << 22  // files and folders of one archive
	maxNameBytes   = 1 << 12  // the path of one of them
	maxNamesBytes  = 1 << 28  // all their paths together
	maxExpansion   = 1000     // unpacked bytes per packed byte, beyond the slack
	expansionSlack = 64 << 20 // unpacked bytes that are always allowed
	tarEndBytes    = 1024     // zero bytes that mark the end of a tar archive
)

var (
	gzipMagic = "\x1f\x8b"
	zstdMagic = "\x28\xb5\x2f\xfd"
)

// isArchive tells by the first 512 bytes whether a file is a tar archive,
// plain or compressed by gzip or zstd.
func isArchive(head []byte) bool {
	s := string(head)
	return strings.HasPrefix(s, gzipMagic) || strings.HasPrefix(s, zstdMagic) ||
		len(s) >= 262 && s[257:262] == "ustar"
}

// tarTree is a tar archive seen as a tree of files. Archives are streams, so
// every call unpacks the file from its start.
type tarTree struct{ file string }

// compressed looks at the first bytes.
func (t tarTree) compressed() (bool, error) {
	head, err := firstBytes(t.file, len(zstdMagic))
	s := string(head)
	return strings.HasPrefix(s, gzipMagic) || strings.HasPrefix(s, zstdMagic), err
}

func (t tarTree) where() string { return t.file }

func (t tarTree) list(ctx context.Context) ([]entry, error) {
	var entries []entry
	names := 0
	err := t.walk(ctx, func(h *tar.Header, r io.Reader) error {
		name, ok := cleanName(h.Name)
		if !ok || hidden(name) {
			return nil
		}
		if len(name) > maxNameBytes || strings.Count(name, "/") > maxDepth {
			return fmt.Errorf("the path %.40s... has %d bytes and is %d folders deep; %d and %d are read",
				name, len(name), strings.Count(name, "/"), maxNameBytes, maxDepth)
		}
		names += len(name)
		switch h.Typeflag {
		case tar.TypeReg:
			entries = append(entries, entry{path: name, size: h.Size})
		case tar.TypeDir:
			entries = append(entries, entry{path: name, dir: true})
		case tar.TypeLink, tar.TypeSymlink:
			if IsImageName(name) {
				return fmt.Errorf("%s is a link, which holds no picture: pack the archive again with tar --dereference --hard-dereference", name)
			}
		}
		if len(entries) > maxEntries || names > maxNamesBytes {
			return fmt.Errorf("it holds more than %d files, or %d bytes of paths", maxEntries, maxNamesBytes)
		}
		return nil
	})
	return entries, err
}

func (t tarTree) read(ctx context.Context, want map[string]int, limit int64, emit emitFunc) error {
	left := maps.Clone(want)
	if len(left) == 0 {
		return nil
	}
	err := t.walk(ctx, func(h *tar.Header, r io.Reader) error {
		name, _ := cleanName(h.Name)
		i, ok := left[name]
		if !ok || h.Typeflag != tar.TypeReg {
			return nil
		}
		delete(left, name)
		var data []byte
		var tooBig, err error
		if h.Size > limit {
			tooBig = tooLong(h.Size, limit)
		} else if data, err = readAtMost(r, limit); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		err = emit(i, func() ([]byte, error) { return data, tooBig })
		if err == errStop {
			clear(left)
		} else if err == nil && len(left) == 0 {
			err = errStop
		}
		return err
	})
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("the archive changed while it was read: %d of %d files are gone", len(left), len(want))
	}
	return err
}

// errStop, from a visitor or from emit, ends reading early without an error.
var errStop = errors.New("stop")

// walk calls visit for each entry. A walk to the end also reads what follows
// the last entry, so that a cut or corrupt file is noticed.
func (t tarTree) walk(ctx context.Context, visit func(*tar.Header, io.Reader) error) error {
	f, err := os.Open(t.file)
	if err != nil {
		return err
	}
	defer f.Close()
	r, closer, err := unpack(ctx, f)
	if err != nil {
		return err
	}
	defer closer()
	return walkTar(r, visit)
}

func walkTar(r *guardedReader, visit func(*tar.Header, io.Reader) error) error {
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if err == io.EOF {
			if _, err = io.Copy(io.Discard, r); err == nil && r.zeros < tarEndBytes {
				err = io.ErrUnexpectedEOF
			}
			return explainCut(err)
		}
		if err != nil {
			return explainCut(err)
		}
		if err := visit(h, tr); err == errStop {
			return nil
		} else if err != nil {
			return explainCut(err)
		}
	}
}

// explainCut says what an early end of data means.
func explainCut(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it ends too early: the file was cut off, get it again: %w", err)
	}
	return err
}

// unpack undoes the compression, found by looking at the first bytes.
func unpack(ctx context.Context, f io.Reader) (r *guardedReader, closer func(), err error) {
	packed := &countingReader{r: f}
	buffered := bufio.NewReaderSize(packed, 1<<18)
	head, err := buffered.Peek(4)
	if err != nil && err != io.EOF {
		return nil, nil, err
	}
	g := &guardedReader{ctx: ctx, packed: packed}
	switch {
	case strings.HasPrefix(string(head), gzipMagic):
		z, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, nil, explainCut(err)
		}
		g.r = z
		return g, func() { z.Close() }, nil
	case strings.HasPrefix(string(head), zstdMagic):
		z, err := zstd.NewReader(buffered, zstd.WithDecoderMaxWindow(zstdWindow),
			zstd.WithDecoderLowmem(true), zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			return nil, nil, err
		}
		g.r = z
		return g, z.Close, nil
	default:
		g.r = buffered
		return g, func() {}, nil
	}
}

// countingReader may be read by one goroutine and asked by another.
type countingReader struct {
	r io.Reader
	n atomic.Int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// guardedReader stops when the context ends or when the data expand as no
// honest set of pictures does.
type guardedReader struct {
	ctx    context.Context
	r      io.Reader
	packed *countingReader
	n      int64
	zeros  int64 // at the end of what was read
}

func (g *guardedReader) Read(p []byte) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := g.r.Read(p)
	g.n += int64(n)
	if tail := len(bytes.TrimRight(p[:n], "\x00")); tail > 0 {
		g.zeros = int64(n - tail)
	} else {
		g.zeros += int64(n)
	}
	if g.n > expansionSlack && (g.n-expansionSlack)/maxExpansion > g.packed.n.Load() {
		return n, fmt.Errorf("it unpacks to more than %d times its size, which no set of pictures does", maxExpansion)
	}
	return n, err
}

// cleanName makes an archive's name relative and free of "." and "..".
func cleanName(name string) (string, bool) {
	name = path.Clean("/" + name)[1:]
	return name, name != ""
}

// hidden tells files that are not part of a set: dot files (such as the ._
// files that macOS adds) and the __MACOSX folder.
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") || part == "__MACOSX" {
			return true
		}
	}
	return false
}

// readAtMost reads r to its end, which must come within limit bytes.
func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, explainCut(err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("the file is longer than the %d bytes that are read", limit)
	}
	return data, nil
}

func tooLong(size, limit int64) error {
	return fmt.Errorf("the file has %d bytes, more than the %d that are read", size, limit)
}
