package greg_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"slices"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/kernels/cuda/ptxsim"
	"gradgrad/models"
)

// counting is a simulator's driver that counts what is launched outside of graphs.
type counting struct {
	cuda.Driver
	capturing        bool
	launches, graphs int
}

func (c *counting) Launch(f cuda.Function, grid, block [3]int, shared int, params []uint64, s cuda.Stream) error {
	if !c.capturing {
		c.launches++
	}
	return c.Driver.Launch(f, grid, block, shared, params, s)
}

func (c *counting) LaunchCooperative(f cuda.Function, grid, block [3]int, shared int, params []uint64, s cuda.Stream) error {
	if !c.capturing {
		c.launches++
	}
	return c.Driver.LaunchCooperative(f, grid, block, shared, params, s)
}

func (c *counting) BeginCapture(s cuda.Stream) error {
	c.capturing = true
	return c.Driver.BeginCapture(s)
}

func (c *counting) EndCapture(s cuda.Stream) (cuda.Graph, error) {
	c.capturing = false
	return c.Driver.EndCapture(s)
}

func (c *counting) LaunchGraph(g cuda.Graph, s cuda.Stream) error {
	c.graphs++
	return c.Driver.LaunchGraph(g, s)
}

func simulated(t *testing.T, o ptxsim.Options) (kernels.Device, *counting) {
	t.Helper()
	sim, err := cuda.Simulate(o)
	if err != nil {
		t.Fatal(err)
	}
	drv, _ := sim.Driver()
	c := &counting{Driver: drv}
	dev, err := cuda.New("sim", c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { dev.Close() })
	return dev, c
}

// noise is a set of n images of 8x8 pixels, smaller than any that is drawn.
type noise int

func (noise) Name() string     { return "noise" }
func (n noise) Len() int       { return int(n) }
func (noise) Size() (h, w int) { return 8, 8 }
func (noise) Classes() []string {
	return []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}
}
func (noise) Digest() (string, error) { return "noise", nil }

func (n noise) Read(i int, dst []uint8) (label int, err error) {
	r := rand.New(rand.NewPCG(uint64(n), uint64(i)))
	for k := range dst {
		dst[k] = uint8(r.Uint32())
	}
	return i % 10, nil
}

// tiny is a run of 3 steps an epoch over 10 images, the last one smaller.
func tiny(t *testing.T, method string) greg.Config {
	t.Helper()
	c, err := greg.Preset(method, 10)
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Arch, c.Model.Dropout, c.Epochs, c.Batch, c.LR, c.Seed = "wrn-10-1", 0.3, 2, 4, 0.05, 11
	c.Loss.MarginIn, c.Loss.MarginAux = -2.4, -2.2
	if c.AuxBatch > 0 {
		c.AuxBatch = 4
	}
	if c.Sampling.Sampler != "" {
		c.Sampling.Candidates, c.Sampling.Keep, c.Sampling.Clusters, c.Sampling.From = 8, 6, min(c.Sampling.Clusters, 2), min(c.Sampling.From, 1)
		c.Sampling.Shard = 4
	}
	c.DropLast = false
	return c
}

func trainer(t *testing.T, c greg.Config, dev kernels.Device, eager bool, from []byte) *greg.Trainer {
	t.Helper()
	m, err := models.New(c.Model, dev, c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := greg.NewTrainer(c, m, dev)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	tr.Eager = eager
	if from != nil {
		f, err := checkpoint.Decode(bytes.NewReader(from), int64(len(from)))
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Restore(f); err != nil {
			t.Fatal(err)
		}
	}
	return tr
}

// train makes steps up to one, and returns what they report, with the checkpoint then.
func train(t *testing.T, tr *greg.Trainer, to int, each func(greg.Step)) (logs []string, state []byte) {
	t.Helper()
	for s, err := range tr.Steps(context.Background(), noise(10), noise(12)) {
		if err != nil {
			t.Fatal(err)
		}
		if each != nil {
			each(s)
		}
		s.Seconds = 0
		line, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, string(line))
		if s.Step == to {
			break
		}
	}
	f, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return logs, b.Bytes()
}

