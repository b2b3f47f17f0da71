package cuda

import "gradgrad/kernels"

func init() {
	register(batchNormAdd, "bnadd")
	register(withSum(batchNormAddGrad, 7, 1), "bnadd.grad")
	register(batchNormAddGrad2, "bnadd.grad2")
}

// nested runs another kernel before the launcher goes on.
func (l *launch) nested(k *kernels.Kernel, attr any, out, in []kernels.Buffer) {
	var space [64]uint64
	table[k.Name](&launch{Args: &kernels.Args{In: in, Out: out, Attr: attr}, dev: l.dev, kernel: k, params: space[:0]})
}

// tensor is scratch memory of n elements as an operand.
func (l *launch) tensor(n int) kernels.Buffer { return &buffer{dev: l.dev, at: l.temp(n), n: n} }

// elementwise runs a kernel of two operands of equal size.
func (l *launch) elementwise(k *kernels.Kernel, y, a, b kernels.Buffer) {
	n := []int{y.Len()}
	l.nested(k, &kernels.MapAttr{Shape: n, A: n, B: n}, []kernels.Buffer{y}, []kernels.Buffer{a, b})
}

// withSum makes a launcher of so many operands one that adds a result to a further
// operand, if that is there. It may be the memory of the result.
func withSum(f launcher, operands, result int) launcher {
	return func(l *launch) {
		if len(l.In) <= operands {
			f(l)
			return
		}
		sum, args := l.In[operands], *l.Args
		args.In = l.In[:operands]
		inner := *l
		inner.Args = &args
		if sum == nil {
			f(&inner)
			return
		}
		y := l.Out[result]
		term := l.tensor(y.Len())
		args.Out = append([]kernels.Buffer{}, l.Out...)
		args.Out[result] = term
		f(&inner)
		l.elementwise(kernels.Add, y, sum, term)
	}
}

// withoutReLU is the attribute of the batch norm within.
func (l *launch) withoutReLU() *kernels.NormAttr {
	at := *l.Attr.(*kernels.NormAttr)
	at.ReLU = false
	return &at
}

// addReLU adds skip to y, which becomes at least 0 where that is asked for.
func (l *launch) addReLU(y, skip kernels.Buffer, relu bool) {
	l.elementwise(kernels.Add, y, y, skip)
	if relu {
		n := []int{y.Len()}
		l.nested(kernels.ReLU, &kernels.MapAttr{Shape: n, A: n}, []kernels.Buffer{y}, []kernels.Buffer{y})
	}
}

func batchNormAdd(l *launch) {
	l.nested(kernels.BatchNorm, l.withoutReLU(), l.Out, l.In[:3])
	l.addReLU(l.Out[0], l.In[3], true)
}

func batchNormAddGrad(l *launch) {
	g, x, gamma, mean, rstd, y, gm := l.In[0], l.In[1], l.In[2], l.In[3], l.In[4], l.In[5], l.Out[0]
	l.elementwise(kernels.Gate, gm, g, y)
	l.nested(kernels.BatchNormGrad, l.withoutReLU(), l.Out[1:], []kernels.Buffer{gm, x, gamma, gamma, mean, rstd})
}

func batchNormAddGrad2(l *launch) {
	tm, u, wg, wb, gm, x := l.In[0], l.In[1], l.In[2], l.In[3], l.In[4], l.In[5]
	gamma, mean, rstd, y := l.In[6], l.In[7], l.In[8], l.In[9]
	dg := l.tensor(tm.Len())
	l.nested(kernels.BatchNormGrad2, l.withoutReLU(), []kernels.Buffer{dg, l.Out[1], l.Out[2]},
		[]kernels.Buffer{u, wg, wb, gm, x, gamma, gamma, mean, rstd})
	l.elementwise(kernels.Add, l.Out[0], tm, dg)
	l.elementwise(kernels.Gate, l.Out[0], l.Out[0], y)
}

// affineApply runs affine, with a sum before the bound if there is one.
func affineApply(l *launch) {
	if len(l.In) < 4 || l.In[3] == nil {
		args, inner := *l.Args, *l
		args.In = l.In[:3]
		inner.Args = &args
		normApply(&inner)
		return
	}
	l.nested(l.kernel, l.withoutReLU(), l.Out, l.In[:3])
	l.addReLU(l.Out[0], l.In[3], l.Attr.(*kernels.NormAttr).ReLU)
}
