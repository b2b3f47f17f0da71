package checkpoint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestWriteReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.safetensors")
	for _, epoch := range []string{"1", "2"} {
		f := sample()
		f.Metadata["epoch"] = epoch
		if err := Write(path, f); err != nil {
			t.Fatal(err)
		}
		got, err := Read(path)
		if err != nil || got.Metadata["epoch"] != epoch {
			t.Fatalf("read epoch %q (%v), want %s", got.Metadata["epoch"], err, epoch)
		}
		onlyFile(t, path)
	}
}

// onlyFile fails when the directory of path holds anything else.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	list, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Name() != filepath.Base(path) {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

// TestWriteFailure fails half-way and wants the old file, no temporary, and a
// sentence that says what to do.
func TestWriteFailure(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{syscall.ENOSPC, "free some space"},
		{io.ErrShortWrite, "unchanged"},
		{badf("two tensors are named x"), "named x"},
	} {
		path := filepath.Join(t.TempDir(), "c.safetensors")
		if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		err := replace(path, func(w io.Writer) error {
			if _, err := w.Write(make([]byte, 3<<20)); err != nil {
				return err
			}
			return c.err
		})
		if (!errors.Is(err, c.err) && !errors.As(err, new(*FormatError))) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v, want %q in it and %v below", err, c.want, c.err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
			t.Errorf("the old file is now %q (%v)", b, err)
		}
		onlyFile(t, path)
	}
}

func TestWriteNowhere(t *testing.T) {
	dir := t.TempDir()
	err := Write(filepath.Join(dir, "absent", "c.safetensors"), sample())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "create the directory") {
		t.Errorf("a missing directory gave %v", err)
	}
	if err := Write(dir, sample()); err == nil {
		t.Error("a directory was replaced by a file")
	}
	list, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
	if os.Getuid() == 0 {
		return // root may write anywhere
	}
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o700)
	if err := Write(filepath.Join(dir, "c"), sample()); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "right to write") {
		t.Errorf("a directory without permission gave %v", err)
	}
}

// TestStaleTemporaries wants what killed writers left to go, and what other
// writers are at to stay.
func TestStaleTemporaries(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c")
	age := func(name string, d time.Duration) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		when := time.Now().Add(-d)
		if err := os.Chtimes(p, when, when); err != nil {
			t.Fatal(err)
		}
		return p
	}
	stale := age(".c.tmp-1", time.Hour)
	keep := []string{age(".c.tmp-2", time.Second), age(".d.tmp-1", time.Hour), age("c.tmp-1", time.Hour)}
	if err := Write(path, sample()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the stale temporary is still there (%v)", err)
	}
	for _, p := range keep {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}

// TestReadersSeeWholeFiles reads while another goroutine writes.
func TestReadersSeeWholeFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c")
	write := func(n int) error {
		v := bytes.Repeat([]byte{byte(n)}, 1<<16)
		return Write(path, &File{Tensors: []Tensor{New("x", []int{len(v)}, v)}})
	}
	if err := write(0); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range 20 {
			if err := write(n); err != nil {
				t.Error(err)
			}
		}
	})
	for range 50 {
		f, err := Read(path)
		if err != nil {
			t.Error(err)
			break
		}
		x := f.Tensors[0].Data
		if !bytes.Equal(x, bytes.Repeat(x[:1], len(x))) {
			t.Error(fmt.Errorf("read a mixture of two files"))
		}
	}
	wg.Wait()
}
