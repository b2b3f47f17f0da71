package fetch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"gradgrad/internal/dirlock"
)

// Fetcher downloads into one data folder. The zero value of every field but Dir
// is right for most.
type Fetcher struct {
	Dir string // is made if it is missing
	// Mirrors are tried before the published addresses, as MIRROR/FILE.
	Mirrors []string
	Client  *http.Client
	// Progress is told how many bytes of how many a file has; total is 0 while
	// nobody knows it.
	Progress func(file string, done, total int64)
	// Log is told what goes wrong on the way, in sentences.
	Log func(format string, args ...any)
	// Stall ends a connection that brings nothing for so long; 0 means a minute.
	Stall time.Duration
	// Retries is how often in a row an address may fail without bringing a byte
	// that was not there; 0 means 6.
	Retries int

	sleep func(ctx context.Context, d time.Duration) error // for tests
}

// Result is a file that is there.
type Result struct {
	Path        string
	Bytes       int64
	MD5, SHA256 string
	// Published tells that the file has the published digest. Otherwise none was
	// published, and the digest is that of the first download.
	Published bool
	// Downloaded is how many bytes came over the network this time.
	Downloaded int64
}

// Get makes a file be there: it does nothing when it is, and otherwise
// downloads what is missing of it. The errors say what to do; one that wraps
// ctx.Err() leaves a part that the next Get goes on from.
func (f *Fetcher) Get(ctx context.Context, s Source) (Result, error) {
	if err := checkName(s.File); err != nil {
		return Result{}, err
	}
	if err := os.MkdirAll(f.inside(""), 0o777); err != nil {
		return Result{}, f.explain(s, err)
	}
	lock, err := dirlock.Take(f.inside(""))
	if err != nil {
		var held *dirlock.HeldError
		if errors.As(err, &held) {
			return Result{}, fmt.Errorf("%s: another download is under way: %w", s.File, err)
		}
		return Result{}, f.explain(s, err)
	}
	defer lock.Release()
	if there, err := f.present(ctx, s); err != nil || there.Path != "" {
		return there, err
	}
	return f.download(ctx, s)
}

// checkName keeps a table from writing elsewhere.
func checkName(file string) error {
	if file == "" || file != filepath.Base(file) || strings.HasPrefix(file, ".") {
		return fmt.Errorf("%q is not the name of a file in a data folder", file)
	}
	return nil
}

// present gives the file if it is there and right. A file that was checked
// before and has not been touched since is not read again.
func (f *Fetcher) present(ctx context.Context, s Source) (Result, error) {
	info, err := os.Stat(f.path(s))
	if errors.Is(err, fs.ErrNotExist) {
		return Result{}, nil
	}
	if err != nil {
		return Result{}, f.explain(s, err)
	}
	if info.IsDir() {
		return Result{}, fmt.Errorf("%s is a folder, where the file %s belongs: move it away", f.path(s), s.File)
	}
	var r record
	known := readJSON(f.inside(s.File+".json"), &r)
	if known && r.Bytes == info.Size() && r.Modified.Equal(info.ModTime()) && r.meets(s) {
		return r.result(f.path(s)), nil
	}
	return f.check(ctx, s)
}

// meets tells that a record is of the file that is published now.
func (r record) meets(s Source) bool {
	return (s.MD5 == "" || s.MD5 == r.MD5) && (s.SHA256 == "" || s.SHA256 == r.SHA256)
}

func (r record) result(path string) Result {
	return Result{Path: path, Bytes: r.Bytes, MD5: r.MD5, SHA256: r.SHA256, Published: r.Published}
}

// download takes the file from the first address that has it.
func (f *Fetcher) download(ctx context.Context, s Source) (Result, error) {
	var urls []string
	for _, m := range f.Mirrors {
		urls = append(urls, strings.TrimSuffix(m, "/")+"/"+s.File)
	}
	if urls = append(urls, s.URLs...); len(urls) == 0 {
		return Result{}, &MissingError{Source: s, Path: f.path(s)}
	}
	p, err := f.openPart(ctx, s)
	if ctx.Err() != nil {
		return Result{}, fmt.Errorf("%s: stopped: %w", s.File, ctx.Err())
	}
	if err != nil {
		return Result{}, f.explain(s, err)
	}
	defer p.file.Close()
	missing := &MissingError{Source: s, Path: f.path(s)}
	if i := slices.Index(urls, p.origin.URL); i > 0 && !s.Checked() {
		urls = append([]string{p.origin.URL}, slices.Delete(urls, i, i+1)...) // no other can go on from there
	}
	d := &download{Fetcher: f, source: s, part: p, best: p.have}
	for _, url := range urls {
		err := d.from(ctx, url)
		if err == nil {
			return f.keep(s, d)
		}
		var local *localError
		if errors.As(err, &local) {
			return Result{}, f.explain(s, local.err)
		}
		if ctx.Err() != nil {
			return Result{}, fmt.Errorf("%s: stopped with %s of it; run again to go on from there: %w", s.File, size(p.have), ctx.Err())
		}
		f.log("%s: %s: %v", s.File, url, err)
		missing.Tried = append(missing.Tried, Failure{url, err})
	}
	return Result{}, missing
}

// keep gives a whole file its name.
func (f *Fetcher) keep(s Source, d *download) (Result, error) {
	err := errors.Join(d.part.file.Sync(), d.part.file.Close())
	if err == nil {
		err = os.Rename(d.part.name, f.path(s))
	}
	if err == nil {
		err = syncDir(f.Dir)
	}
	var info os.FileInfo
	if err == nil {
		info, err = os.Stat(f.path(s))
	}
	if err != nil {
		return Result{}, f.explain(s, err)
	}
	r := record{File: s.File, Bytes: d.part.have, Published: s.Checked(), URL: d.part.origin.URL, Modified: info.ModTime()}
	r.MD5, r.SHA256 = d.part.sums()
	if err := writeJSON(f.inside(s.File+".json"), r); err != nil {
		return Result{}, err
	}
	d.part.remove()
	got := r.result(f.path(s))
	got.Downloaded = d.received
	return got, nil
}

// syncDir makes a rename survive a power failure, where the system can.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

func (f *Fetcher) log(format string, args ...any) {
	if f.Log != nil {
		f.Log(format, args...)
	}
}
