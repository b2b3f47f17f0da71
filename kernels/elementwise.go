package kernels

import "math"

// MapAttr is the attribute of elementwise kernels. Shape is the result's, A and
// B are the operands' shapes, broadcast to it as NumPy does (aligned at the last
// axis; an axis of length 1 is repeated). P and Q are the constants of those
// kernels that have any.
type MapAttr struct {
	Shape, A, B []int
	P, Q        float64
}

// chunk is how many elements a worker takes at a time: 128 KiB of three float32
// operands stay in the second-level cache.
const chunk = 8192

// Map1 makes a kernel of one operand from a loop over a run of elements.
func Map1(name string, f32 func(y, x []float32, p, q float64), f64 func(y, x []float64, p, q float64)) *Kernel {
	return New(name, map1(f32), map1(f64))
}

func map1[T Float](f func(y, x []T, p, q float64)) func(*Args) {
	return func(a *Args) {
		y, x := Data[T](a.Out[0]), Data[T](a.In[0])
		var p, q float64
		if at, ok := a.Attr.(*MapAttr); ok {
			p, q = at.P, at.Q
		}
		share(chunks(len(y)), mapJob1[T]{f, y, x, p, q})
	}
}

// chunks is the number of chunks of n elements, chunkAt where one of them lies.
func chunks(n int) int              { return (n + chunk - 1) / chunk }
func chunkAt(i, n int) (lo, hi int) { return i * chunk, min(n, (i+1)*chunk) }

// mapJob1 is the work of a kernel of one operand, chunk by chunk.
type mapJob1[T Float] struct {
	f    func(y, x []T, p, q float64)
	y, x []T
	p, q float64
}

func (j *mapJob1[T]) piece(i int) {
	lo, hi := chunkAt(i, len(j.y))
	j.f(j.y[lo:hi], j.x[lo:hi], j.p, j.q)
}

// Map2 makes a kernel of two operands, broadcast against each other.
func Map2(name string, f32 func(y, a, b []float32, p, q float64), f64 func(y, a, b []float64, p, q float64)) *Kernel {
	return New(name, map2(f32), map2(f64))
}

func map2[T Float](f func(y, a, b []T, p, q float64)) func(*Args) {
	return func(args *Args) {
		y, a, b := Data[T](args.Out[0]), Data[T](args.In[0]), Data[T](args.In[1])
		at := args.Attr.(*MapAttr)
		if len(a) == len(y) && len(b) == len(y) {
			share(chunks(len(y)), mapJob2[T]{f, y, a, b, at.P, at.Q})
			return
		}
		broadcast(at, f, y, a, b)
	}
}

// mapJob2 is the work of a kernel of two operands of one shape.
type mapJob2[T Float] struct {
	f       func(y, a, b []T, p, q float64)
	y, a, b []T
	p, q    float64
}

func (j *mapJob2[T]) piece(i int) {
	lo, hi := chunkAt(i, len(j.y))
	j.f(j.y[lo:hi], j.a[lo:hi], j.b[lo:hi], j.p, j.q)
}

// The binary kernels.
var (
	Add     = Map2("add", addLoop[float32], addLoop[float64])
	Sub     = Map2("sub", subLoop[float32], subLoop[float64])
	Mul     = Map2("mul", mulLoop[float32], mulLoop[float64])
	Div     = Map2("div", divLoop[float32], divLoop[float64])
	Minimum = Map2("minimum", minLoop[float32], minLoop[float64])
	Maximum = Map2("maximum", maxLoop[float32], maxLoop[float64])
	// Prefer is 1 where a > b, 1/2 where they are equal, 0 elsewhere.
	Prefer = Map2("prefer", preferLoop[float32], preferLoop[float64])
	// Gate passes a where b > 0; elsewhere it is P*a.
	Gate = Map2("gate", gateLoop[float32], gateLoop[float64])
)

// The unary kernels.
var (
	Copy = Map1("copy", copyLoop[float32], copyLoop[float64])
	// Scale is P*x + Q.
	Scale = Map1("scale", scaleLoop[float32], scaleLoop[float64])
	Exp   = Map1("exp", expLoop[float32], expLoop[float64])
	Log   = Map1("log", logLoop[float32], logLoop[float64])
	Sqrt  = Map1("sqrt", sqrtLoop[float32], sqrtLoop[float64])
	// Pow is x to the power P.
	Pow  = Map1("pow", powLoop[float32], powLoop[float64])
	Abs  = Map1("abs", absLoop[float32], absLoop[float64])
	Sign = Map1("sign", signLoop[float32], signLoop[float64])
	// Step is 1 where x > P, else 0; StepFrom is 1 where x >= P.
	Step     = Map1("step", stepLoop[float32], stepLoop[float64])
	StepFrom = Map1("stepfrom", stepFromLoop[float32], stepFromLoop[float64])
	// Clamp limits x to [P, Q]; Within is 1 where P <= x <= Q, else 0.
	Clamp  = Map1("clamp", clampLoop[float32], clampLoop[float64])
	Within = Map1("within", withinLoop[float32], withinLoop[float64])
	ReLU   = Map1("relu", reluLoop[float32], reluLoop[float64])
	// LeakyReLU is x where x > 0, else P*x.
	LeakyReLU = Map1("leakyrelu", leakyLoop[float32], leakyLoop[float64])
	Sigmoid   = Map1("sigmoid", sigmoidLoop[float32], sigmoidLoop[float64])
	Tanh      = Map1("tanh", tanhLoop[float32], tanhLoop[float64])
	Softplus  = Map1("softplus", softplusLoop[float32], softplusLoop[float64])
	// Inverse is 1/x, and 0 where that is infinite: at 0 and, in float32, at
	// subnormal numbers below 3e-39.
	Inverse = Map1("inverse", inverseLoop[float32], inverseLoop[float64])
)

