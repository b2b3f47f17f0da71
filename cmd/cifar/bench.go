package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"gradgrad/autograd"
	"gradgrad/greg"
	"gradgrad/internal/app"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/models"
)

const benchHelp = `Prints one JSON line a case. A step is one update of the optimiser; seconds are the median over the steps.

  infer     forward in evaluation mode, -infer-batch images
  ce        cross-entropy training step on -batch images
  energy    CE + 0.1 L_S on -batch in-distribution and -batch auxiliary images
  greg      CE + 0.1 L_S + L_gradS, equation (3) as printed: one forward, the input gradient, one backward.
            Every image counts as detected, so the arithmetic is that of a trained network.
  greg+     greg on -batch in-distribution and twice as many auxiliary images, which Algorithm 1 chooses, -batch
            clusters, among 6 times -batch candidates; they go through the network in evaluation mode first
  greg-ref  the same loss as the authors' code computes it: a second forward, the gradient of mean hinges
  gemm      a square float32 matrix product, -n
  conv      a 3x3 convolution of 64 to 64 channels on 128 images of 32x32: all three directions
  machine   what the processor reaches at most: multiply-adds from registers, and copying memory

Images and labels are random. gflops counts 2 operations a multiply-add of convolutions and matrix products, a
training step as 3 forwards (ce, energy), 6 (greg), 8 (greg+, its candidates included) or 7 (greg-ref). peak_mib is the most memory that one step's
values held (activations and cotangents), params_mib that of weights, gradients and momentum; bytes and operations are what one step's operations
read and wrote, and how many there were. best_gflops is that of the fastest step, of_peak its share of the multiply-adds
that so many threads reach at most, measured just before (gemm, conv), error the largest difference from float64 on two
of the images over the largest value. With -threads 1,2 every case runs on one thread, then on two, and speedup
compares with the first.`

// benchFlags is what bench was asked for.
type benchFlags struct {
	archs, cases                                 string
	compute                                      *cli.Compute
	batch, inferBatch, steps, warmup, classes, n int
	threads                                      []int
	conv                                         kernels.ConvAlgorithm
	recompute                                    bool
	first                                        map[string]float64 // seconds of a case on the first number of threads
}

// benchCases are all cases, in the order in which they run.
var benchCases = []string{"machine", "gemm", "conv", "infer", "ce", "energy", "greg", "greg+", "greg-ref"}

func setupBench(f *cli.Flags) cli.Action {
	arch := f.String("arch", "wrn-40-2", "NAME,...: architectures")
	cases := f.String("cases", "infer,ce,energy,greg,greg+,greg-ref,gemm,conv,machine", "CASE,...: see above")
	compute := cli.ComputeFlags(f)
	batch := f.Int("batch", 64, "N: in-distribution images in a step, and as many auxiliary ones")
	inferBatch := f.Int("infer-batch", 128, "N: images at a time in infer")
	steps := f.Int("steps", 5, "N: steps that are timed")
	warmup := f.Int("warmup", 2, "N: steps before that; a GPU captures the second one and replays it from then on")
	classes := f.Int("classes", 10, "N: outputs of the networks")
	n := f.Int("n", 2048, "N: rows and columns of gemm")
	threads := f.String("threads", "", "N,...: threads to run every case on, one after the other (default all)")
	conv := f.String("conv", "auto", "NAME: how 3x3 convolutions are computed: "+strings.Join(kernels.ConvAlgorithms(), ", "))
	recompute := f.Bool("recompute", false, "compute blocks again for derivatives instead of keeping what they compute")
	return func(ctx context.Context, env *cli.Env, _ []string) error {
		b := benchFlags{archs: *arch, cases: *cases, compute: compute, batch: *batch, inferBatch: *inferBatch, steps: *steps, warmup: *warmup,
			classes: *classes, n: *n, recompute: *recompute, first: map[string]float64{}}
		var err error
		if b.conv, err = kernels.ParseConvAlgorithm(*conv); err != nil {
			return cli.Wrong("-conv: %w", err)
		}
		if b.threads, err = parseThreads(*threads); err != nil {
			return err
		}
		return b.run(ctx, env)
	}
}

