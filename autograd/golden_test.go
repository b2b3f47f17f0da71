package autograd_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/internal/testkit"
	"gradgrad/kernels"
)

// goldenFile is a set of cases whose numbers another engine computed in float64.
// Arrays are NCHW, convolution weights OIHW.
type goldenFile struct {
	Cases map[string]json.RawMessage
}

type array struct {
	Shape []int
	Data  []float64
}

// primitive is y = f(inputs), s = <c, y>, t = <v, ds/dx>, and the gradients of
// s and t; null stands for zero.
type primitive struct {
	Inputs        map[string]*array
	C, V, Y       *array
	S, T          float64
	First, Second map[string]*array
	Labels        []int

	Running       *moments
	RunningBefore *moments `json:"running_before"`
	RunningAfter  *moments `json:"running_after"`

	W, N *array // of the norm, which has a first order only
	DsDx *array `json:"ds_d_x"`
}

type moments struct{ Mean, Var *array }

// goldenFiles lists the committed cases, of which testdata/README.md tells, and the
// whole reference file where it can be found.
func goldenFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{"committed": filepath.Join("testdata", "golden.json"), "nets": filepath.Join("testdata", "nets.json")}
	whole, ok := testkit.FindShared("specs/goldens_double_backward.json")
	if !ok {
		t.Run("reference", func(t *testing.T) { t.Skipf("only the committed cases: there is no %s (set GRADGRAD_SHARED)", whole) })
		return files
	}
	files["reference"] = whole
	return files
}

func readGoldens(t *testing.T, path string) map[string]json.RawMessage {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var f goldenFile
	if err := json.Unmarshal(raw, &f); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return f.Cases
}

// eachGolden runs a test for every case whose name passes, on both CPU devices.
func eachGolden(t *testing.T, pass func(string) bool, run func(t *testing.T, name string, raw json.RawMessage, dev kernels.Device, tol float64)) {
	for file, path := range goldenFiles(t) {
		cases := readGoldens(t, path)
		if file == "reference" && len(cases) != 22 {
			t.Errorf("%s has %d cases, want 22", path, len(cases))
		}
		for name, raw := range cases {
			if !pass(name) {
				continue
			}
			t.Run(file+"/"+name+"/float64", func(t *testing.T) { run(t, name, raw, kernels.CPU64, 1e-9) })
			t.Run(file+"/"+name+"/float32", func(t *testing.T) { run(t, name, raw, kernels.CPU, 1e-4) })
		}
	}
}

// TestGoldenPrimitives compares first and second derivatives of single
// operations, the second both by Grad and by Backward.
func TestGoldenPrimitives(t *testing.T) {
	single := func(name string) bool { return !strings.HasPrefix(name, "greg_net_") }
	eachGolden(t, single, func(t *testing.T, name string, raw json.RawMessage, dev kernels.Device, tol float64) {
		var p primitive
		if err := json.Unmarshal(raw, &p); err != nil {
			t.Fatal(err)
		}
		f := primitives[name]
		if f == nil {
			t.Fatalf("no operation for the case %q", name)
		}
		for _, by := range []string{"Grad", "Backward"} {
			p.check(t, f, dev, tol, by)
		}
	})
}

type operands map[string]*ag.Value

