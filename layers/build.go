package layers

import (
	"hash/fnv"
	"math/rand/v2"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// Builder makes layers and keeps a list of their state.
type Builder struct {
	// ConvInit fills convolution weights, UniformFanIn when nil. LinearBiasInit
	// does the same for the bias of linear layers.
	ConvInit, LinearBiasInit Init
	// Blank leaves parameters undefined, for a network of which only the shapes
	// matter.
	Blank bool

	dev     kernels.Device
	seed    uint64
	prefix  string
	entries *[]Entry
}

// Entry is one array of a network's state: a parameter or a buffer.
type Entry struct {
	Param  *autograd.Param // nil for a buffer
	Buffer *Buffer         // nil for a parameter
}

// Name is the name of the parameter or buffer.
func (e Entry) Name() string {
	if e.Param != nil {
		return e.Param.Name
	}
	return e.Buffer.Name
}

// NewBuilder returns a builder of layers on a device.
func NewBuilder(dev kernels.Device, seed uint64) *Builder {
	return &Builder{dev: dev, seed: seed, entries: new([]Entry)}
}

// In returns a builder for the same network that puts name and a dot before the
// names it is given.
func (b *Builder) In(name string) *Builder {
	c := *b
	c.prefix += name + "."
	return &c
}

// Entries lists the state made so far, in the order of its making.
func (b *Builder) Entries() []Entry { return *b.entries }

// Params lists the parameters made so far.
func (b *Builder) Params() []*autograd.Param {
	var ps []*autograd.Param
	for _, e := range *b.entries {
		if e.Param != nil {
			ps = append(ps, e.Param)
		}
	}
	return ps
}

// Buffers lists the buffers made so far.
func (b *Builder) Buffers() []*Buffer {
	var bs []*Buffer
	for _, e := range *b.entries {
		if e.Buffer != nil {
			bs = append(bs, e.Buffer)
		}
	}
	return bs
}

// Conv makes a k x k convolution from in to out channels.
func (b *Builder) Conv(name string, k, in, out int, at autograd.Window) *Conv2D {
	in /= max(at.Groups, 1)
	w := b.param(name+".weight", orDefault(b.ConvInit), k*k*in, k*k*out, k, k, in, out)
	return &Conv2D{Weight: w, At: at}
}

// Linear makes a linear layer with weights U(±1/√in), as PyTorch does.
func (b *Builder) Linear(name string, in, out int) *Linear {
	return &Linear{
		Weight: b.param(name+".weight", UniformFanIn, in, out, out, in),
		Bias:   b.param(name+".bias", orDefault(b.LinearBiasInit), in, out, out),
	}
}

// BatchNorm makes a batch norm of c channels with scale 1 and shift 0, followed
// by ReLU if asked.
func (b *Builder) BatchNorm(name string, c int, relu bool) *BatchNorm2D {
	return &BatchNorm2D{
		Weight:  b.param(name+".weight", One, c, c, c),
		Bias:    b.param(name+".bias", Zero, c, c, c),
		Mean:    b.buffer(&Buffer{Name: name + ".running_mean", Value: autograd.Full(b.dev, 0, c)}),
		Var:     b.buffer(&Buffer{Name: name + ".running_var", Value: autograd.Full(b.dev, 1, c)}),
		Batches: b.buffer(&Buffer{Name: name + ".num_batches_tracked"}),
		ReLU:    relu,
	}
}

func (b *Builder) buffer(f *Buffer) *Buffer {
	f.Name = b.prefix + f.Name
	*b.entries = append(*b.entries, Entry{Buffer: f})
	return f
}

func (b *Builder) param(name string, init Init, fanIn, fanOut int, shape ...int) *autograd.Param {
	name = b.prefix + name
	var v *autograd.Value
	if b.Blank {
		v = autograd.Full(b.dev, 0, shape...)
	} else {
		h := fnv.New64a()
		h.Write([]byte(name))
		n := 1
		for _, d := range shape {
			n *= d
		}
		data := make([]float32, n)
		init(rand.New(rand.NewPCG(b.seed, h.Sum64())), data, fanIn, fanOut)
		v = autograd.New(b.dev, data, shape...)
	}
	p := autograd.NewParam(name, v)
	*b.entries = append(*b.entries, Entry{Param: p})
	return p
}
