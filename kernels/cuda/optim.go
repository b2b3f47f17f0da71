package cuda

import (
	"math"

	"gradgrad/kernels"
)

func init() {
	register(sgd, "sgd")
	register(adam, "adam")
}

// sgd is kernels.SGDStep. Without momentum the buffer is scratch memory, which is
// written for nothing.
func sgd(l *launch) {
	at := l.Attr.(*kernels.SGDAttr)
	n := l.Out[0].Len()
	first := 0
	if at.First || len(l.Out) < 2 || l.Out[1] == nil {
		first = 1
	}
	var m uint64
	if len(l.Out) > 1 && l.Out[1] != nil {
		m = l.addr(l.Out[1])
	} else {
		m = l.temp(n)
	}
	w, g := l.addr(l.Out[0]), l.addr(l.In[0])
	items := l.at(w, m, g).items(n, w, m, g)
	l.num(first).varying(func() []float64 {
		cd, cm := 0.0, -at.LR
		if at.Nesterov {
			cd, cm = -at.LR, -at.LR*at.Momentum
		}
		return []float64{at.Momentum, at.Decay, cd, cm}
	}).flat("sgd", items)
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
	l.num(first).varying(func() []float64 {
		t := float64(at.Step)
		step, root := at.LR/(1-math.Pow(at.Beta1, t)), 1/math.Sqrt(1-math.Pow(at.Beta2, t))
		return []float64{at.Beta1, 1 - at.Beta1, at.Beta2, 1 - at.Beta2, step, root, at.Eps, at.Decay}
	}).flat("adam", items)
}