// primitives are the operations of the cases, NHWC.
var primitives = map[string]func(p *primitive, in operands) *ag.Value{
	"conv3x3_s1_p0":      convolved(1, 0),
	"conv3x3_s1_p1_bias": convolved(1, 1),
	"conv3x3_s2_p1":      convolved(2, 1),
	"conv3x3_s2_p0":      convolved(2, 0),
	"conv1x1_s1_p0":      convolved(1, 0),
	"conv1x1_s2_p0":      convolved(2, 0),
	"batchnorm_train": func(_ *primitive, in operands) *ag.Value {
		y, _, _ := ag.BatchNorm(in["x"], in["gamma"], in["beta"], 1e-5, false)
		return y
	},
	"batchnorm_eval": func(p *primitive, in operands) *ag.Value {
		dev := in["x"].Device()
		return ag.BatchNormEval(in["x"], in["gamma"], in["beta"], p.Running.Mean.value(dev), p.Running.Var.value(dev), 1e-5, false)
	},
	"relu": func(_ *primitive, in operands) *ag.Value { return ag.ReLU(in["x"]) },
	"relu_squared": func(_ *primitive, in operands) *ag.Value {
		h := ag.ReLU(in["x"])
		return ag.Mul(h, h)
	},
	"avgpool2x2":       func(_ *primitive, in operands) *ag.Value { return ag.AvgPool(in["x"], 2, ag.Square(2, 0)) },
	"global_avgpool":   func(_ *primitive, in operands) *ag.Value { return ag.GlobalAvgPool(in["x"]) },
	"maxpool3x3_s2_p1": func(_ *primitive, in operands) *ag.Value { return ag.MaxPool(in["x"], 3, ag.Square(2, 1)) },
	"linear":           func(_ *primitive, in operands) *ag.Value { return ag.Linear(in["x"], in["w"], in["b"]) },
	"logsumexp":        func(_ *primitive, in operands) *ag.Value { return ag.LogSumExp(in["x"]) },
	"energy":           func(_ *primitive, in operands) *ag.Value { return ag.Neg(ag.LogSumExp(in["x"])) },
	"cross_entropy_mean": func(p *primitive, in operands) *ag.Value {
		labels := in["x"].Tape().Labels(p.Labels, in["x"].Dim(-1))
		return ag.Reshape(ag.CrossEntropy(in["x"], labels), 1)
	},
	"oe_uniform": func(_ *primitive, in operands) *ag.Value {
		return ag.Reshape(ag.Mean(ag.Sub(ag.LogSumExp(in["x"]), ag.Mean(in["x"], -1))), 1)
	},
	"rownorm2": func(_ *primitive, in operands) *ag.Value { return ag.Norm(in["x"]) },
}

func convolved(stride, pad int) func(*primitive, operands) *ag.Value {
	return func(_ *primitive, in operands) *ag.Value {
		y := ag.Conv2D(in["x"], in["w"], ag.Square(stride, pad))
		if in["b"] != nil {
			y = ag.Add(y, in["b"])
		}
		return y
	}
}

func (p *primitive) check(t *testing.T, f func(*primitive, operands) *ag.Value, dev kernels.Device, tol float64, by string) {
	t.Helper()
	if p.W != nil { // the norm's weights play the part of c
		p.C, p.Y, p.First = p.W, p.N, map[string]*array{"ds_d_x": p.DsDx}
	}
	tape := ag.NewTape(dev)
	defer tape.Close()
	params := map[string]*ag.Param{}
	in := operands{}
	watch := func(name string, a *array) *ag.Value {
		params[name] = ag.NewParam(name, a.valueAs(name, dev))
		return tape.Watch(params[name].Value)
	}
	for name, a := range p.Inputs {
		in[name] = watch(name, a)
	}
	c := watch("c", p.C)
	y := f(p, in)
	near(t, "y", y, p.Y, tol)
	s := ag.Sum(ag.Mul(c, y))
	names := slices.Sorted(maps.Keys(in))
	var xs []*ag.Value
	for _, n := range names {
		xs = append(xs, in[n])
	}
	first := ag.Grad(s, xs...)
	var dx *ag.Value
	for i, n := range names {
		near(t, "ds/d"+n, first[i], p.First["ds_d_"+n], tol)
		if n == "x" {
			dx = first[i]
		}
	}
	if p.V == nil {
		return
	}
	nearNumber(t, "s", s.Item(), p.S, tol)
	u := ag.Sum(ag.Mul(dx, p.V.value(dev)))
	nearNumber(t, "t", u.Item(), p.T, tol)
	p.second(t, u, append(xs, c), append(names, "c"), params, by, tol)
	p.checkRunning(t, in, tol)
}

