package fetch

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Verify reads a file that is there and compares it with the published digest,
// or with the one that was recorded at its download. The network is not used.
func (f *Fetcher) Verify(ctx context.Context, s Source) (Result, error) {
	if err := checkName(s.File); err != nil {
		return Result{}, err
	}
	if _, err := os.Stat(f.path(s)); err != nil {
		return Result{}, &MissingError{Source: s, Path: f.path(s)}
	}
	return f.check(ctx, s)
}

// check digests a file that is there and records what it found.
func (f *Fetcher) check(ctx context.Context, s Source) (Result, error) {
	file, err := os.Open(f.path(s))
	if err != nil {
		return Result{}, f.explain(s, err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Result{}, f.explain(s, err)
	}
	sum := newDigests()
	r := record{File: s.File, Bytes: info.Size(), Published: s.Checked(), Modified: info.ModTime()}
	if err := f.readAll(ctx, s, file, sum, info.Size()); err != nil {
		return Result{}, err
	}
	r.MD5, r.SHA256 = sum.sums()
	if s.Checked() && !sum.match(s) {
		return Result{}, fmt.Errorf("%s is not the published file: its %s; remove it and fetch it again", f.path(s), sum.mismatch(s))
	}
	var before record
	if readJSON(f.inside(s.File+".json"), &before) && before.SHA256 != r.SHA256 && !s.Checked() {
		return Result{}, fmt.Errorf("%s has changed: its SHA-256 is %s, and was %s when it was first seen; remove it and fetch it again (or remove %s to accept it)",
			f.path(s), r.SHA256, before.SHA256, f.inside(s.File+".json"))
	}
	if !s.Checked() {
		if err := checkFormat(s.File, f.path(s)); err != nil {
			return Result{}, fmt.Errorf("%s: %w; remove it and fetch it again", f.path(s), err)
		}
	}
	// Without the record the file is only read again next time: a folder that
	// cannot be written to can still be verified.
	if err := os.MkdirAll(f.inside(""), 0o777); err == nil {
		_ = writeJSON(f.inside(s.File+".json"), r)
	}
	return r.result(f.path(s)), nil
}

func (f *Fetcher) readAll(ctx context.Context, s Source, r io.Reader, to io.Writer, total int64) error {
	done := int64(0)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(to, r, 8<<20)
		if done += n; f.Progress != nil && n > 0 {
			f.Progress(s.File, done, total)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s cannot be read: %w", f.path(s), err)
		}
	}
}

// magicBytes is how much of a file shows its format.
const magicBytes = 16

// magics are how files begin, by the end of their names.
var magics = map[string]string{
	".tar.gz": "\x1f\x8b", ".tgz": "\x1f\x8b", ".tar.zst": "\x28\xb5\x2f\xfd", ".npy": "\x93NUMPY", ".mat": "MATLAB 5.0",
}

// checkMagic notices a web page, or a file of another format, by its first bytes.
func checkMagic(name string, head []byte) error {
	if start := bytes.ToLower(bytes.TrimLeft(head[:min(len(head), 64)], " \t\r\n\ufeff")); bytes.HasPrefix(start, []byte("<!doctype")) ||
		bytes.HasPrefix(start, []byte("<html")) || bytes.HasPrefix(start, []byte("<?xml")) {
		return &refused{"it gives a web page, not the file"}
	}
	for end, magic := range magics {
		if strings.HasSuffix(name, end) && !bytes.HasPrefix(head, []byte(magic)) {
			return &refused{fmt.Sprintf("what it gives is no %s file", end)}
		}
	}
	return nil
}

// checkFormat reads a file without a published digest as far as its format can
// tell whether it is whole: archives to their ends, with the checksums of gzip.
func checkFormat(name, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return &localError{err}
	}
	defer file.Close()
	buffered := bufio.NewReaderSize(file, 1<<20)
	head, err := buffered.Peek(512)
	if err != nil && err != io.EOF {
		return &localError{err}
	}
	if len(head) == 0 {
		return &refused{"it gave an empty file"}
	}
	if err := checkMagic(name, head); err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(name, ".tar.gz"), strings.HasSuffix(name, ".tgz"):
		z, err := gzip.NewReader(buffered)
		if err == nil {
			err = walk(z)
		}
		if err != nil {
			return &refused{fmt.Sprintf("what it gave is damaged or cut off: %v", err)}
		}
	case strings.HasSuffix(name, ".tar"):
		if err := walk(buffered); err != nil {
			return &refused{fmt.Sprintf("what it gave is damaged or cut off: %v", err)}
		}
	}
	return nil
}

// walk reads an archive and what follows its last file.
func walk(r io.Reader) error {
	end := &tail{r: r}
	t := tar.NewReader(end)
	files := 0
	for {
		_, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		files++
	}
	if _, err := io.Copy(io.Discard, end); err != nil {
		return err
	}
	if files == 0 || end.zeros < 1024 {
		return errors.New("the archive has no end")
	}
	return nil
}

// tail counts the zero bytes at the end of what was read.
type tail struct {
	r     io.Reader
	zeros int64
}

func (t *tail) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if last := len(bytes.TrimRight(p[:n], "\x00")); last > 0 {
		t.zeros = int64(n - last)
	} else {
		t.zeros += int64(n)
	}
	return n, err
}
