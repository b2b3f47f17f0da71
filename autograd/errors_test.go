package autograd_test

import (
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// TestShapeErrors gives every family operands that do not fit: the panic names
// the operation, the shapes and what was wanted.
func TestShapeErrors(t *testing.T) {
	v := func(shape ...int) *ag.Value { return ag.Full(kernels.CPU64, 1, shape...) }
	for want, f := range map[string]func(){
		"add of [2 3] and [2]: want shapes that can be broadcast: axes, counted from the last, equal or 1": func() { ag.Add(v(2, 3), v(2)) },
		"mul of [2 3] and [4 3]":        func() { ag.Mul(v(2, 3), v(4, 3)) },
		"maximum of [2] and [3]":        func() { ag.Maximum(v(2), v(3)) },
		"broadcast of [2 3] and [3]":    func() { ag.BroadcastTo(v(2, 3), 3) },
		"broadcast of [2] and [2 3]":    func() { ag.BroadcastTo(v(2), 2, 3) },
		"broadcast of [0]: want dimen":  func() { ag.BroadcastTo(v(1), 0) },
		"sumto of [4] and [2 3]":        func() { ag.SumTo(v(2, 3), 4) },
		"sum of [2 3]: want axes":       func() { ag.Sum(v(2, 3), 2) },
		"sum of [2 3]: want axes of":    func() { ag.Mean(v(2, 3), 1, -1) },
		"max of [2 3]: want axes":       func() { ag.Max(v(2, 3), -3) },
		"pick of [2 3] and [3]":         func() { ag.Pick(v(2, 3), v(3)) },
		"matmul of [2 3] and [2 3]":     func() { ag.MatMul(v(2, 3), v(2, 3)) },
		"matmul of [2 2 3] and [3 3]":   func() { ag.MatMul(v(2, 2, 3), v(3, 3)) },
		"matmul of [3] and [3]":         func() { ag.MatMul(v(3), v(3)) },
		"linear of [2 3] and [4 2]":     func() { ag.Linear(v(2, 3), v(4, 2), nil) },
		"linear of [2 3] and [4 3] and": func() { ag.Linear(v(2, 3), v(4, 3), v(3)) },
		"conv2d of [1 4 4 3] and [3 3 2 5]: want x [N, H, W, Cin], weights [KH, KW, Cin/groups, Cout]": func() { ag.Conv2D(v(1, 4, 4, 3), v(3, 3, 2, 5), ag.Square(1, 1)) },
		"conv2d of [1 2 2 3] and [3 3 3 5]: want an image":                                             func() { ag.Conv2D(v(1, 2, 2, 3), v(3, 3, 3, 5), ag.Square(1, 0)) },
		"conv2d of [4 4 3] and [3 3 3 5]":                                                              func() { ag.Conv2D(v(4, 4, 3), v(3, 3, 3, 5), ag.Square(1, 1)) },
		"conv2d of [1 4 4 4] and [3 3 2 3]":                                                            func() { ag.Conv2D(v(1, 4, 4, 4), v(3, 3, 2, 3), ag.Window{Groups: 2}) },
		"batchnorm of [4 3] and [3] and [2]: want x [..., C] and one number per channel [C]":           func() { ag.BatchNorm(v(4, 3), v(3), v(2), 1e-5, false) },
		"batchnorm of [3] and":                                                                         func() { ag.BatchNorm(v(3), v(3), v(3), 1e-5, false) },
		"batchnorm of [4 3] and [3] and [3] and [3] and [4]":                                           func() { ag.BatchNormEval(v(4, 3), v(3), v(3), v(3), v(4), 1e-5, false) },
		"maxpool of [4 4 2] and [2 2]: want images":                                                    func() { ag.MaxPool(v(4, 4, 2), 2, ag.Square(2, 0)) },
		"maxpool of [1 4 4 2] and [2 2]: want a window":                                                func() { ag.MaxPool(v(1, 4, 4, 2), 2, ag.Square(2, 2)) },
		"avgpool of [1 2 2 2] and [3 3]: want an image":                                                func() { ag.AvgPool(v(1, 2, 2, 2), 3, ag.Square(1, 0)) },
		"adaptive avgpool of [1 2 2 2]":                                                                func() { ag.AdaptiveAvgPool(v(1, 2, 2, 2), 3, 1) },
		"global avgpool of [2 2]":                                                                      func() { ag.GlobalAvgPool(v(2, 2)) },
		"reshape of [2 3] and [4 -1]":                                                                  func() { ag.Reshape(v(2, 3), 4, -1) },
		"reshape of [2 3] and [-1 -1]":                                                                 func() { ag.Reshape(v(2, 3), -1, -1) },
		"permute of [2 3]: want each axis":                                                             func() { ag.Permute(v(2, 3), 0, 0) },
		"permute of [2 3]: want each":                                                                  func() { ag.Permute(v(2, 3), 1, 2) },
		"permute of [2]":                                                                               func() { ag.Permute(v(2), 0, 1) },
		"slice of [2 3]: want 0 <= lo < hi <= the length":                                              func() { ag.Slice(v(2, 3), 1, 2, 4) },
		"slice of [2 3]: want axes":                                                                    func() { ag.Slice(v(2, 3), 2, 0, 1) },
		"pad of [2 3]: want two numbers":                                                               func() { ag.Pad(v(2, 3), []int{1}, []int{1}) },
		"pad of [2 3]: want two":                                                                       func() { ag.Pad(v(2, 3), []int{-1, 0}, []int{0, 0}) },
		"concat of [2 3] and [3 3]: want equal shapes":                                                 func() { ag.Concat(1, v(2, 3), v(3, 3)) },
		"concat of [2 3] and [2]":                                                                      func() { ag.Concat(0, v(2, 3), v(2)) },
		"concat of [2 3]: want an axis":                                                                func() { ag.Concat(-3, v(2, 3)) },
		"gather of [2 3]: want indices":                                                                func() { ag.Gather(v(2, 3), 0, []int{2}) },
		"gather of [2 3]: want at least":                                                               func() { ag.Gather(v(2, 3), 0, nil) },
		"logsumexp of []":                                                                              func() { ag.LogSumExp(v()) },
		"softmax of []":                                                                                func() { ag.Softmax(v()) },
		"cross-entropy of [2 3] and [3]":                                                               func() { ag.CrossEntropy(v(2, 3), v(3)) },
		"norm of []":                                                                                   func() { ag.Norm(v()) },
		"new of [2]: want a shape of 3 elements":                                                       func() { ag.New(kernels.CPU, make([]float32, 3), 2) },
		"full of [2 0]: want dimensions of at least 1":                                                 func() { v(2, 0) },
		"item of [2]: want one element":                                                                func() { v(2).Item() },
	} {
		panics[*ag.ShapeError](t, want, f, "autograd: "+want, ": want ")
	}
}

func TestUsageErrors(t *testing.T) {
	v := func(shape ...int) *ag.Value { return ag.Full(kernels.CPU64, 1, shape...) }
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	panics[*ag.UsageError](t, "bounds", func() { ag.Clamp(v(2), 1, 0) }, "clamp", "1", "0")
	panics[*ag.UsageError](t, "a probability", func() { ag.Dropout(v(2), 1, 1, 1) }, "dropout", "1")
	panics[*ag.UsageError](t, "a label", func() { tape.Labels([]int{0, 3}, 3) }, "label 3 of sample 1", "3 classes")
	panics[*ag.UsageError](t, "nothing to join", func() { ag.Concat(0) }, "concat")
	panics[*ag.UsageError](t, "padding", func() { ag.Conv2D(v(1, 4, 4, 1), v(3, 3, 1, 1), ag.Square(1, -1)) }, "window", "-1")
	panics[*ag.UsageError](t, "a stride", func() { ag.MaxPool(v(1, 4, 4, 1), 2, ag.Square(-2, 0)) }, "window", "-2")
}

// TestNamesAreUnique because tests and tools find rows by name.
func TestNamesAreUnique(t *testing.T) {
	seen := map[string]bool{}
	for o := range ag.Ops() {
		if seen[o.Name] || o.Name != strings.ToLower(o.Name) || o.Name == "" {
			t.Errorf("%q is taken, empty or not in lower case", o.Name)
		}
		seen[o.Name] = true
	}
}
