package main

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sync/errgroup"

	"gradgrad/datasets"
)

// picture is a file, read or not.
type picture struct {
	path  string
	image datasets.Image
	err   error
}

// pictures reads what args name, n at a time, the next ones while the caller
// works on these.
func pictures(ctx context.Context, args []string, n int) iter.Seq2[[]picture, error] {
	return func(yield func([]picture, error) bool) {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		next := make(chan []picture)
		var failed error
		go func() {
			defer close(next)
			failed = readAll(ctx, args, n, next)
		}()
		for batch := range next {
			if !yield(batch, nil) {
				return
			}
		}
		if failed == nil {
			failed = ctx.Err()
		}
		if failed != nil {
			yield(nil, failed)
		}
	}
}

// readAll sends batches until everything is read or ctx is done.
func readAll(ctx context.Context, args []string, n int, to chan<- []picture) error {
	var named []picture
	send := func() bool {
		batch := named
		named = nil
		decode(batch)
		select {
		case to <- batch:
			return true
		case <-ctx.Done():
			return false
		}
	}
	for path, err := range files(args) {
		if path == "" {
			return err
		}
		// A path that cannot be looked at is a picture that cannot be read.
		if named = append(named, picture{path: path, err: err}); len(named) == n && !send() {
			return ctx.Err()
		}
	}
	if len(named) > 0 {
		send()
	}
	return ctx.Err()
}

// decode reads the files of a batch on all cores.
func decode(batch []picture) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range batch {
		g.Go(func() error {
			p := &batch[i]
			if p.err != nil {
				return nil
			}
			var data []byte
			if data, p.err = os.ReadFile(p.path); p.err == nil {
				p.image, p.err = datasets.Decode(data)
			} else {
				p.err = reason(p.err)
			}
			return nil
		})
	}
	g.Wait()
}

// files yields the paths of single files, and why one cannot be looked at: folders are
// walked in order, - is a list on standard input. In a folder the files count that
// data sets count as pictures, those of formats that cannot be read too: left out they
// would pass for judged. A file that is named itself is yielded whatever it is called.
// An error without a path ends it.
func files(args []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, arg := range args {
			if arg == "-" {
				lines := bufio.NewScanner(os.Stdin)
				for lines.Scan() {
					if path := strings.TrimSuffix(lines.Text(), "\r"); path != "" && !yield(path, nil) {
						return
					}
				}
				if err := lines.Err(); err != nil {
					yield("", fmt.Errorf("reading the list on standard input: %w", err))
					return
				}
				continue
			}
			err := filepath.WalkDir(followed(arg), func(path string, entry fs.DirEntry, err error) error {
				switch {
				case err != nil && !yield(path, reason(err)):
					return errStopped
				case err != nil:
					return nil // the others may be fine
				case entry.IsDir():
					return nil
				case path != arg && !datasets.IsImageName(filepath.ToSlash(path)):
					return nil
				case !yield(path, nil):
					return errStopped
				}
				return nil
			})
			if err == errStopped {
				return
			}
			if err != nil && !yield(arg, reason(err)) {
				return
			}
		}
	}
}

// followed is a path at which a walk enters a folder that the path is a link to.
func followed(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path + string(filepath.Separator)
	}
	return path
}

var errStopped = fmt.Errorf("stopped")

// reason is the cause in an error of package os, without the path again.
func reason(err error) error {
	if pe, ok := err.(*fs.PathError); ok {
		return pe.Err
	}
	return err
}

// judged are the pictures of a batch that could be read.
type judged struct {
	paths    []string
	pictures []datasets.Image
}

func readable(batch []picture) (j judged) {
	for _, p := range batch {
		if p.err == nil {
			j.paths, j.pictures = append(j.paths, p.path), append(j.pictures, p.image)
		}
	}
	return j
}
