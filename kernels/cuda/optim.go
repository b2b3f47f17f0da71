package cuda

import (
	"errors"
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
	p := piece{y: l.addr(l.Out[0]), b: l.addr(l.In[0]), n: l.Out[0].Len(), sgd: at}
	copy(p.numbers[:], sgdNumbers(at))
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
	l.sgdNumbers(p).flat("sgd", items)
}

// sgdNumbers appends what an update is made with.
func (l *launch) sgdNumbers(p piece) *launch {
	return l.num(p.first).varying(p.numbers[:4], func() []float64 { return sgdNumbers(p.sgd) })
}

// sgdNumbers are the momentum, the decay, and what the weights move by for each of
// the gradient and the momentum buffer.
func sgdNumbers(at *kernels.SGDAttr) []float64 {
	if at.Nesterov {
		return []float64{at.Momentum, at.Decay, -at.LR, -at.LR * at.Momentum}
	}
	return []float64{at.Momentum, at.Decay, 0, -at.LR}
}

// adam is kernels.AdamStep for a call that is no piece of a queue.
func adam(l *launch) {
	at := l.Attr.(*kernels.AdamAttr)
	p := piece{y: l.addr(l.Out[0]), a: l.addr(l.Out[1]), v: l.addr(l.Out[2]), b: l.addr(l.In[0]), n: l.Out[0].Len(), adam: at}
	copy(p.numbers[:], adamNumbers(at))
	if at.Step == 1 {
		p.first = 1
	}
	l.adam(p)
}

// adam launches one update.
func (l *launch) adam(p piece) {
	items := l.at(p.y, p.a, p.v, p.b).items(p.n, p.y, p.a, p.v, p.b)
	l.adamNumbers([]piece{p}).flat("adam", items)
}

// adamNumbers appends what updates are made with, which is the same for all of them.
// In a replay that has to stay so: the launch has one set of numbers.
func (l *launch) adamNumbers(work []piece) *launch {
	attrs := make([]*kernels.AdamAttr, len(work))
	for i, p := range work {
		attrs[i] = p.adam
	}
	dev, name := l.dev, l.kernel.Name
	return l.num(work[0].first).varying(work[0].numbers[:], func() []float64 {
		n := adamNumbers(attrs[0])
		for _, at := range attrs[1:] {
			if *at != *attrs[0] {
				dev.fail("replaying "+name, errApart)
			}
		}
		return n
	})
}

// errApart is about parameters that got another step count than others after a capture.
var errApart = errors.New("parameters that were updated together when the step was captured are at different steps now: capture it again")

// adamNumbers are the decays of both moments and what is left to new values, the
// learning rate and the scale of the root with their bias corrections, and the rest.
func adamNumbers(at *kernels.AdamAttr) []float64 {
	t := float64(at.Step)
	step, root := at.LR/(1-math.Pow(at.Beta1, t)), 1/math.Sqrt(1-math.Pow(at.Beta2, t))
	return []float64{at.Beta1, 1 - at.Beta1, at.Beta2, 1 - at.Beta2, step, root, at.Eps, at.Decay}
}
