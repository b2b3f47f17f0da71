package checkpoint

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenRunDirectory(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(context.Background(), dir); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), RunFile) {
		t.Errorf("an empty directory gave %v", err)
	}
	if err := Write(filepath.Join(dir, RunFile), sample()); err != nil {
		t.Fatal(err)
	}
	f, err := Open(context.Background(), dir)
	if err != nil || len(f.Tensors) != len(sample().Tensors) {
		t.Fatalf("the run directory gave %v", err)
	}
}

// TestHeaderLikePickle opens a safetensors file whose first byte, the length of
// its header, is that of a pickle.
func TestHeaderLikePickle(t *testing.T) {
	for pad := range 128 {
		f := &File{Metadata: map[string]string{"p": strings.Repeat("x", pad)}}
		b := encode(t, f)
		if b[0] != 0x80 {
			continue
		}
		got, err := Open(context.Background(), write(t, "c", b))
		if err != nil || got.Metadata["p"] != f.Metadata["p"] {
			t.Errorf("a header of 128 bytes gave %v", err)
		}
		return
	}
	t.Fatal("no padding gives a header of 128 bytes")
}

// TestOpenRefuses wants one clear sentence for everything that people take for
// a checkpoint, with the path in it.
func TestOpenRefuses(t *testing.T) {
	var tarred, gzipped, zipped bytes.Buffer
	tw := tar.NewWriter(&tarred)
	if err := errors.Join(tw.WriteHeader(&tar.Header{Name: "sys_info", Size: 0, Mode: 0o600, Format: tar.FormatPAX}), tw.Close()); err != nil {
		t.Fatal(err)
	}
	if err := gzip.NewWriter(&gzipped).Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.NewWriter(&zipped).Close(); err != nil {
		t.Fatal(err)
	}
	random := []byte("neither fish nor fowl, but long enough for a header of some sort")
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":        {nil, "empty"},
		"one byte":     {[]byte{'x'}, "not a checkpoint"},
		"pickle magic": {[]byte{0x80}, "damaged"},
		"text":         {random, "not a checkpoint"},
		"tar":          {tarred.Bytes(), "0.1.10"},
		"gzip":         {gzipped.Bytes(), "unpack"},
		"empty zip":    {zipped.Bytes(), "empty zip"},
		"web page":     {[]byte("\n<!DOCTYPE html><html>"), "web page"},
		"lfs":          {[]byte("version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull"},
		"zip magic":    {[]byte("PK\x03\x04"), "truncated"},
	} {
		path := write(t, "c.pth", c.content)
		_, err1 := Open(context.Background(), path)
		_, err2 := ImportPyTorch(context.Background(), path)
		for _, err := range []error{err1, err2} {
			var fe *FormatError
			if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) || strings.Count(err.Error(), path) != 1 {
				t.Errorf("%s: got %v, want %q", name, err, c.want)
			}
		}
	}
}

func TestOpenNoFile(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "absent")
	for _, open := range []func() (*File, error){
		func() (*File, error) { return Open(ctx, path) },
		func() (*File, error) { return Read(path) },
		func() (*File, error) { return ImportPyTorch(ctx, path) },
	} {
		_, err := open()
		if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), path) != 1 {
			t.Errorf("a missing file gave %v", err)
		}
	}
	dir := t.TempDir()
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("reading a directory gave %v", err)
	}
	if _, err := ImportPyTorch(ctx, dir); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("importing a directory gave %v", err)
	}
	if _, err := Open(ctx, os.DevNull); err == nil || !strings.Contains(err.Error(), "regular") {
		t.Errorf("a device gave %v", err)
	}
	if _, err := ImportPyTorch(ctx, write(t, "c", encode(t, sample()))); err == nil || !strings.Contains(err.Error(), "Open") {
		t.Errorf("importing safetensors gave %v", err)
	}
	if os.Getuid() == 0 {
		return // root may read anything
	}
	secret := write(t, "c", encode(t, sample()))
	if err := os.Chmod(secret, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(ctx, secret); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "right to read") {
		t.Errorf("a file without permission gave %v", err)
	}
}
