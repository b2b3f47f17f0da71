package autograd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// TestEveryExportedOp makes sure that the samples of the table, whose derivatives
// TestEveryOp checks, go through every exported function that makes values of
// values, as users do: a sample may go around the function that users call, and
// some functions are made of several rows. The sources have the list.
func TestEveryExportedOp(t *testing.T) {
	ran := functionsOfSamples()
	names := exportedOperations(t)
	if len(names) < 60 {
		t.Errorf("the sources have no more than %d operations", len(names))
	}
	for _, name := range names {
		if !ran[name] {
			t.Errorf("no sample calls %s; add one to the row that it is made of", name)
		}
	}
}

// functionsOfSamples computes all samples and collects the functions of package
// autograd that run an operation meanwhile.
func functionsOfSamples() map[string]bool {
	ran := map[string]bool{}
	for o := range ag.Ops() {
		for _, s := range o.Samples() {
			tape := ag.NewTape(kernels.CPU64)
			tape.Observe(func(*ag.Op, []*ag.Value, []*ag.Value) { addCallers(ran) })
			var in []*ag.Value
			for _, v := range inputsOf(s, kernels.CPU64, 1) {
				in = append(in, tape.Watch(v))
			}
			s.F(in)
			tape.Close()
		}
	}
	return ran
}

// addCallers adds the functions of package autograd that are being called.
func addCallers(ran map[string]bool) {
	pc := make([]uintptr, 64)
	frames := runtime.CallersFrames(pc[:runtime.Callers(1, pc)])
	for more := true; more; {
		var f runtime.Frame
		f, more = frames.Next()
		if name, ok := strings.CutPrefix(f.Function, "gradgrad/autograd."); ok {
			ran[name] = true
		}
	}
}

// exportedOperations lists the exported functions of the package that take and
// return values. Grad does too, and is no operation.
func exportedOperations(t *testing.T) (names []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.IsExported() && f.Name.Name != "Grad" && hasValue(f.Type.Params) && hasValue(f.Type.Results) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

// hasValue reports whether a *Value, or several, is among the fields.
func hasValue(fields *ast.FieldList) bool {
	if fields == nil {
		return false
	}
	for _, f := range fields.List {
		typ := f.Type
		switch several := typ.(type) {
		case *ast.ArrayType:
			typ = several.Elt
		case *ast.Ellipsis:
			typ = several.Elt
		}
		if star, ok := typ.(*ast.StarExpr); ok {
			if name, ok := star.X.(*ast.Ident); ok && name.Name == "Value" {
				return true
			}
		}
	}
	return false
}