func (b benchFlags) run(ctx context.Context, env *cli.Env) error {
	if min(b.batch, b.inferBatch, b.steps, b.classes, b.n) < 1 || b.warmup < 0 {
		return cli.Wrong("batches, steps, classes and n are at least 1, warmup at least 0")
	}
	for _, most := range []struct {
		flag         string
		value, limit int
	}{{"batch", b.batch, 1 << 14}, {"infer-batch", b.inferBatch, 1 << 15}, {"classes", b.classes, 1 << 16}, {"n", b.n, 1 << 15}, {"steps", b.steps, 1 << 20}, {"warmup", b.warmup, 1 << 20}} {
		if most.value > most.limit {
			return cli.Wrong("-%s %d: at most %d can be measured", most.flag, most.value, most.limit)
		}
	}
	for _, arch := range strings.Split(b.archs, ",") {
		if err := app.CheckNetwork(models.Config{Arch: arch, Classes: b.classes}); err != nil {
			return err
		}
	}
	chosen := strings.Split(b.cases, ",")
	for _, c := range chosen {
		if !slices.Contains(benchCases, c) {
			return cli.Wrong("-cases: there is no case %q; there are %s", c, strings.Join(benchCases, ", "))
		}
	}
	dev, err := b.compute.Open()
	if err != nil {
		return err
	}
	if gpu, ok := dev.(*cuda.Device); ok {
		gpu.EndWith(ctx)
	}
	defer describeSim(env, dev)
	say := func(m measurement) error {
		m.Version, m.Device, m.Threads, m.ChannelsLast = greg.ThisProgram().Version, b.compute.Device, runtime.GOMAXPROCS(0), true
		m.Precision = cli.PrecisionOf(dev)
		m.TF32, m.BF16 = m.Precision == cuda.TF32.String(), m.Precision == cuda.BF16.String()
		m.Conv, m.Recompute = b.conv, b.recompute
		if key := m.Case + " " + m.Arch; m.Seconds > 0 {
			if t, known := b.first[key]; known {
				m.Speedup = t / m.Seconds
			} else {
				b.first[key] = m.Seconds
			}
		}
		line, err := json.Marshal(m)
		if err == nil {
			_, err = fmt.Fprintf(env.Stdout, "%s\n", line)
		}
		return err
	}
	for _, c := range benchCases {
		for _, n := range b.threads {
			if !slices.Contains(chosen, c) {
				continue
			}
			if err := b.onThreads(n, func() error { return b.measure(ctx, dev, c, say) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure runs one case on all architectures.
func (b benchFlags) measure(ctx context.Context, dev kernels.Device, name string, say func(measurement) error) (err error) {
	defer autograd.Catch(&err)
	switch name {
	case "machine":
		return say(measureMachine())
	case "gemm":
		return b.gemm(ctx, dev, say)
	case "conv":
		return b.convolution(ctx, dev, say)
	}
	for _, arch := range strings.Split(b.archs, ",") {
		if err := b.network(ctx, dev, name, arch, say); err != nil {
			return err
		}
	}
	return nil
}

// onThreads runs f on n threads, 0 for as many as there are now.
func (b benchFlags) onThreads(n int, f func() error) error {
	if n > 0 {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	}
	return f()
}

func parseThreads(list string) ([]int, error) {
	if list == "" {
		return []int{0}, nil
	}
	var all []int
	for _, one := range strings.Split(list, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < 1 || n > 1024 {
			return nil, cli.Wrong("-threads: %q is not a number of threads from 1 to 1024", one)
		}
		all = append(all, n)
	}
	return all, nil
}

// measurement is one line of output.
type measurement struct {
	Case string `json:"case"`
	Arch string `json:"arch,omitempty"`
	N    int    `json:"n,omitempty"`

	Seconds   float64 `json:"seconds,omitempty"` // median of the steps
	ImagesPer float64 `json:"images_per_s,omitempty"`
	GFLOPS    float64 `json:"gflops,omitempty"`
	CopyGB    float64 `json:"copy_gb_per_s,omitempty"` // bytes read and written
	Best      float64 `json:"best_gflops,omitempty"`   // of the fastest step
	OfPeak    float64 `json:"of_peak,omitempty"`       // that over the peak of so many threads
	Error     float64 `json:"error,omitempty"`         // against float64, over the largest value
	Speedup   float64 `json:"speedup,omitempty"`       // over the first number of threads

	Roofline   float64 `json:"roofline_s,omitempty"`  // seconds that memory and arithmetic ask for at least
	OfRoofline float64 `json:"of_roofline,omitempty"` // that over the median

	PeakMiB    float64 `json:"peak_mib,omitempty"`   // activations and cotangents
	ParamsMiB  float64 `json:"params_mib,omitempty"` // weights, gradients, momentum
	Bytes      int64   `json:"bytes,omitempty"`
	Operations int64   `json:"operations,omitempty"`

	Version      string `json:"gradgrad"`
	Device       string `json:"device"`
	Precision    string `json:"precision"`
	Threads      int    `json:"threads"`
	TF32         bool   `json:"tf32"`
	BF16         bool   `json:"bf16"`
	ChannelsLast bool   `json:"channels_last"`

	Conv      kernels.ConvAlgorithm `json:"conv"`
	Recompute bool                  `json:"recompute"`
}

// clock times f: warm-up first, then the median of the steps and the least.
func (b benchFlags) clock(ctx context.Context, dev kernels.Device, f func() error) (median, least float64, err error) {
	defer autograd.Catch(&err)
	var times []float64
	for i := range b.warmup + b.steps {
		if err := ctx.Err(); err != nil {
			return 0, 0, err
		}
		began := time.Now()
		if err := f(); err != nil {
			return 0, 0, err
		}
		if err := dev.Sync(); err != nil {
			return 0, 0, err
		}
		if i >= b.warmup {
			times = append(times, time.Since(began).Seconds())
		}
	}
	slices.Sort(times)
	return times[len(times)/2], times[0], nil
}
