package datasets

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// indexedTar is a tar archive that is not compressed, whose files are read from
// where they lie in it. Archives inside it (ILSVRC2012_img_train.tar holds one
// for each class) are folders.
type indexedTar struct {
	file    *os.File
	entries []entry
	at      map[string]extent
	names   int // bytes of all paths
}

// extent is where the content of a file lies.
type extent struct{ start, size int64 }

// indexTar reads the headers of an archive.
func indexTar(ctx context.Context, file string) (tree, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		t := &indexedTar{file: f, at: map[string]extent{}}
		if err = t.index(ctx, "", 0, info.Size()); err == nil {
			return t, nil
		}
	}
	f.Close()
	return nil, err
}

// index reads the archive of size bytes that begins at start; inside is its
// folder, or empty for the archive itself.
func (t *indexedTar) index(ctx context.Context, inside string, start, size int64) error {
	section := io.NewSectionReader(t.file, start, size)
	r := tar.NewReader(section)
	end := int64(0) // of the last file, with its padding
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if err == io.EOF {
			if size-end < tarEndBytes {
				return explainCut(io.ErrUnexpectedEOF)
			}
			return nil
		}
		if errors.Is(err, tar.ErrHeader) {
			return fmt.Errorf("it cannot be read picture by picture: %w (is it compressed? then unpack it)", err)
		}
		if err != nil {
			return explainCut(noEOF(err))
		}
		at, err := section.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		if h.Size < 0 || h.Size > size-at {
			return explainCut(io.ErrUnexpectedEOF)
		}
		end = at + (h.Size+511)&^511
		if err := t.add(ctx, h, inside, start+at); err != nil {
			return err
		}
	}
}

func (t *indexedTar) add(ctx context.Context, h *tar.Header, inside string, at int64) error {
	name, ok := cleanName(inside + "/" + h.Name)
	if !ok || hidden(name) {
		return nil
	}
	if len(name) > maxNameBytes || strings.Count(name, "/") > maxDepth {
		return fmt.Errorf("the path %.40s... has %d bytes and is %d folders deep", name, len(name), strings.Count(name, "/"))
	}
	if t.names += len(name); len(t.entries) >= maxEntries || t.names > maxNamesBytes {
		return fmt.Errorf("it holds more than %d files, or %d bytes of paths", maxEntries, maxNamesBytes)
	}
	switch h.Typeflag {
	case tar.TypeDir:
		t.entries = append(t.entries, entry{path: name, dir: true})
	case tar.TypeReg:
		if inner, ok := strings.CutSuffix(name, ".tar"); ok && inside == "" {
			if err := t.index(ctx, inner, at, h.Size); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		}
		t.entries = append(t.entries, entry{path: name, size: h.Size})
		t.at[name] = extent{at, h.Size}
	case tar.TypeLink, tar.TypeSymlink, tar.TypeGNUSparse:
		if IsImageName(name) {
			return fmt.Errorf("%s is a link or has holes: pack the archive again with tar --dereference --hard-dereference", name)
		}
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("%s has holes: pack the archive again without --sparse", name)
		}
	}
	return nil
}

func (t *indexedTar) where() string { return t.file.Name() }

func (t *indexedTar) Close() error { return t.file.Close() }

func (t *indexedTar) list(context.Context) ([]entry, error) { return t.entries, nil }

func (t *indexedTar) read(ctx context.Context, want map[string]int, limit int64, emit emitFunc) error {
	return readEach(ctx, want, emit, func(name string) ([]byte, error) { return t.readOne(name, limit) })
}

func (t *indexedTar) readOne(name string, limit int64) ([]byte, error) {
	x, ok := t.at[name]
	if !ok {
		return nil, os.ErrNotExist
	}
	if x.size > limit {
		return nil, tooLong(x.size, limit)
	}
	data := make([]byte, x.size)
	if _, err := t.file.ReadAt(data, x.start); err != nil && len(data) > 0 {
		return nil, explainCut(noEOF(err))
	}
	return data, nil
}
