package cuda_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/optim"
)

var plan = flag.Bool("plan", false, "write docs/gpu/plan.md anew: what a training step of each network launches and moves")

// dry is a driver that does nothing: it counts launches.
type dry struct {
	next     uint64
	launches map[string]int // by entry
}

func (d *dry) Info() cuda.Info                                      { return cuda.Info{Name: "dry", SMs: 132} }
func (d *dry) MemInfo() (free, total int64, err error)              { return 0, 0, nil }
func (d *dry) Free(uint64) error                                    { return nil }
func (d *dry) HostAlloc(n int64) ([]byte, error)                    { return make([]byte, n), nil }
func (d *dry) HostFree([]byte) error                                { return nil }
func (d *dry) CopyIn(uint64, []byte, cuda.Stream) error             { return nil }
func (d *dry) CopyOut([]byte, uint64, cuda.Stream) error            { return nil }
func (d *dry) CopyWithin(_, _ uint64, _ int64, _ cuda.Stream) error { return nil }
func (d *dry) Fill(uint64, uint32, int64, cuda.Stream) error        { return nil }
func (d *dry) Load(string, string) (cuda.Module, error)             { return d, nil }
func (d *dry) Function(name string) (cuda.Function, error)          { return name, nil }
func (d *dry) SetShared(cuda.Function, int) error                   { return nil }
func (d *dry) NewStream() (cuda.Stream, error)                      { return nil, nil }
func (d *dry) FreeStream(cuda.Stream) error                         { return nil }
func (d *dry) FreeEvent(cuda.Event) error                           { return nil }
func (d *dry) Sync(cuda.Stream) error                               { return nil }
func (d *dry) NewEvent() (cuda.Event, error)                        { return nil, nil }
func (d *dry) Record(cuda.Event, cuda.Stream) error                 { return nil }
func (d *dry) Wait(cuda.Stream, cuda.Event) error                   { return nil }
func (d *dry) Elapsed(cuda.Event, cuda.Event) (float64, error)      { return 0, nil }
func (d *dry) BeginCapture(cuda.Stream) error                       { return nil }
func (d *dry) EndCapture(cuda.Stream) (cuda.Graph, error)           { return nil, nil }
func (d *dry) LaunchGraph(cuda.Graph, cuda.Stream) error            { return nil }
func (d *dry) FreeGraph(cuda.Graph) error                           { return nil }
func (d *dry) Close() error                                         { return nil }

func (d *dry) Alloc(bytes int64) (uint64, error) {
	d.next += 1 << 40
	return d.next, nil
}

func (d *dry) Launch(f cuda.Function, _, _ [3]int, _ int, _ []uint64, _ cuda.Stream) error {
	d.launches[f.(string)]++
	return nil
}

func (d *dry) LaunchCooperative(f cuda.Function, _, _ [3]int, _ int, _ []uint64, _ cuda.Stream) error {
	d.launches[f.(string)]++
	return nil
}

func (d *dry) Resident(cuda.Function, int, int) (int, error) { return 2, nil }

// tally is what the calls of one kernel cost.
type tally struct {
	calls        int
	bytes, flops float64
	fp32, tf32   float64 // seconds at least, by the roofline
}

func (t *tally) add(o tally) {
	t.calls += o.calls
	t.bytes += o.bytes
	t.flops += o.flops
	t.fp32 += o.fp32
	t.tf32 += o.tf32
}

// counted is a dry device that keeps a tally of every kernel.
type counted struct {
	*cuda.Device
	drv *dry
	by  map[string]*tally
}

func newCounted(t *testing.T) *counted {
	t.Helper()
	drv := &dry{launches: map[string]int{}}
	dev, err := cuda.New("dry", drv)
	if err != nil {
		t.Fatal(err)
	}
	return &counted{dev, drv, map[string]*tally{}}
}

// The roofline of an H200: what a copy moves, and the peaks of arithmetic.
const (
	h200Copy = 4.3e12
	h200FP32 = 45e12
	h200TF32 = 400e12
)

func (c *counted) Run(k *kernels.Kernel, a *kernels.Args) {
	if slices.Contains(cuda.Kernels(), k.Name) {
		c.Device.Run(k, a)
	} else { // it has no code for GPUs yet: at least one launch
		c.drv.launches[k.Name]++
	}
	cost := kernels.CostOf(k, a)
	for _, i := range twice[k.Name] {
		cost.Elements += a.In[i].Len()
	}
	t := tally{calls: 1, bytes: 4 * float64(cost.Elements), flops: 2 * float64(cost.MultiplyAdds)}
	t.fp32 = max(t.bytes/h200Copy, t.flops/h200FP32)
	t.tf32 = max(t.bytes/h200Copy, t.flops/h200TF32)
	if c.by[k.Name] == nil {
		c.by[k.Name] = new(tally)
	}
	c.by[k.Name].add(t)
}

// twice are the operands that batch norm reads for its sums and once more.
var twice = map[string][]int{
	"bn": {0}, "bn.grad": {0, 1}, "bn.grad2": {0, 3, 4}, "bnadd": {0}, "bnadd.grad": {0, 1, 5}, "bnadd.grad2": {1, 4, 5},
	"normalise": {0}, "normalise.grad": {0, 1}, "normalise.grad2": {0, 1, 2},
}

