package cuda

import "gradgrad/kernels"

func init() { register(denseBlock, "denseblock") }

// denseBlock runs the layers of a dense block one after the other, each as its product,
// its affine and its convolution; what they make stays apart until the end, as in
// training. A GPU's cache holds no image's worth of a block, which is what the CPU's
// kernel lives on.
func denseBlock(l *launch) {
	at := l.Attr.(*kernels.DenseBlockAttr)
	m := at.N * at.H * at.W
	parts, widths := []kernels.Buffer{l.In[0]}, []int{at.C}
	mid := l.tensor(m * at.K)
	conv := &kernels.ConvAttr{N: at.N, H: at.H, W: at.W, C: at.K, OutH: at.H, OutW: at.W, K: at.Growth, KH: 3, KW: 3,
		StrideH: 1, StrideW: 1, PadH: 1, PadW: 1, DilationH: 1, DilationW: 1, Groups: 1, Algorithm: kernels.ConvDirect}
	norm := &kernels.NormAttr{M: m, C: at.K, ReLU: true}
	for i := range at.Layers {
		in := l.In[1+6*i:]
		l.nested(kernels.AffineConv, &kernels.AffineConvAttr{M: m, K: at.K, Widths: widths}, mid, append([]kernels.Buffer{in[0], in[1], in[2]}, parts...)...)
		l.nested(kernels.ChannelAffine, norm, mid, mid, in[3], in[4])
		made := l.tensor(m * at.Growth)
		l.nested(kernels.Conv, conv, made, mid, in[5])
		parts, widths = append(parts, made), append(widths, at.Growth)
	}
	l.nested(kernels.Concat, &kernels.MoveAttr{Axis: 1, Out: []int{m, at.C + at.Layers*at.Growth}}, l.Out[0], parts...)
}

// tensor is scratch memory of n elements as an operand, until the launcher returns.
func (l *launch) tensor(n int) kernels.Buffer { return &buffer{dev: l.dev, at: l.temp(n), n: n} }

// nested runs another kernel as a part of this one.
func (l *launch) nested(k *kernels.Kernel, attr any, out kernels.Buffer, in ...kernels.Buffer) {
	table[k.Name](&launch{Args: &kernels.Args{In: in, Out: []kernels.Buffer{out}, Attr: attr}, dev: l.dev, kernel: k})
}