// second compares the derivatives of t.
func (p *primitive) second(t *testing.T, u *ag.Value, xs []*ag.Value, names []string, params map[string]*ag.Param, by string, tol float64) {
	t.Helper()
	got := make([]*ag.Value, len(xs))
	if by == "Grad" {
		got = ag.Grad(u, xs...)
	} else {
		var ps []*ag.Param
		for _, n := range names {
			ps = append(ps, params[n])
		}
		ag.Backward(u, ps...)
		for i, q := range ps {
			got[i] = q.Grad()
		}
	}
	for i, n := range names {
		want, known := p.Second["dt_d_"+n]
		if !known {
			t.Errorf("the case says nothing of dt/d%s", n)
		}
		if got[i] == nil {
			got[i] = ag.Full(xs[i].Device(), 0, xs[i].Shape()...)
		}
		near(t, by+" dt/d"+n, got[i], want, tol)
	}
}

// checkRunning compares the running statistics that one train-mode pass makes.
func (p *primitive) checkRunning(t *testing.T, in operands, tol float64) {
	t.Helper()
	if p.RunningAfter == nil {
		return
	}
	_, mean, variance := ag.BatchNorm(in["x"], in["gamma"], in["beta"], 1e-5, false)
	m := float64(in["x"].Size() / in["x"].Dim(-1))
	nearFloats(t, "running mean", running(p.RunningBefore.Mean.Data, mean.Float64s(), 1), p.RunningAfter.Mean.Data, tol)
	nearFloats(t, "running variance", running(p.RunningBefore.Var.Data, variance.Float64s(), m/(m-1)), p.RunningAfter.Var.Data, tol)
}

// running is PyTorch's moving average with momentum 0.1.
func running(old, batch []float64, unbiased float64) []float64 {
	out := make([]float64, len(old))
	for i := range old {
		out[i] = 0.9*old[i] + 0.1*batch[i]*unbiased
	}
	return out
}

// value and valueAs put an array on a device, images as NHWC and convolution
// weights (named w) as HWIO.
func (a *array) value(dev kernels.Device) *ag.Value { return a.valueAs("", dev) }

func (a *array) valueAs(name string, dev kernels.Device) *ag.Value {
	v := ag.New64(dev, a.Data, a.Shape...)
	if len(a.Shape) != 4 {
		return v
	}
	if name == "w" || strings.HasSuffix(name, ".w") {
		return ag.Permute(v, 2, 3, 1, 0)
	}
	return ag.Permute(v, 0, 2, 3, 1)
}

// near compares a value with a golden array: the largest difference over the
// array's largest element. nil stands for zero.
func near(t *testing.T, what string, got *ag.Value, want *array, tol float64) {
	t.Helper()
	if want == nil {
		nearFloats(t, what, got.Float64s(), make([]float64, got.Size()), tol)
		return
	}
	back := got
	switch {
	case len(got.Shape()) == 4 && isWeight(what):
		back = ag.Permute(got, 3, 2, 0, 1)
	case len(got.Shape()) == 4:
		back = ag.Permute(got, 0, 3, 1, 2)
	}
	if !slices.Equal(back.Shape(), want.Shape) {
		t.Errorf("%s has shape %v, want %v", what, back.Shape(), want.Shape)
		return
	}
	nearFloats(t, what, back.Float64s(), want.Data, tol)
}

// isWeight reports whether a name ends in that of a weight: "dt/dw", "conv.w".
func isWeight(what string) bool {
	return strings.HasSuffix(what, "/dw") || strings.HasSuffix(what, ".w")
}

func nearNumber(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	nearFloats(t, what, []float64{got}, []float64{want}, tol)
}

func nearFloats(t *testing.T, what string, got, want []float64, tol float64) {
	t.Helper()
	if err := differs(what, got, want, tol); err != nil {
		t.Error(err)
	}
}

// differs returns an error when the largest difference is more than tol times
// the largest wanted element (than tol itself, where zeros are wanted).
func differs(what string, got, want []float64, tol float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d elements, want %d", what, len(got), len(want))
	}
	var diff, top float64
	for i := range want {
		d := math.Abs(got[i] - want[i])
		if math.IsNaN(d) {
			return fmt.Errorf("%s: element %d is %g, want %g", what, i, got[i], want[i])
		}
		diff = max(diff, d)
		top = max(top, math.Abs(want[i]))
	}
	if top == 0 {
		top = 1
	}
	if diff > tol*top {
		return fmt.Errorf("%s: differs by %.3g of %.3g", what, diff, top)
	}
	return nil
}
