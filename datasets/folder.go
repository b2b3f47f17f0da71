package datasets

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// entry is a file or a folder of a tree; path is relative and uses slashes.
type entry struct {
	path string
	dir  bool
	size int64
}

// opener gives the content of one file. It may be called from any goroutine.
type opener func() ([]byte, error)

// emitFunc takes the file that was asked for as number i.
type emitFunc func(i int, open opener) error

// tree is a folder of files, on disk or packed.
type tree interface {
	// where names the tree in errors.
	where() string
	// list gives all files and folders but the hidden ones.
	list(ctx context.Context) ([]entry, error)
	// read hands the wanted files, a number for each path, to emit, always in
	// the same order, until emit gives errStop. An opener refuses a file of
	// more than limit bytes.
	read(ctx context.Context, want map[string]int, limit int64, emit emitFunc) error
}

// dirTree is a folder on disk. Symbolic links are followed.
type dirTree struct{ root string }

// maxDepth ends the walk of folders that contain themselves through a link.
const maxDepth = 32

func (t dirTree) where() string { return t.root }

func (t dirTree) list(ctx context.Context) ([]entry, error) {
	return t.listBelow(ctx, nil, "", 0)
}

func (t dirTree) listBelow(ctx context.Context, entries []entry, dir string, depth int) ([]entry, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("%s is more than %d folders deep: does a link point to a folder above it?", dir, maxDepth)
	}
	files, err := os.ReadDir(filepath.Join(t.root, filepath.FromSlash(dir)))
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if hidden(f.Name()) {
			continue
		}
		name := path.Join(dir, f.Name())
		info, err := os.Stat(filepath.Join(t.root, filepath.FromSlash(name)))
		if err != nil {
			return nil, err
		}
		switch {
		case info.IsDir():
			entries = append(entries, entry{path: name, dir: true})
			if entries, err = t.listBelow(ctx, entries, name, depth+1); err != nil {
				return nil, err
			}
		case info.Mode().IsRegular():
			entries = append(entries, entry{path: name, size: info.Size()})
		}
	}
	return entries, nil
}

func (t dirTree) read(ctx context.Context, want map[string]int, limit int64, emit emitFunc) error {
	return readEach(ctx, want, emit, func(name string) ([]byte, error) { return t.readOne(name, limit) })
}

// readEach reads files that can be had in any order, in that of their numbers.
func readEach(ctx context.Context, want map[string]int, emit emitFunc, read func(name string) ([]byte, error)) error {
	order := make([]string, len(want))
	for name, i := range want {
		order[i] = name
	}
	for i, name := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := emit(i, func() ([]byte, error) { return read(name) })
		if err == errStop {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t dirTree) readOne(name string, limit int64) ([]byte, error) {
	return readFile(filepath.Join(t.root, filepath.FromSlash(name)), limit)
}

func readFile(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, tooLong(info.Size(), limit)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, explainCut(err)
	}
	return data, nil
}

// subTree is the part of a tree below one of its folders.
type subTree struct {
	tree
	sub string
}

func (t subTree) where() string { return t.tree.where() + "#" + t.sub }

func (t subTree) list(ctx context.Context) ([]entry, error) {
	all, err := t.tree.list(ctx)
	if err != nil {
		return nil, err
	}
	var below []entry
	for _, e := range all {
		if rest, ok := strings.CutPrefix(e.path, t.sub+"/"); ok {
			below = append(below, entry{rest, e.dir, e.size})
		}
	}
	if len(below) == 0 {
		return nil, fmt.Errorf("there is no folder %s in it; at the top it has %s", t.sub, topNames(all))
	}
	return below, nil
}

func (t subTree) read(ctx context.Context, want map[string]int, limit int64, emit emitFunc) error {
	full := make(map[string]int, len(want))
	for name, i := range want {
		full[t.sub+"/"+name] = i
	}
	return t.tree.read(ctx, full, limit, emit)
}

// topNames lists what lies at the top of a tree, for errors.
func topNames(entries []entry) string {
	const most = 8
	var names []string
	seen := map[string]bool{}
	for _, e := range entries {
		top, rest, _ := strings.Cut(e.path, "/")
		if seen[top] {
			continue
		}
		seen[top] = true
		if len(names) == most {
			names = append(names, "...")
			break
		}
		if e.dir || rest != "" {
			top += "/"
		}
		names = append(names, top)
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
