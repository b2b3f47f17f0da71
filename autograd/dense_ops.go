package autograd

import "slices"

// Normalise subtracts from every channel (the last axis) of x its mean over all
// other axes and divides by the root of its biased variance plus eps. It also returns
// the mean and the variance, [C] each, as constants. Unlike [BatchNorm] it keeps
// nothing of x.
func Normalise(x *Value, eps float64) (xh, mean, variance *Value) {
	if len(x.shape) < 2 {
		bad("normalise", "x [..., C]", x)
	}
	out := normaliseOp.apply(boxed(x.tape, normalisation{eps: eps}), x)
	out[1].Done() // rstd: kept only where a derivative needs it
	return out[0], out[2], out[3]
}

// AffineConv is a 1x1 convolution of ReLU(scale*X + shift), where the channels of
// X [..., C] are those of the parts, in their order. scale and shift are [C], the
// weights [1, 1, C, K]; the result is [..., K]. Neither X nor its activation is
// ever stored.
func AffineConv(scale, shift, w *Value, parts ...*Value) *Value {
	checkParts("affineconv", scale, shift, parts)
	if s := w.shape; len(s) != 4 || s[0] != 1 || s[1] != 1 || s[2] != scale.Size() {
		bad("affineconv", "weights [1, 1, C, K] for C channels in all parts", scale, w)
	}
	t := tapeOf(parts...)
	in := t.list(3 + len(parts))
	in[0], in[1], in[2] = scale, shift, w
	copy(in[3:], parts)
	return affineConvOp.one(boxed(t, affineConvolution{parts: len(parts)}), in...)
}

// AffineReLU is ReLU(scale*X + shift), where the channels of X [..., C] are those of
// the parts, in their order; scale and shift are [C].
func AffineReLU(scale, shift *Value, parts ...*Value) *Value {
	checkParts("affinerelu", scale, shift, parts)
	x := parts[0]
	if len(parts) > 1 {
		x = Concat(-1, parts...)
		defer x.Done()
	}
	return affineOp.one(boxed(tapeOf(x, scale, shift), normalisation{relu: true}), x, scale, shift, nil)
}

func checkParts(op string, scale, shift *Value, parts []*Value) {
	if len(parts) == 0 {
		panic(&UsageError{Op: op, Problem: "no parts"})
	}
	c, last := 0, len(parts[0].shape)-1
	for _, p := range parts {
		if last < 1 || len(p.shape) != last+1 || !sameShape(p.shape[:last], parts[0].shape[:last]) {
			bad(op, "parts [..., c] that are equal but for their channels", parts...)
		}
		c += p.shape[last]
	}
	for _, v := range []*Value{scale, shift} {
		if len(v.shape) != 1 || v.shape[0] != c {
			bad(op, "one number for each channel of all parts", slices.Concat([]*Value{v}, parts)...)
		}
	}
}