// gregStep is one step of GReg, 64+64 images of 32x32, every image a hit.
func gregStep(t *testing.T, dev kernels.Device, arch string) func() {
	t.Helper()
	net, err := models.New(models.Config{Arch: arch, Classes: 10}, dev, 1)
	if err != nil {
		t.Fatal(err)
	}
	const batch, side = 64, 32
	loss := greg.Loss{MarginIn: -23, MarginAux: -5, LambdaS: 0.1, LambdaGrad: 1, Variant: greg.Paper, ForceHits: true}
	opt := optim.NewSGD(net.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 1e-4, Nesterov: true})
	tape := autograd.NewTape(dev)
	x, labels := make([]float32, 2*batch*side*side*3), make([]int, batch)
	step := uint64(0)
	return func() {
		in := tape.New(x, 2*batch, side, side, 3)
		autograd.Backward(loss.Terms(layers.Training(tape, 1, step), net, in, labels, false).Total, net.Params()...)
		opt.Step(0.1)
		tape.Release()
		step++
	}
}

// planFile holds the tables, for people.
const planFile = "../../docs/gpu/plan.md"

const planHead = `# A training step on a GPU, on paper

A GReg step at 64 + 64 images of 32x32, every image a hit: loss, gradients, SGD and running statistics. For every kernel
its calls, the bytes that it reads and writes (batch norm's operands twice), the multiply-adds of its products, and the
least time an H200 needs for either (4.3 TB/s of copying, 45 TFLOP/s of float32, 400 of TF32); then what is launched
in float32. Counted, not timed; ../performance.md compares the networks.

Made by go test ./kernels/cuda -run TestLaunches -plan; the same test fails when this is out of date.
`

// TestLaunches bounds the launches of a step, the optimiser's aside, and compares what is
// counted with docs/gpu/plan.md. PyTorch runs 3804, 2059 and 10087 operations for the same.
func TestLaunches(t *testing.T) {
	text := planHead
	for _, c := range []struct {
		arch string
		most int
	}{{"wrn-40-2", 482}, {"resnet18", 260}, {"densenet101", 1421}} {
		dev := newCounted(t)
		step := gregStep(t, dev, c.arch)
		step() // which loads weights and grows the arena
		dev.Sync()
		clear(dev.by)
		clear(dev.drv.launches)
		step()
		dev.Sync()
		launches := 0
		for entry, n := range dev.drv.launches {
			if !strings.HasPrefix(entry, "sgd") {
				launches += n
			}
		}
		text += dev.table(c.arch)
		if launches > c.most {
			t.Errorf("%s: %d launches, more than %d", c.arch, launches, c.most)
		}
	}
	if _, err := os.Stat("../../docs"); err != nil {
		t.Logf("%v: the tables are not compared", err) // the test runs without its source
		return
	}
	if *plan {
		if err := os.WriteFile(planFile, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if is, err := os.ReadFile(planFile); err != nil || string(is) != text {
		t.Errorf("%s is not what a step takes (%v): run go test ./kernels/cuda -run TestLaunches -plan", planFile, err)
	}
}

// TestLaunchesOfTensorCores wants as many launches of a step whichever the precision.
func TestLaunchesOfTensorCores(t *testing.T) {
	count := func(p cuda.Precision) (n int) {
		dev := newCounted(t)
		dev.SetPrecision(p)
		step := gregStep(t, dev, "densenet101")
		step()
		dev.Sync()
		clear(dev.drv.launches)
		step()
		dev.Sync()
		own := false
		for entry, launches := range dev.drv.launches {
			n += launches
			own = own || strings.HasPrefix(entry, "conv_dw_"+strings.ToLower(p.String()))
		}
		if !own {
			t.Errorf("%v: no weight gradient of that precision", p)
		}
		return n
	}
	want := count(cuda.FP32)
	for _, p := range []cuda.Precision{cuda.TF32, cuda.BF16} {
		if n := count(p); n != want {
			t.Errorf("%v: %d launches, and %d in float32", p, n, want)
		}
	}
}

// table is a network's part of the file.
func (c *counted) table(arch string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## %s\n\n| kernel | calls | GiB | GFLOP | ms, fp32 | ms, tf32 |\n|---|---|---|---|---|---|\n", arch)
	var total tally
	row := func(name string, t tally) {
		fmt.Fprintf(&b, "| %s | %d | %.2f | %.1f | %.2f | %.2f |\n", name, t.calls, t.bytes/(1<<30), t.flops/1e9, t.fp32*1e3, t.tf32*1e3)
	}
	for _, name := range slices.Sorted(maps.Keys(c.by)) {
		row(name, *c.by[name])
		total.add(*c.by[name])
	}
	row("all", total)
	b.WriteString("\nLaunches:")
	all := 0
	for _, entry := range slices.Sorted(maps.Keys(c.drv.launches)) {
		all += c.drv.launches[entry]
		fmt.Fprintf(&b, " %s %d,", entry, c.drv.launches[entry])
	}
	fmt.Fprintf(&b, " all %d.\n", all)
	return b.String()
}
