package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCommitted compares what is committed with what would be written.
func TestCommitted(t *testing.T) {
	for _, f := range files {
		got, err := os.ReadFile(filepath.Join("..", "ptx", f.name+".ptx"))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != f.text() {
			t.Errorf("%s.ptx is not what %s.go writes: run go generate in kernels/cuda", f.name, f.name)
		}
	}
}

// TestResultType is about the register that an instruction asks for.
func TestResultType(t *testing.T) {
	for op, want := range map[string]string{
		"add.rn.f32": "f32", "mad.wide.u32": "u64", "mul.wide.u32": "u64", "setp.lt.f32": "pred",
		"cvt.rni.s32.f32": "s32", "cvt.u32.u64": "u32", "mov.u32": "u32", "shr.u64": "u64", "selp.f32": "f32",
	} {
		if got := resultType(op); got != want {
			t.Errorf("%s: %s, not %s", op, got, want)
		}
	}
}

// TestNames gives a number to a name that is taken.
func TestNames(t *testing.T) {
	e := newEntry("k", "k")
	if a, b := e.reg("f32", "x"), e.reg("u32", "x"); a != "%x" || b != "%x_1" {
		t.Errorf("%s, %s", a, b)
	}
	if got := decimals("fma.rn.f32 %a, %b, 0f3F800000, 0fC0000000;"); got != " // 1, -2" {
		t.Errorf("%q", got)
	}
}
