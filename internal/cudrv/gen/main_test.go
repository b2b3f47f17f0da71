package main

import (
	"os"
	"slices"
	"testing"
)

// TestCommitted compares driver.c with what would be written.
func TestCommitted(t *testing.T) {
	names, err := symbols("../symbols.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSorted(names) {
		t.Error("symbols.txt is not sorted")
	}
	got, err := os.ReadFile("../driver.c")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != source(names) {
		t.Error("driver.c is not what gen writes: run go generate in internal/cudrv")
	}
}
