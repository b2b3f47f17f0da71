package datasets

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// maxNamesList bounds a file that lists images; ImageNet's of 1.3 million has
// 45 MB.
const maxNamesList = 128 << 20

// readLists reads the files that a choice names: a split out of the set, the
// others from where they are found.
func (l location) readLists(ctx context.Context, t tree, entries []entry) (lists, error) {
	var out lists
	var err error
	c := l.choice
	if c.split != "" {
		if out.list, err = readSplit(ctx, t, entries, c.split); err != nil {
			return out, err
		}
	}
	if c.list != "" {
		if c.split != "" {
			return out, errors.New("#split and #list cannot both say which images are wanted")
		}
		if out.list, err = l.readList(c.list); err != nil {
			return out, err
		}
	}
	if c.exclude != "" {
		out.exclude, err = l.readList(c.exclude)
	}
	return out, err
}

// readList reads a file that is named by its path, or lies beside the set or in
// a data folder.
func (l location) readList(file string) ([]string, error) {
	name, tried := l.find(file)
	if name == "" {
		return nil, fmt.Errorf("the list %s is needed and is in none of: %s", file, strings.Join(tried, ", "))
	}
	data, err := readFile(name, maxNamesList)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, cause(err))
	}
	lines, err := splitLines(data)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", name, err)
	}
	return lines, nil
}

// find looks for a file; name is "" when it is in none of the places tried.
func (l location) find(file string) (name string, tried []string) {
	tried = []string{file, filepath.Join(filepath.Dir(l.file), file), filepath.Join(l.file, file)}
	for _, root := range l.roots {
		tried = append(tried, filepath.Join(root, file))
	}
	for _, name := range tried {
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			return name, tried
		}
	}
	return "", tried
}

// readSplit reads labels/NAME.txt, as the set has it (DTD: train1, val1, test1
// to test10).
func readSplit(ctx context.Context, t tree, entries []entry, name string) ([]string, error) {
	if t == nil {
		return nil, errors.New("#split is for folders and archives with lists in their folder labels")
	}
	want := path.Join("labels", name+".txt")
	for _, e := range entries {
		if !e.dir && (e.path == want || strings.HasSuffix(e.path, "/"+want)) {
			parts, err := readParts(ctx, t, map[string]int{e.path: 0}, maxNamesList)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", e.path, err)
			}
			return splitLines(parts[0])
		}
	}
	return nil, fmt.Errorf("there is no list %s in it", want)
}

// splitLines gives the lines that are not empty.
func splitLines(data []byte) ([]string, error) {
	lines := []string{}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		return nil, errors.New("it is empty")
	}
	return lines, nil
}

// lastParts gives the last n parts of a path.
func lastParts(name string, n int) string {
	at := len(name)
	for ; n > 0 && at >= 0; n-- {
		at = strings.LastIndexByte(name[:at], '/')
	}
	return name[at+1:]
}

func trimExtension(name string) string {
	if IsImageName(name) {
		return strings.TrimSuffix(name, path.Ext(name))
	}
	return name
}
