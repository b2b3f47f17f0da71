package autograd_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/autograd/gradcheck"
	"gradgrad/kernels"
)

// exported calls every exported operation as a user does: samples of rows may go
// around the function that users call, and some functions are made of several
// rows.
var exported = map[string]struct {
	shapes [][]int
	f      gradcheck.Func
}{
	"Abs":   {one, func(in ...*ag.Value) *ag.Value { return ag.Abs(in[0]) }},
	"Above": {one, func(in ...*ag.Value) *ag.Value { return ag.Mul(ag.Above(in[0], 0.1), in[0]) }},
	"Add":   {two, func(in ...*ag.Value) *ag.Value { return ag.Add(in[0], in[1]) }},
	"AffineConv": {[][]int{{5}, {5}, {1, 1, 5, 2}, {3, 2, 2}, {3, 2, 3}}, func(in ...*ag.Value) *ag.Value {
		return ag.AffineConv(in[0], in[1], in[2], in[3], in[4])
	}},
	"AffineReLU": {[][]int{{3}, {3}, {4, 2}, {4, 1}}, func(in ...*ag.Value) *ag.Value {
		return ag.AffineReLU(in[0], in[1], in[2], in[3])
	}},
	"AddScalar": {one, func(in ...*ag.Value) *ag.Value { return ag.AddScalar(in[0], 2) }},
	"AtLeast":   {one, func(in ...*ag.Value) *ag.Value { return ag.Mul(ag.AtLeast(in[0], 0.1), in[0]) }},
	"AdaptiveAvgPool": {[][]int{{1, 5, 4, 2}}, func(in ...*ag.Value) *ag.Value {
		return ag.AdaptiveAvgPool(in[0], 2, 3)
	}},
	"AvgPool": {images, func(in ...*ag.Value) *ag.Value { return ag.AvgPool(in[0], 2, ag.Square(2, 1)) }},
	"BatchNorm": {[][]int{{2, 2, 2, 3}, {3}, {3}}, func(in ...*ag.Value) *ag.Value {
		y, mean, variance := ag.BatchNorm(in[0], in[1], in[2], 1e-5, true)
		return ag.Add(y, ag.Add(ag.Scale(mean, 0), ag.Scale(variance, 0)))
	}},
	"BatchNormLean": {[][]int{{5, 3}, {3}, {3}}, func(in ...*ag.Value) *ag.Value {
		y, _, _ := ag.BatchNormLean(in[0], in[1], in[2], 1e-5, true)
		return y
	}},
	"BatchNormEval": {[][]int{{2, 2, 2, 3}, {3}, {3}}, func(in ...*ag.Value) *ag.Value {
		return ag.BatchNormEval(in[0], in[1], in[2], ag.Full(kernels.CPU64, 0.3, 3), ag.Full(kernels.CPU64, 2, 3), 1e-5, true)
	}},
	"BroadcastTo": {one, func(in ...*ag.Value) *ag.Value { return ag.BroadcastTo(in[0], 2, 3, 4) }},
	"Clamp":       {one, func(in ...*ag.Value) *ag.Value { return ag.Clamp(in[0], -0.9, 0.8) }},
	"Concat":      {two, func(in ...*ag.Value) *ag.Value { return ag.Concat(-1, in[0], in[1]) }},
	"Conv2D": {[][]int{{1, 4, 4, 4}, {3, 3, 2, 2}}, func(in ...*ag.Value) *ag.Value {
		return ag.Conv2D(in[0], in[1], ag.Window{StrideH: 2, PadH: 1, PadW: 2, DilationW: 2, Groups: 2})
	}},
	"CrossEntropy": {one, func(in ...*ag.Value) *ag.Value {
		return ag.CrossEntropy(in[0], in[0].Tape().Labels([]int{2, 0, 1}, 4))
	}},
	"CrossEntropyRows": {one, func(in ...*ag.Value) *ag.Value {
		return ag.CrossEntropyRows(in[0], in[0].Tape().Labels([]int{2, 0, 1}, 4))
	}},
	"Div":     {two, func(in ...*ag.Value) *ag.Value { return ag.Div(in[0], in[1]) }},
	"Dropout": {one, func(in ...*ag.Value) *ag.Value { return ag.Dropout(in[0], 0.3, 5, 6) }},
	"Exp":     {one, func(in ...*ag.Value) *ag.Value { return ag.Exp(in[0]) }},
	"FoldNorm": {[][]int{{3}, {3}, {3}, {3}}, func(in ...*ag.Value) *ag.Value {
		scale, shift := ag.FoldNorm(in[0], in[1], in[2], ag.Abs(in[3]), 1e-5)
		return ag.Add(scale, ag.Mul(shift, shift))
	}},
	"Gather":        {one, func(in ...*ag.Value) *ag.Value { return ag.Gather(in[0], -1, []int{3, 1, 3}) }},
	"GlobalAvgPool": {images, func(in ...*ag.Value) *ag.Value { return ag.GlobalAvgPool(in[0]) }},
	"Inverse":       {one, func(in ...*ag.Value) *ag.Value { return ag.Inverse(in[0]) }},
	"LeakyReLU":     {one, func(in ...*ag.Value) *ag.Value { return ag.LeakyReLU(in[0], 0.2) }},
	"Linear":        {[][]int{{3, 4}, {2, 4}, {2}}, func(in ...*ag.Value) *ag.Value { return ag.Linear(in[0], in[1], in[2]) }},
	"Log":           {one, func(in ...*ag.Value) *ag.Value { return ag.Log(ag.Abs(in[0])) }},
	"LogSoftmax":    {one, func(in ...*ag.Value) *ag.Value { return ag.LogSoftmax(in[0]) }},
	"LogSumExp":     {one, func(in ...*ag.Value) *ag.Value { return ag.LogSumExp(in[0]) }},
	"MatMul":        {[][]int{{2, 3, 4}, {2, 4, 2}}, func(in ...*ag.Value) *ag.Value { return ag.MatMul(in[0], in[1]) }},
	"Max":           {one, func(in ...*ag.Value) *ag.Value { return ag.Max(in[0], 0) }},
	"MaxIndex":      {one, func(in ...*ag.Value) *ag.Value { return ag.Add(ag.MaxIndex(in[0], 1)[0], ag.MaxIndex(in[0], 1)[1]) }},
	"MaxPool":       {images, func(in ...*ag.Value) *ag.Value { return ag.MaxPool(in[0], 2, ag.Square(1, 0)) }},
	"Maximum":       {two, func(in ...*ag.Value) *ag.Value { return ag.Maximum(in[0], in[1]) }},
	"Mean":          {one, func(in ...*ag.Value) *ag.Value { return ag.Mean(in[0], 0) }},
	"Min":           {one, func(in ...*ag.Value) *ag.Value { return ag.Min(in[0], 1) }},
	"Minimum":       {two, func(in ...*ag.Value) *ag.Value { return ag.Minimum(in[0], in[1]) }},
	"Mul":           {two, func(in ...*ag.Value) *ag.Value { return ag.Mul(in[0], in[1]) }},
	"Neg":           {one, func(in ...*ag.Value) *ag.Value { return ag.Neg(in[0]) }},
	"Normalise": {[][]int{{5, 3}}, func(in ...*ag.Value) *ag.Value {
		y, _, _ := ag.Normalise(in[0], 1e-5)
		return y
	}},
	"Norm": {images, func(in ...*ag.Value) *ag.Value { return ag.Norm(in[0]) }},
	"OneHot": {one, func(in ...*ag.Value) *ag.Value {
		return ag.Mul(in[0], ag.OneHot(in[0].Tape().Labels([]int{2, 0, 1}, 4), 4))
	}},
	"Pad":     {one, func(in ...*ag.Value) *ag.Value { return ag.Pad(in[0], []int{0, 2}, []int{1, 0}) }},
	"Permute": {images, func(in ...*ag.Value) *ag.Value { return ag.Permute(in[0], 3, 0, 2, 1) }},
	"Pick": {one, func(in ...*ag.Value) *ag.Value {
		return ag.Pick(in[0], in[0].Tape().Labels([]int{2, 0, 1}, 4))
	}},
	"Pow":      {one, func(in ...*ag.Value) *ag.Value { return ag.Pow(in[0], 3) }},
	"ReLU":     {one, func(in ...*ag.Value) *ag.Value { return ag.ReLU(in[0]) }},
	"Reshape":  {one, func(in ...*ag.Value) *ag.Value { return ag.Reshape(in[0], 2, -1) }},
	"Scale":    {one, func(in ...*ag.Value) *ag.Value { return ag.Scale(in[0], -3) }},
	"Sigmoid":  {one, func(in ...*ag.Value) *ag.Value { return ag.Sigmoid(in[0]) }},
	"Sign":     {one, func(in ...*ag.Value) *ag.Value { return ag.Mul(ag.Sign(in[0]), in[0]) }},
	"Slice":    {one, func(in ...*ag.Value) *ag.Value { return ag.Slice(in[0], 0, 1, 3) }},
	"Softmax":  {one, func(in ...*ag.Value) *ag.Value { return ag.Softmax(in[0]) }},
	"Softplus": {one, func(in ...*ag.Value) *ag.Value { return ag.Softplus(in[0]) }},
	"Sqrt":     {one, func(in ...*ag.Value) *ag.Value { return ag.Sqrt(ag.Abs(in[0])) }},
	"Sub":      {two, func(in ...*ag.Value) *ag.Value { return ag.Sub(in[0], in[1]) }},
	"Sum":      {one, func(in ...*ag.Value) *ag.Value { return ag.Sum(in[0], 0) }},
	"SumTo":    {one, func(in ...*ag.Value) *ag.Value { return ag.SumTo(in[0], 3, 1) }},
	"Tanh":     {one, func(in ...*ag.Value) *ag.Value { return ag.Tanh(in[0]) }},
}

