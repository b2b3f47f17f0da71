package models

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// Model is a classifier of images.
type Model interface {
	// Forward maps normalised images [N, H, W, 3] to logits [N, classes] and
	// penultimate features [N, D].
	Forward(p *layers.Pass, x *autograd.Value) (logits, features *autograd.Value)
	// Config is what the model was made from.
	Config() Config
	// Head maps features to logits.
	Head() *layers.Linear
	// Params are what training changes, Buffers the running statistics, Entries
	// both in the order of PyTorch's state_dict.
	Params() []*autograd.Param
	Buffers() []*layers.Buffer
	Entries() []layers.Entry
}

// New makes a network with initial values that depend on the seed and on nothing
// else. An unknown architecture gives an error that lists the known ones.
func New(cfg Config, dev kernels.Device, seed uint64) (Model, error) {
	return build(cfg, layers.NewBuilder(dev, seed))
}

func build(cfg Config, b *layers.Builder) (*network, error) {
	a, err := cfg.architecture()
	if err != nil {
		return nil, err
	}
	body, features := a.body(b)
	head := b.Linear(a.head, features, cfg.Classes)
	return &network{Builder: b, cfg: cfg, body: body, head: head}, nil
}

// body maps images to features, which it leaves to the caller; it does not call
// Done on the images.
type body func(p *layers.Pass, x *autograd.Value) *autograd.Value

// network is a body and a head; the builder keeps their state.
type network struct {
	*layers.Builder
	cfg  Config
	body body
	head *layers.Linear
}

func (n *network) Config() Config       { return n.cfg }
func (n *network) Head() *layers.Linear { return n.head }

func (n *network) Forward(p *layers.Pass, x *autograd.Value) (logits, features *autograd.Value) {
	if s := x.Shape(); len(s) != 4 || s[3] != 3 {
		panic(&autograd.ShapeError{Op: n.cfg.Arch, Shapes: [][]int{s}, Want: "images [N, H, W, 3]"})
	}
	features = n.body(p, x)
	p.Stage("features", features)
	return n.head.Forward(p, features), features
}

// pooled ends a body: the average of every channel, of a value that it consumes.
func pooled(x *autograd.Value) *autograd.Value {
	y := autograd.GlobalAvgPool(x)
	x.Done()
	return y
}

// block is a part of a network that calls Done on its operand.
type block interface {
	consume(p *layers.Pass, x *autograd.Value) *autograd.Value
}

// stage is a run of blocks that hooks see as one.
type stage struct {
	name   string
	blocks []block
}

// run applies stages to x, consuming it.
func run(p *layers.Pass, x *autograd.Value, stages []stage) *autograd.Value {
	for i, s := range stages {
		for _, b := range s.blocks {
			x = p.Block(func() *autograd.Value { return b.consume(p, x) })
		}
		p.Stage(s.name, x)
		if i < len(stages)-1 {
			x = p.Next(x)
		}
	}
	return x
}