// Fill sets every element to P. It has no operands.
var Fill = New("fill", fillKernel(fillLoop[float32]), fillKernel(fillLoop[float64]))

func fillKernel[T Float](f func(y, _ []T, p, q float64)) func(*Args) {
	return func(a *Args) {
		y := Data[T](a.Out[0])
		share(chunks(len(y)), mapJob1[T]{f, y, y, a.Attr.(*MapAttr).P, 0})
	}
}

func fillLoop[T Float](y, _ []T, p, _ float64) { vecFill(y, T(p)) }

// clearJob sets elements to zero.
type clearJob[T Float] struct{ y []T }

func (j *clearJob[T]) piece(i int) {
	lo, hi := chunkAt(i, len(j.y))
	clear(j.y[lo:hi])
}

func addLoop[T Float](y, a, b []T, _, _ float64) { vecAdd(y, a, b) }

func subLoop[T Float](y, a, b []T, _, _ float64) { vecSub(y, a, b) }

func mulLoop[T Float](y, a, b []T, _, _ float64) { vecMul(y, a, b) }

func divLoop[T Float](y, a, b []T, _, _ float64) {
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		y[i] = a[i] / b[i]
	}
}

func minLoop[T Float](y, a, b []T, _, _ float64) {
	for i := range y {
		y[i] = min(a[i], b[i])
	}
}

func maxLoop[T Float](y, a, b []T, _, _ float64) {
	for i := range y {
		y[i] = max(a[i], b[i])
	}
}

func preferLoop[T Float](y, a, b []T, _, _ float64) {
	for i := range y {
		switch {
		case a[i] > b[i]:
			y[i] = 1
		case a[i] == b[i]:
			y[i] = 0.5
		default:
			y[i] = 0
		}
	}
}

func gateLoop[T Float](y, a, b []T, p, _ float64) {
	s := T(p)
	if s == 0 {
		vecReluGrad(y, a, b)
		return
	}
	a, b = a[:len(y)], b[:len(y)]
	for i := range y {
		v := a[i]
		if !(b[i] > 0) {
			v *= s
		}
		y[i] = v
	}
}

func copyLoop[T Float](y, x []T, _, _ float64) { copy(y, x) }

func scaleLoop[T Float](y, x []T, p, q float64) {
	s, t := T(p), T(q)
	if t == 0 {
		vecScale(y, x, s)
		return
	}
	x = x[:len(y)]
	for i := range y {
		y[i] = s*x[i] + t
	}
}

// each applies a float64 function to every element.
func each[T Float](y, x []T, f func(float64) float64) {
	for i, v := range x {
		y[i] = T(f(float64(v)))
	}
}

func expLoop[T Float](y, x []T, _, _ float64)  { each(y, x, math.Exp) }
func logLoop[T Float](y, x []T, _, _ float64)  { each(y, x, math.Log) }
func sqrtLoop[T Float](y, x []T, _, _ float64) { each(y, x, math.Sqrt) }
func absLoop[T Float](y, x []T, _, _ float64)  { each(y, x, math.Abs) }
func tanhLoop[T Float](y, x []T, _, _ float64) { each(y, x, math.Tanh) }

func powLoop[T Float](y, x []T, p, _ float64) {
	each(y, x, func(v float64) float64 { return math.Pow(v, p) })
}

func signLoop[T Float](y, x []T, _, _ float64) {
	for i, v := range x {
		switch {
		case v > 0:
			y[i] = 1
		case v < 0:
			y[i] = -1
		default:
			y[i] = v * v // 0 without a sign, or NaN
		}
	}
}

func stepLoop[T Float](y, x []T, p, _ float64) {
	for i, v := range x {
		y[i] = truth[T](float64(v) > p)
	}
}

func stepFromLoop[T Float](y, x []T, p, _ float64) {
	for i, v := range x {
		y[i] = truth[T](float64(v) >= p)
	}
}

func truth[T Float](b bool) T {
	if b {
		return 1
	}
	return 0
}

func clampLoop[T Float](y, x []T, p, q float64) {
	lo, hi := T(p), T(q)
	for i, v := range x {
		y[i] = min(max(v, lo), hi)
	}
}

func withinLoop[T Float](y, x []T, p, q float64) {
	lo, hi := T(p), T(q)
	for i, v := range x {
		y[i] = truth[T](v >= lo && v <= hi)
	}
}

func reluLoop[T Float](y, x []T, _, _ float64) { vecRelu(y, x) }

func leakyLoop[T Float](y, x []T, p, _ float64) {
	s := T(p)
	for i, v := range x {
		if !(v > 0) {
			v *= s
		}
		y[i] = v
	}
}

func sigmoidLoop[T Float](y, x []T, _, _ float64) { each(y, x, sigmoid) }

// sigmoid never overflows: the exponential's argument is not positive.
func sigmoid(v float64) float64 {
	if v >= 0 {
		return 1 / (1 + math.Exp(-v))
	}
	e := math.Exp(v)
	return e / (1 + e)
}

func softplusLoop[T Float](y, x []T, _, _ float64) {
	each(y, x, func(v float64) float64 { return max(v, 0) + math.Log1p(math.Exp(-math.Abs(v))) })
}

func inverseLoop[T Float](y, x []T, _, _ float64) {
	for i, v := range x {
		y[i] = 1 / v
		if math.IsInf(float64(y[i]), 0) {
			y[i] = 0
		}
	}
}
