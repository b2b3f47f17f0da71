package cuda

import (
	"math"

	"gradgrad/kernels"
)

func init() {
	register(sgd, "sgd")
	register(adam, "adam")
}

// sgd is kernels.SGDStep for a call that is no piece of a queue: without momentum the
// buffer is scratch memory, which is written for nothing.
func sgd(l *launch) {
	at := l.Attr.(*kernels.SGDAttr)
	p := piece{y: l.addr(l.Out[0]), b: l.addr(l.In[0]), n: l.Out[0].Len(), sgd: at, numbers: sgdNumbers(at)}
	if len(l.Out) > 1 && l.Out[1] != nil {
		p.a = l.addr(l.Out[1])
	} else {
		p.a, p.first = l.temp(p.n), 1
	}
	if at.First {
		p.first = 1
	}
	l.sgd(p)
}

// sgd launches one update.
func (l *launch) sgd(p piece) {
	items := l.at(p.y, p.a, p.b).items(p.n, p.y, p.a, p.b)
	l.num(p.first).varying(p.numbers[:], func() []float64 { n := sgdNumbers(p.sgd); return n[:] }).flat("sgd", items)
}

// sgdNumbers are the momentum, the decay, and what the weights move by for each of
// the gradient and the momentum buffer.
func sgdNumbers(at *kernels.SGDAttr) [4]float64 {
	if at.Nesterov {
		return [4]float64{at.Momentum, at.Decay, -at.LR, -at.LR * at.Momentum}
	}
	return [4]float64{at.Momentum, at.Decay, 0, -at.LR}
}

// adam is kernels.AdamStep.
func adam(l *launch) {
	at := l.Attr.(*kernels.AdamAttr)
	w, m, v, g := l.addr(l.Out[0]), l.addr(l.Out[1]), l.addr(l.Out[2]), l.addr(l.In[0])
	first := 0
	if at.Step == 1 {
		first = 1
	}
	items := l.at(w, m, v, g).items(l.Out[0].Len(), w, m, v, g)
	numbers := func() []float64 {
		t := float64(at.Step)
		step, root := at.LR/(1-math.Pow(at.Beta1, t)), 1/math.Sqrt(1-math.Pow(at.Beta2, t))
		return []float64{at.Beta1, 1 - at.Beta1, at.Beta2, 1 - at.Beta2, step, root, at.Eps, at.Decay}
	}
	l.num(first).varying(numbers(), numbers).flat("adam", items)
}