var (
	one    = [][]int{{3, 4}}
	two    = [][]int{{3, 4}, {3, 1}}
	images = [][]int{{2, 4, 3, 2}}
)

// notOperations return values and are tested elsewhere.
var notOperations = map[string]bool{"New": true, "New64": true, "Full": true, "Grad": true}

// TestEveryExportedOp checks both orders of every exported operation, of which
// the sources have the list.
func TestEveryExportedOp(t *testing.T) {
	names := exportedOperations(t)
	if len(names) < len(exported) {
		t.Errorf("the sources have %d operations, the test %d", len(names), len(exported))
	}
	for _, name := range names {
		op, known := exported[name]
		if !known {
			t.Errorf("%s is not tested", name)
			continue
		}
		in := inputsOf(ag.Sample{Shapes: op.shapes}, kernels.CPU64, 9)
		if err := gradcheck.Check(2, op.f, in...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// exportedOperations lists the exported functions of the package that return
// values.
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
			if ok && f.Recv == nil && f.Name.IsExported() && !notOperations[f.Name.Name] && returnsValue(f) {
				names = append(names, f.Name.Name)
			}
		}
	}
	return names
}

func returnsValue(f *ast.FuncDecl) bool {
	if f.Type.Results == nil {
		return false
	}
	result := f.Type.Results.List[0].Type
	if slice, ok := result.(*ast.ArrayType); ok {
		result = slice.Elt
	}
	star, ok := result.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := star.X.(*ast.Ident)
	return ok && name.Name == "Value"
}