// TestReplayIsExact trains operation by operation and by replays, and with Adam, clipping
// and a weight that moves by replays with a new trainer in between that goes on from a
// checkpoint: weights, running statistics, optimiser and all that is reported have the
// same bits. Dropout drops, and the last batch of an
// epoch is smaller, which is replayed by itself in the second one.
func TestReplayIsExact(t *testing.T) {
	for name, change := range map[string]func(*greg.Config){
		"sgd": func(*greg.Config) {},
		"adam": func(c *greg.Config) {
			c.Optimizer, c.ClipNorm, c.DualRate, c.DualTarget, c.MaxSteps = "adam", 0.5, 0.5, 0.1, 5
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := tiny(t, "greg")
			change(&c)
			dev, _ := simulated(t, ptxsim.Options{Unchecked: true})
			hits := 0
			want, state := train(t, trainer(t, c, dev, true, nil), 0, func(s greg.Step) { hits += s.HitsIn + s.HitsAux })
			if hits == 0 || hits >= 8*len(want)-4 {
				t.Errorf("%d images are detected; some should be", hits)
			}
			if name == "sgd" {
				got, replayed := train(t, trainer(t, c, dev, false, nil), 0, nil)
				same(t, "replayed", got, want, replayed, state)
				return
			}
			first, middle := train(t, trainer(t, c, dev, false, nil), 2, nil)
			rest, end := train(t, trainer(t, c, dev, false, middle), 0, nil)
			same(t, "resumed", append(first, rest...), want, end, state)
		})
	}
}

func same(t *testing.T, what string, got, want []string, gotState, state []byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d steps, not %d", what, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: step %d reports\n%s, not\n%s", what, i+1, got[i], want[i])
		}
	}
	if !bytes.Equal(gotState, state) {
		t.Errorf("%s: the checkpoints differ", what)
	}
}

// TestStepIsOneGraph: from the second step of a shape on, a step is one launch, of a
// graph.
func TestStepIsOneGraph(t *testing.T) {
	c := tiny(t, "greg")
	c.MaxSteps, c.DropLast = 4, true
	dev, drv := simulated(t, ptxsim.Options{})
	tr := trainer(t, c, dev, false, nil)
	type count struct{ launches, graphs int }
	var counts []count
	train(t, tr, 0, func(greg.Step) {
		counts = append(counts, count{drv.launches, drv.graphs})
		drv.launches, drv.graphs = 0, 0
	})
	if counts[0].graphs != 0 || counts[0].launches < 50 {
		t.Errorf("the first step is %+v", counts[0])
	}
	for i, n := range counts[1:] {
		if n != (count{0, 1}) {
			t.Errorf("step %d is %+v, not one graph", i+2, n)
		}
	}
}

// TestMethodsOnADevice trains by a method operation by operation and by replays: choosing among
// candidates, which is replayed too, counting priors, drawing boundaries and mixing
// happen in between.
func TestMethodsOnADevice(t *testing.T) {
	methods, _ := greg.Methods()
	few := []string{"balanced", "poem", "openmix", "greg+", "oe-grad"}
	for _, method := range methods {
		if !*greg.Full && !slices.Contains(few, method) {
			continue
		}
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := tiny(t, method)
			c.MaxSteps, c.DropLast, c.Batch, c.Model.Dropout = 2, true, 5, 0
			dev, drv := simulated(t, ptxsim.Options{Unchecked: true})
			want, state := train(t, trainer(t, c, dev, true, nil), 0, nil)
			if drv.graphs != 0 {
				t.Errorf("%d graphs where nothing is to be replayed", drv.graphs)
			}
			got, replayed := train(t, trainer(t, c, dev, false, nil), 0, nil)
			same(t, "replayed", got, want, replayed, state)
			if drv.graphs == 0 {
				t.Error("nothing was replayed")
			}
		})
	}
}

// TestDivergenceOnADevice: that the loss is no number is found after the update, in
// the step to blame.
func TestDivergenceOnADevice(t *testing.T) {
	c := tiny(t, "energy")
	c.Warmup, c.LR = 0, 1e30
	dev, _ := simulated(t, ptxsim.Options{Unchecked: true})
	var last greg.Step
	var diverged *greg.DivergedError
	for s, err := range trainer(t, c, dev, false, nil).Steps(context.Background(), noise(10), noise(12)) {
		if err == nil {
			last = s
			continue
		}
		if !errors.As(err, &diverged) || diverged.Step != last.Step+1 || diverged.LS == nil {
			t.Fatalf("after step %d: %v", last.Step, err)
		}
	}
	if diverged == nil || last.Step == 0 {
		t.Errorf("step %d ended with %v", last.Step, diverged)
	}
}

// TestOutOfMemory: the error says what was asked for and what is free.
func TestOutOfMemory(t *testing.T) {
	c := tiny(t, "greg")
	dev, _ := simulated(t, ptxsim.Options{Unchecked: true, Memory: 2 << 20})
	for _, err := range trainer(t, c, dev, false, nil).Steps(context.Background(), noise(10), noise(12)) {
		var failed *kernels.DeviceError
		if !errors.As(err, &failed) {
			t.Fatalf("it is %v", err)
		}
		if !regexp.MustCompile(`allocating [0-9.]+ MiB: .*out of memory.*[0-9.]+ MiB of 2.0 MiB are free`).MatchString(err.Error()) {
			t.Errorf("the error is %q", err)
		}
		return
	}
	t.Error("no step ran")
}
