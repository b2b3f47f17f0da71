package main

import (
	"context"
	"math/rand/v2"
	"slices"

	"gradgrad/autograd"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/optim"
)

// benchSide is the height and width of the images that networks are timed on.
const benchSide = 32

// benchCost is what a case does: images a step, and its arithmetic in forwards.
type benchCost struct{ images, forwards int }

func (b benchFlags) cost(name string) benchCost {
	return map[string]benchCost{
		"infer": {b.inferBatch, 1}, "ce": {b.batch, 3}, "energy": {2 * b.batch, 3}, "greg": {2 * b.batch, 6}, "greg+": {3 * b.batch, 8}, "greg-ref": {2 * b.batch, 7},
	}[name]
}

// benchStep is one network with its optimiser and random images.
type benchStep struct {
	net    models.Model
	tape   *autograd.Tape
	opt    optim.Optimizer
	loss   greg.Loss
	x      []float32
	labels []int
	images int
	step   uint64
	pool   []float32 // candidates of greg+

	// Where the device can replay steps, as training does: how images come to it, and
	// where to.
	repeat *autograd.Repeater
	inlet  kernels.Inlet
	in     *autograd.Value

	conv      kernels.ConvAlgorithm
	recompute bool
}

// network times one case on one network.
func (b benchFlags) network(ctx context.Context, dev kernels.Device, name, arch string, say func(measurement) error) error {
	cfg := models.Config{Arch: arch, Classes: b.classes}
	var meter *metered
	if b.compute.Device == "cpu" {
		meter = &metered{Device: dev}
		dev = meter
	}
	net, err := models.New(cfg, dev, 1)
	if err != nil {
		return cli.AsWrong(err)
	}
	macs, err := models.MultiplyAdds(cfg, benchSide)
	if err != nil {
		return err
	}
	cost := b.cost(name)
	s := newBenchStep(net, dev, name, cost.images, b.batch, b.classes)
	defer s.close()
	if can, ok := dev.(kernels.Capturer); ok {
		if s.inlet, err = can.NewInlet(); err != nil {
			return err
		}
		s.in = autograd.Full(dev, 0, s.images, benchSide, benchSide, 3)
	}
	s.conv, s.recompute = b.conv, b.recompute
	t, _, err := b.clock(ctx, dev, s.of(name))
	if err != nil {
		return err
	}
	m := measurement{Case: name, Arch: arch, Seconds: t, ImagesPer: float64(cost.images) / t}
	m.GFLOPS = 2 * float64(macs) * float64(cost.images*cost.forwards) / t / 1e9
	if err := s.count(name, dev, meter, &m); err != nil {
		return err
	}
	if meter != nil && meter.least > 0 {
		m.Roofline, m.OfRoofline = meter.least, meter.least/t
	}
	return say(m)
}

func newBenchStep(net models.Model, dev kernels.Device, name string, images, batch, classes int) *benchStep {
	s := &benchStep{net: net, tape: autograd.NewTape(dev), images: images, x: noise(images * benchSide * benchSide * 3)}
	s.repeat = autograd.NewRepeater(s.tape)
	s.opt = optim.NewSGD(net.Params(), optim.SGDConfig{Momentum: 0.9, Decay: 1e-4, Nesterov: true})
	s.loss = greg.Loss{MarginIn: -23, MarginAux: -5, Variant: greg.Paper, ForceHits: true}
	if name != "ce" {
		s.loss.LambdaS = 0.1
	}
	if name == "greg" || name == "greg+" {
		s.loss.LambdaGrad = 1
	}
	if name == "greg+" {
		s.pool = noise(6 * batch * benchSide * benchSide * 3)
	}
	r := rand.New(rand.NewPCG(2, 2))
	for range batch {
		s.labels = append(s.labels, r.IntN(classes))
	}
	return s
}

