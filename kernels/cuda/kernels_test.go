package cuda_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"sync"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/kernels/cuda/ptxsim"
)

var full = flag.Bool("full", false, "run the full sweep of shapes, not a few of each kernel")

// eachElement is the tolerance that looks at every element by itself.
const eachElement = -1

// simulated is a device with every check on.
func simulated(t testing.TB) *cuda.Device {
	t.Helper()
	o := ptxsim.Options{}
	if *full {
		o.Shuffle = 12345
	}
	d, err := cuda.Simulate(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// gpu is the device of all tests where GRADGRAD_DEVICE names one.
var gpu struct {
	sync.Mutex
	dev *cuda.Device
}

// device is the device that GRADGRAD_DEVICE names, such as cuda:0, for this test
// alone; a simulator with all checks on where the variable is not set.
func device(t testing.TB) *cuda.Device {
	t.Helper()
	name := os.Getenv("GRADGRAD_DEVICE")
	if name == "" {
		return simulated(t)
	}
	gpu.Lock()
	t.Cleanup(gpu.Unlock)
	if gpu.dev == nil {
		dev, err := kernels.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		gpu.dev = dev.(*cuda.Device)
	}
	return gpu.dev
}

// TestEveryKernel runs every kernel on the simulator, or on a GPU, and compares it
// with the CPU in float64. A kernel without a case fails the test.
func TestEveryKernel(t *testing.T) {
	ran := map[string]bool{}
	for i, c := range allCases(*full) {
		ran[c.kernel.Name] = true
		t.Run(fmt.Sprintf("%s/%d %s", c.kernel.Name, i, c.name), func(t *testing.T) {
			t.Parallel()
			dev := device(t)
			if err := c.check(dev); err != nil {
				t.Error(err)
			}
			if *full || i%4 == 0 {
				c.shift = 1
				if err := c.check(dev); err != nil {
					t.Errorf("with operands that cannot be read four at a time: %v", err)
				}
			}
		})
	}
	for _, k := range kernels.All() {
		if !ran[k.Name] {
			t.Errorf("the kernel %s is in no case", k.Name)
		}
	}
}

// TestQueuedKernels runs the calls that small tensors are collected for, and launched
// together, through that queue.
func TestQueuedKernels(t *testing.T) {
	dev := device(t)
	for i, c := range allCases(*full) {
		switch c.kernel.Name {
		case "copy", "scale", "add", "sub", "mix", "mul", "gate", "relu", "inverse", "fill", "sum", "broadcast", "slice", "pad", "concat":
		default:
			continue
		}
		c.queued = true
		if err := c.check(dev); err != nil {
			t.Errorf("%d %s: %v", i, c.name, err)
		}
	}
}

// check runs a case on a device and on the CPU in float64.
func (c kcase) check(dev kernels.Device) error { return c.checkWith(dev, kernels.CPU64) }

// checkWith compares the results of a device with those of an oracle.
func (c kcase) checkWith(dev, oracle kernels.Device) error {
	got, err := c.run(dev)
	if err != nil {
		return err
	}
	apart := c
	apart.over = nil
	want, err := apart.run(oracle)
	if err != nil {
		return err
	}
	for i := range want {
		if err := compare(got[i], want[i], c.tol, c.least); err != nil {
			return fmt.Errorf("kernel %s, result %d, %w", c.kernel.Name, i, err)
		}
	}
	return nil
}

// run returns the results; a panic of the device is an error.
func (c kcase) run(dev kernels.Device) (results [][]float64, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(*kernels.DeviceError)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	if d, ok := dev.(*cuda.Device); ok && !c.queued {
		defer d.Singly()()
	}
	a := &kernels.Args{Attr: c.attr}
	var all []kernels.Buffer
	lend := func(x filling, write bool) kernels.Buffer {
		if x == nil {
			return nil
		}
		whole := dev.Alloc(len(x) + c.shift)
		all = append(all, whole)
		b := dev.Slice(whole, c.shift, len(x))
		if write {
			dev.Write64(b, x)
		}
		return b
	}
	for _, x := range c.in {
		a.In = append(a.In, lend(x, c.bytes == nil || len(a.In) > 0))
	}
	if c.bytes != nil {
		kernels.WriteBytes(dev, a.In[0], c.bytes)
	}
	for i, x := range c.out {
		if i < len(c.over) && c.over[i] > 0 {
			a.Out = append(a.Out, a.In[c.over[i]-1])
			continue
		}
		a.Out = append(a.Out, lend(x, c.keep && i < len(c.out)-c.fresh))
	}
	dev.Run(c.kernel, a)
	defer func() {
		for _, b := range all {
			dev.Free(b)
		}
	}()
	for i, b := range a.Out {
		if b == nil {
			results = append(results, nil)
			continue
		}
		y := make([]float64, len(c.out[i]))
		dev.Read64(y, b)
		results = append(results, y)
	}
	return results, nil
}

// tolerance is that of autograd's TestEveryOp.
const tolerance = 2e-5

// compare bounds the largest difference by a part of the largest value, which counts
// for least at least, or every difference by a part of its value.
func compare(got, want []float64, tol, least float64) error {
	top := max(1e-3, least)
	for _, v := range want {
		if !math.IsInf(v, 0) && !math.IsNaN(v) {
			top = max(top, math.Abs(v))
		}
	}
	for i, w := range want {
		g, scale := got[i], top
		if tol == eachElement {
			scale = max(math.Abs(w), 1e-38)
			if math.Abs(w) > math.MaxFloat32 { // the oracle has a wider range
				w = math.Inf(1) * w
			}
		}
		same := g == w || math.IsNaN(g) && math.IsNaN(w)
		if !same && !(math.Abs(g-w) <= tolerance*scale) {
			return fmt.Errorf("element %d is %.9g, not %.9g (largest %.3g)", i, g, w, top)
		}
	}
	return nil
}

// oracle runs a kernel on the CPU in float64 and returns its results.
func oracle(k *kernels.Kernel, attr any, in []filling, out ...int) [][]float64 {
	c := kcase{kernel: k, attr: attr, in: in}
	for _, n := range out {
		c.out = append(c.out, blank(n))
	}
	results, err := c.run(kernels.CPU64)
	if err != nil {
		panic(err)
	}
	return results
}

// moments are what the gradient kernels are given.
type moments struct{ mean, rstd, xh filling }

func momentsOf(at *kernels.NormAttr, x, gamma, beta filling) moments {
	r := oracle(kernels.BatchNorm, at, []filling{x, gamma, beta}, at.M*at.C, at.C, at.C, at.C)
	plain := *at
	plain.ReLU = false
	n := oracle(kernels.Normalise, &plain, []filling{x}, at.M*at.C, at.C, at.C, at.C)
	round := func(v []float64) filling {
		f := make(filling, len(v))
		for i := range v {
			f[i] = float64(float32(v[i]))
		}
		return f
	}
	return moments{round(r[1]), round(r[2]), round(n[0])}
}

// TestSameBits runs sums with blocks and warps in another order each time: they have
// to be the same to the bit.
func TestSameBits(t *testing.T) {
	for i, c := range allCases(false) {
		p := cuda.FP32
		switch c.attr.(type) {
		case *kernels.NormAttr, *kernels.ReduceAttr, *kernels.PoolAttr:
		default:
			if !c.inParts() {
				continue
			}
			p = cuda.Precision(i % 3)
		}
		if c.tol == eachElement {
			continue // rows of a few special numbers
		}
		t.Run(fmt.Sprintf("%s/%d %s", c.kernel.Name, i, c.name), func(t *testing.T) {
			t.Parallel()
			c.sameBits(t, p)
		})
	}
}

// inParts says whether a case's weight gradient is the sum of parts, which the last
// block adds, whichever that is.
func (c kcase) inParts() bool {
	switch at := c.attr.(type) {
	case *kernels.ConvAttr:
		return c.kernel == kernels.ConvDW && at.N*at.OutH*at.OutW >= 256
	case *kernels.MatmulAttr:
		return at.TransA && !at.TransB && at.K >= 256
	case *kernels.AffineConvAttr:
		return at.M >= 256 && (at.Full || c.kernel == kernels.AffineConvGrad2)
	}
	return false
}

func (c kcase) sameBits(t *testing.T, p cuda.Precision) {
	var first [][]float64
	for _, seed := range []uint64{0, 9} {
		dev, err := cuda.Simulate(ptxsim.Options{Shuffle: seed})
		if err != nil {
			t.Fatal(err)
		}
		dev.SetPrecision(p)
		got, err := c.run(dev)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
		}
		for k := range got {
			for j := range got[k] {
				if math.Float64bits(got[k][j]) != math.Float64bits(first[k][j]) {
					t.Fatalf("result %d, element %d: %g and %g", k, j, got[k][j], first[k][j])
				}
			}
		}
	}
}
