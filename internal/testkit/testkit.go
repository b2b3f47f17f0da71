// Package testkit is what the tests of several packages share: where the reference
// material lies, and programs that are built once and driven as users do.
package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// FindShared returns the path of a file or folder of the reference material, which
// lies beside the repository in shared, or where GRADGRAD_SHARED says; ok is false
// when it is not there.
func FindShared(name string) (path string, ok bool) {
	root := os.Getenv("GRADGRAD_SHARED")
	if root == "" {
		root = filepath.Join(module(), "..", "shared")
	}
	path = filepath.Join(root, filepath.FromSlash(name))
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	_, err := os.Stat(path)
	return path, err == nil
}

// Shared is FindShared for tests that can do nothing without the file: they are
// skipped.
func Shared(t testing.TB, name string) string {
	t.Helper()
	path, ok := FindShared(name)
	if !ok {
		t.Skipf("the reference material has no %s (set GRADGRAD_SHARED)", path)
	}
	return path
}

// module is the root of the repository: tests run in their package's directory.
func module() string {
	dir, err := os.Getwd()
	for err == nil && dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return "."
}