// of is the step of a case.
func (s *benchStep) of(name string) func() error {
	switch name {
	case "infer":
		return s.infer
	case "greg-ref":
		return func() error { return s.train(s.reference) }
	}
	return func() error {
		if s.pool != nil {
			if err := s.choose(); err != nil {
				return err
			}
		}
		return s.train(func(p *layers.Pass, x *autograd.Value) *autograd.Value {
			return s.loss.Of(p, s.net, greg.Batch{Images: x, Labels: s.labels, Fixed: s.inlet != nil}).Total
		})
	}
}

func (s *benchStep) close() {
	s.tape.Close()
	if s.inlet != nil {
		_, _ = s.repeat.Close(), s.inlet.Close() // the measurements are made
	}
}

// send copies the images to the device where they do not come with the step.
func (s *benchStep) send() error {
	if s.inlet == nil {
		return nil
	}
	host, err := s.inlet.Host(len(s.x))
	if err != nil {
		return err
	}
	copy(host, s.x)
	if err := s.inlet.Send(); err != nil {
		return err
	}
	return s.inlet.Take(s.in.Buffer())
}

func (s *benchStep) input() *autograd.Value {
	if s.inlet != nil {
		return s.tape.Watch(s.in).Detach()
	}
	return s.tape.New(s.x, s.images, benchSide, benchSide, 3)
}

func (s *benchStep) infer() error {
	if err := s.send(); err != nil {
		return err
	}
	return s.repeat.Do("infer", nil, func() {
		defer s.tape.Release()
		s.net.Forward(&layers.Pass{Tape: s.tape, Frozen: true, Conv: s.conv}, s.input())
	})
}

func (s *benchStep) train(loss func(*layers.Pass, *autograd.Value) *autograd.Value) error {
	if err := s.send(); err != nil {
		return err
	}
	s.step++
	return s.repeat.Do("train", nil, func() {
		defer s.tape.Release()
		p := layers.Training(s.tape, 1, s.step)
		p.Conv, p.Recompute = s.conv, s.recompute
		autograd.Backward(loss(p, s.input()), s.net.Params()...)
		s.opt.Step(1e-4)
	})
}

// reference is the loss as the authors' code computes it: CE and equation (1) on
// one forward, then the gradient of the mean-reduced hinges on a second one. The
// hinges are moved so far that all of them are active.
func (s *benchStep) reference(p *layers.Pass, x *autograd.Value) *autograd.Value {
	const far = 1e3
	n := len(s.labels)
	x = s.tape.Watch(x)
	terms := s.loss.Terms(p, s.net, x, s.labels, false)
	logits, _ := s.net.Forward(p, x)
	score := autograd.Neg(autograd.LogSumExp(logits))
	in := autograd.ReLU(autograd.AddScalar(autograd.Neg(autograd.Slice(score, 0, 0, n)), far))
	aux := autograd.ReLU(autograd.AddScalar(autograd.Slice(score, 0, n, score.Dim(0)), far))
	hinges := autograd.Sub(autograd.Mean(aux), autograd.Mean(in))
	norms := autograd.Norm(autograd.Grad(hinges, x)[0])
	return autograd.Add(terms.Total, autograd.Mean(norms))
}

// count runs one more step, operation by operation, and counts what it reads, writes and holds.
func (s *benchStep) count(name string, dev kernels.Device, meter *metered, m *measurement) error {
	size := int64(dev.DType().Size())
	if meter != nil {
		meter.begin()
		defer meter.end()
	}
	s.tape.Observe(func(_ *autograd.Op, in, out []*autograd.Value) {
		m.Operations++
		for _, v := range append(slices.Clone(in), out...) {
			if v != nil { // an operand or a result may be left out
				m.Bytes += size * int64(v.Size())
			}
		}
	})
	defer s.tape.Observe(nil)
	s.repeat.Eager = true // there are operations to observe
	if err := s.of(name)(); err != nil {
		return err
	}
	_, peak, _ := s.tape.Memory()
	copies := int64(3) // weights, gradients, momentum
	if name == "infer" {
		copies = 1
	}
	m.PeakMiB = float64(peak) / (1 << 20)
	m.ParamsMiB = float64(copies*size*int64(models.ParamCount(s.net))) / (1 << 20)
	return nil
}
