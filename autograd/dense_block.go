package autograd

import "gradgrad/kernels"

// A dense block whose batch statistics are known has nothing to wait for between
// its layers: one image can go through all of them while it is in the cache. The
// row denseblock does so and leaves nothing behind; its rule runs the layers one by
// one and differentiates those.

var denseBlockOp *Op

// DenseLayer is the constants of a layer of [DenseBlock] that reads c channels and
// appends g by way of k: Scale and Shift [c] in front of the first ReLU, Weights
// [1, 1, c, k], Scale2 and Shift2 [k] in front of the second, Weights2 [3, 3, k, g].
type DenseLayer struct{ Scale, Shift, Weights, Scale2, Shift2, Weights2 *Value }

// layerOperands is the number of operands of one layer.
const layerOperands = 6

func (l *DenseLayer) operands() []*Value {
	return []*Value{l.Scale, l.Shift, l.Weights, l.Scale2, l.Shift2, l.Weights2}
}

// DenseBlock applies layers to images x [N, H, W, C], each to all channels so far:
// ReLU(Scale*X + Shift), a 1x1 convolution, ReLU(Scale2*Y + Shift2), a 3x3
// convolution with a border of zeros. The result is all channels, those of x first.
func DenseBlock(x *Value, layers ...DenseLayer) *Value {
	if len(x.shape) != 4 {
		bad("denseblock", "images [N, H, W, C]", x)
	}
	in := []*Value{x}
	alike := x.dev == kernels.CPU || x.dev == kernels.CPU64
	c := x.shape[3]
	for _, l := range layers {
		checkDenseLayer(l, c)
		alike = alike && sameShape(l.Weights2.shape, layers[0].Weights2.shape)
		c += l.Weights2.Dim(-1)
		in = append(in, l.operands()...)
	}
	if !alike || len(layers) == 0 {
		return denseLayers(in)
	}
	return denseBlockOp.one(nil, in...)
}

func checkDenseLayer(l DenseLayer, c int) {
	w, w2 := l.Weights.shape, l.Weights2.shape
	if len(w) != 4 || len(w2) != 4 || w[0] != 1 || w[1] != 1 || w[2] != c || w2[0] != 3 || w2[1] != 3 || w2[2] != w[3] {
		bad("denseblock", "weights [1, 1, C, K] for all channels so far, and [3, 3, K, G]", l.Weights, l.Weights2)
	}
	for i, v := range []*Value{l.Scale, l.Shift, l.Scale2, l.Shift2} {
		if want := []int{c, c, w[3], w[3]}[i]; len(v.shape) != 1 || v.shape[0] != want {
			bad("denseblock", "one number for each channel", v, l.Weights)
		}
	}
}

// denseLayers is the block layer by layer.
func denseLayers(in []*Value) *Value {
	parts := []*Value{in[0]}
	for l := in[1:]; len(l) > 0; l = l[layerOperands:] {
		y := AffineConv(l[0], l[1], l[2], parts...)
		h := AffineReLU(l[3], l[4], y)
		y.Done()
		parts = append(parts, Conv2D(h, l[5], Square(1, 1)))
		h.Done()
	}
	all := Concat(-1, parts...)
	for _, p := range parts[1:] {
		p.Done()
	}
	return all
}

func init() {
	denseBlockOp = op(Op{Name: "denseblock", Args: Variadic, Kernel: kernels.DenseBlock,
		Attr: func(c *Call) any {
			x, w2 := c.In[0].shape, c.In[layerOperands].shape
			return &kernels.DenseBlockAttr{N: x[0], H: x[1], W: x[2], C: x[3], K: w2[2], Growth: w2[3], Layers: len(c.In) / layerOperands}
		},
		Shape: func(c *Call) [][]int {
			x := c.In[0].shape
			n := len(c.In) / layerOperands
			return c.shapes(c.dims(x[0], x[1], x[2], x[3]+n*c.In[layerOperands].Dim(-1)))
		},
		Joint:  &JointRule{Reads: ReadsAllIn, VJP: throughDefinition},
		Define: func(c *Call) []*Value { return []*Value{denseLayers(c.In)} },
		Samples: func() []Sample {
			f := func(in []*Value) *Value {
				var layers []DenseLayer
				for l := in[1:]; len(l) > 0; l = l[layerOperands:] {
					layers = append(layers, DenseLayer{l[0], l[1], l[2], l[3], l[4], l[5]})
				}
				return DenseBlock(in[0], layers...)
			}
			return []Sample{
				{Name: "one layer", Shapes: [][]int{{2, 2, 1, 2}, {2}, {2}, {1, 1, 2, 3}, {3}, {3}, {3, 3, 3, 1}}, F: f},
				{Name: "two layers", Shapes: [][]int{{1, 1, 2, 1}, {1}, {1}, {1, 1, 1, 2}, {2}, {2}, {3, 3, 2, 2},
					{3}, {3}, {1, 1, 3, 2}, {2}, {2}, {3, 3, 2, 2}}, F: f},
			}
		}})
}
