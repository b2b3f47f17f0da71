package kernels

import "math"

// SGDAttr is the attribute of the kernel "sgd".
type SGDAttr struct {
	LR, Momentum, Decay float64
	Nesterov            bool
	First               bool // the first step: the momentum buffer holds nothing yet
}

// AdamAttr is the attribute of the kernel "adam".
type AdamAttr struct {
	LR, Beta1, Beta2, Eps, Decay float64
	Step                         int // 1 in the first step, when m and v hold nothing yet
}

// The optimisers' updates; the Out buffers are read and written.
var (
	// SGD: In grad; Out w, momentum (nil without momentum). See [SGDStep].
	SGD = New("sgd", sgdKernel[float32], sgdKernel[float64])
	// Adam: In grad; Out w, m, v. See [AdamStep].
	Adam = New("adam", adamKernel[float32], adamKernel[float64])
)

func sgdKernel[T Float](a *Args) {
	at := a.Attr.(*SGDAttr)
	var momentum []T
	if len(a.Out) > 1 && a.Out[1] != nil {
		momentum = Data[T](a.Out[1])
	}
	SGDStep(Data[T](a.Out[0]), Data[T](a.In[0]), momentum, at.LR, at.Momentum, at.Decay, at.Nesterov, at.First)
}

func adamKernel[T Float](a *Args) {
	at := a.Attr.(*AdamAttr)
	AdamStep(Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.Out[1]), Data[T](a.Out[2]),
		at.LR, at.Beta1, at.Beta2, at.Eps, at.Decay, at.Step)
}

// optimChunk is the elements that one goroutine takes at a time.
const optimChunk = 1 << 14

// SGDStep updates w in place as PyTorch's SGD does without dampening:
//
//	d = grad + decay*w;  buf = d at first, then mom*buf + d
//	w -= lr*(d + mom*buf) with Nesterov, lr*buf without
//
// The momentum buffer may be nil when mom is 0.
func SGDStep[T Float](w, grad, momentum []T, lr, mom, decay float64, nesterov, first bool) {
	cd, cm := 0.0, -lr
	if nesterov {
		cd, cm = -lr, -lr*mom
	}
	share(optimChunks(len(w)), sgdJob[T]{w, grad, momentum, T(mom), T(decay), T(cd), T(cm), first})
}

func optimChunks(n int) int { return (n + optimChunk - 1) / optimChunk }

// sgdJob updates a chunk of parameters.
type sgdJob[T Float] struct {
	w, grad, momentum  []T
	mom, decay, cd, cm T
	first              bool
}

func (j *sgdJob[T]) piece(i int) {
	lo, hi := i*optimChunk, min((i+1)*optimChunk, len(j.w))
	m := j.momentum
	if m == nil {
		s := borrow[T](hi - lo)
		defer giveBack(s)
		m = s.data
	} else {
		m = m[lo:hi]
	}
	if j.first || j.momentum == nil {
		vecFill(m, 0)
	}
	vecSGD(j.w[lo:hi], m, j.grad[lo:hi], j.mom, j.decay, j.cd, j.cm)
}

// vecSGD is d = decay*w + grad, m = mom*m + d, w += cd*d + cm*m.
func vecSGD[T Float](w, m, grad []T, mom, decay, cd, cm T) {
	n := 0
	if w32, ok := any(w).([]float32); ok {
		n = vecSGDFast(w32, any(m).([]float32), any(grad).([]float32),
			float32(mom), float32(decay), float32(cd), float32(cm))
	}
	w, m, grad = w[n:], m[n:], grad[n:]
	for i, v := range w {
		d := fma(decay, v, grad[i])
		m[i] = fma(mom, m[i], d)
		w[i] = fma(cm, m[i], fma(cd, d, v))
	}
}

// AdamStep updates w in place as PyTorch's Adam does (Kingma and Ba,
// arXiv:1412.6980; decay is added to the gradient), t = 1 in the first step:
//
//	d = grad + decay*w;  m = b1*m + (1-b1)*d;  v = b2*v + (1-b2)*d*d
//	w -= lr/(1-b1^t) * m / (sqrt(v/(1-b2^t)) + eps)
func AdamStep[T Float](w, grad, m, v []T, lr, b1, b2, eps, decay float64, t int) {
	k := adamConstants[T]{b1: T(b1), c1: T(1 - b1), b2: T(b2), c2: T(1 - b2), eps: T(eps), decay: T(decay)}
	k.step = T(lr / (1 - math.Pow(b1, float64(t))))
	k.root = T(1 / math.Sqrt(1-math.Pow(b2, float64(t))))
	share(optimChunks(len(w)), adamJob[T]{w, grad, m, v, k, t == 1})
}

// adamJob updates a chunk of parameters.
type adamJob[T Float] struct {
	w, grad, m, v []T
	k             adamConstants[T]
	first         bool
}

func (j *adamJob[T]) piece(i int) {
	lo, hi := i*optimChunk, min((i+1)*optimChunk, len(j.w))
	if j.first {
		vecFill(j.m[lo:hi], 0)
		vecFill(j.v[lo:hi], 0)
	}
	vecAdam(j.w[lo:hi], j.m[lo:hi], j.v[lo:hi], j.grad[lo:hi], j.k)
}

// adamConstants are the scalars of one step; step is the corrected rate, root the
// correction of sqrt(v).
type adamConstants[T Float] struct{ b1, c1, b2, c2, root, eps, step, decay T }

func vecAdam[T Float](w, m, v, grad []T, k adamConstants[T]) {
	n := 0
	if w32, ok := any(w).([]float32); ok {
		n = vecAdamFast(w32, any(m).([]float32), any(v).([]float32), any(grad).([]float32),
			any(k).(adamConstants[float32]))
	}
	w, m, v, grad = w[n:], m[n:], v[n:], grad[n:]
	for i, old := range w {
		d := fma(k.decay, old, grad[i])
		m[i] = fma(k.b1, m[i], k.c1*d)
		v[i] = fma(k.b2, v[i], k.c2*(d*d))
		w[i] = old - k.step*m[i]/fma(k.root, T(math.Sqrt(float64(v[i]))), k.eps)
	}
}
