package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWriteReplacesWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, want := range []string{"first", "second, longer"} {
		if err := Write(path, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(path); string(got) != want {
			t.Fatalf("the file holds %q, want %q", got, want)
		}
	}
}

func TestFailedWriteLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := Write(path, []byte("old")); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	err := WriteTo(path, func(w io.Writer) error {
		io.WriteString(w, "half of the n")
		return broken
	})
	if !errors.Is(err, broken) {
		t.Fatalf("the error %v does not wrap its cause", err)
	}
	if got, _ := os.ReadFile(path); string(got) != "old" {
		t.Fatalf("the file holds %q after a failed write", got)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Fatalf("%d files are left, want 1", len(left))
	}
}

func TestStaleTemporariesGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	stale := tempPrefix(path) + "0123456789abcdef"
	if err := os.WriteFile(stale, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(stale, old, old); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); err == nil {
		t.Fatal("a temporary of an hour ago is still there")
	}
}

func TestMissingDirectoryIsSaid(t *testing.T) {
	err := Write(filepath.Join(t.TempDir(), "no", "f"), nil)
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v, want an error that wraps os.ErrNotExist", err)
	}
}

func TestWriteMaking(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b", "f")
	write := func(w io.Writer) error { _, err := io.WriteString(w, "x"); return err }
	if err := WriteMaking(path, write); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "x" {
		t.Fatalf("the file holds %q", got)
	}
	if err := WriteMaking(filepath.Join(path, "under-a-file"), write); err == nil {
		t.Fatal("a file was taken for a directory")
	}
}
