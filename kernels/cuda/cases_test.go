package cuda_test

import (
	"math"
	"math/rand/v2"

	"gradgrad/kernels"
)

// kcase is one run of a kernel: what it gets and how it is filled.
type kcase struct {
	kernel *kernels.Kernel
	name   string
	attr   any
	in     []filling // of the operands
	out    []filling // of the results: only the length matters, unless keep
	keep   bool      // results are read as well,
	fresh  int       // but for so many, the last ones, which hold nothing yet
	tol    float64   // 0: the usual
	least  float64   // what the largest value counts for at least, where sums cancel
	queued bool      // small calls are collected, not launched by themselves
	shift  int       // operands begin so many elements into their memory
	over   []int     // over[i] = j+1: result i is the memory of operand j
	bytes  []byte    // what the memory of the first operand holds
}

// filling is a run of elements; a nil one is a buffer that is not there.
type filling []float64

// source draws fillings.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 11))} }

func (s source) fill(n int, f func(i int) float64) filling {
	x := make(filling, n)
	for i := range x {
		x[i] = float64(float32(f(i)))
	}
	return x
}

// normal are numbers of both signs; positive ones without zero; below are whole
// numbers below k.
func (s source) normal(n int) filling { return s.fill(n, func(int) float64 { return s.NormFloat64() }) }

func (s source) positive(n int) filling {
	return s.fill(n, func(int) float64 { return 0.05 + 3*s.Float64() })
}

func (s source) below(n, k int) filling {
	return s.fill(n, func(int) float64 { return float64(s.IntN(k)) })
}

// from are normal numbers around mean.
func (s source) from(n int, mean, deviation float64) filling {
	return s.fill(n, func(int) float64 { return mean + deviation*s.NormFloat64() })
}

// blank is a result of n elements.
func blank(n int) filling { return make(filling, n) }

// family makes the cases of one file of kernels; full asks for the whole sweep.
type family func(s source, full bool) []kcase

// families are all cases; each test file adds its own.
var families []family

func addCases(f family) { families = append(families, f) }

func allCases(full bool) []kcase {
	var all []kcase
	for i, f := range families {
		all = append(all, f(newSource(uint64(i+1)), full)...)
	}
	return all
}

func init() {
	addCases(elementwiseCases)
	addCases(edgeCases)
	addCases(broadcastCases)
	addCases(moveCases)
	addCases(reduceCases)
	addCases(poolCases)
	addCases(normCases)
	addCases(optimCases)
}

// sizes are lengths with every kind of tail.
func sizes(full bool) []int {
	if full {
		return []int{1, 2, 3, 4, 5, 31, 32, 33, 127, 255, 256, 257, 1000, 1023, 1024, 1025, 4096, 4099}
	}
	return []int{3, 1027}
}

func elementwiseCases(s source, full bool) (all []kcase) {
	for _, n := range sizes(full) {
		for _, k := range []*kernels.Kernel{kernels.Copy, kernels.Scale, kernels.Exp, kernels.Abs, kernels.Sign, kernels.Step,
			kernels.StepFrom, kernels.Clamp, kernels.Within, kernels.ReLU, kernels.LeakyReLU, kernels.Sigmoid, kernels.Tanh,
			kernels.Softplus, kernels.Inverse} {
			all = append(all, kcase{kernel: k, attr: &kernels.MapAttr{P: -0.25, Q: 0.75}, in: []filling{s.normal(n)}, out: []filling{blank(n)}})
		}
		for _, k := range []*kernels.Kernel{kernels.Log, kernels.Sqrt} {
			all = append(all, kcase{kernel: k, in: []filling{s.positive(n)}, out: []filling{blank(n)}})
		}
		for _, p := range []float64{2, -0.5, 3, 0, 7.3} {
			all = append(all, kcase{kernel: kernels.Pow, attr: &kernels.MapAttr{P: p}, in: []filling{s.positive(n)}, out: []filling{blank(n)}})
		}
		for _, k := range []*kernels.Kernel{kernels.Add, kernels.Sub, kernels.Mul, kernels.Div, kernels.Minimum, kernels.Maximum,
			kernels.Prefer, kernels.Gate, kernels.Mix} {
			shape := []int{n}
			all = append(all, kcase{kernel: k, attr: &kernels.MapAttr{Shape: shape, A: shape, B: shape, P: 0.3, Q: -0.7},
				in: []filling{s.normal(n), s.normal(n)}, out: []filling{blank(n)}, over: []int{1}})
		}
		all = append(all, kcase{kernel: kernels.Fill, attr: &kernels.MapAttr{P: -1.5}, out: []filling{blank(n)}},
			kcase{kernel: kernels.Dropout, attr: &kernels.DropAttr{P: 0.3, Seed: 1 << 63, Stream: 77}, in: []filling{s.normal(n)}, out: []filling{blank(n)}})
	}
	return all
}

// edgeCases are the numbers at which functions change.
func edgeCases(s source, _ bool) (all []kcase) {
	inf, nan := math.Inf(1), math.NaN()
	x := filling{0, math.Copysign(0, -1), 1, -1, 0.5, inf, -inf, nan, 1e-45, -1e-39, 1.1754943508222875e-38, 3.4e38, -3.4e38, 88.5, 89.5, -87.5, -95, -103, -110, 0.6, -0.6, 1e-4, 2.0 / 3, 4.0 / 3}
	for i := range x {
		x[i] = float64(float32(x[i]))
	}
	y := make(filling, len(x))
	for i := range y {
		y[i] = x[(i*7+3)%len(x)]
	}
	n := len(x)
	for _, k := range []*kernels.Kernel{kernels.Copy, kernels.Exp, kernels.Log, kernels.Sqrt, kernels.Abs, kernels.Sign, kernels.Step,
		kernels.StepFrom, kernels.Clamp, kernels.Within, kernels.ReLU, kernels.LeakyReLU, kernels.Sigmoid, kernels.Tanh, kernels.Softplus} {
		all = append(all, kcase{kernel: k, name: "edges", attr: &kernels.MapAttr{P: 0, Q: 0.5}, in: []filling{x}, out: []filling{blank(n)}, tol: eachElement})
	}
	all = append(all, kcase{kernel: kernels.Inverse, name: "edges", in: []filling{{0, math.Copysign(0, -1), 4, -0.5, inf, -inf, nan, 0x1p-126}}, out: []filling{blank(8)}, tol: eachElement})
	for _, p := range []float64{0, 1, 2, 3, -1, -2, 0.5, 2.5, -0.5} {
		all = append(all, kcase{kernel: kernels.Pow, name: "edges", attr: &kernels.MapAttr{P: p}, in: []filling{x}, out: []filling{blank(n)}, tol: eachElement})
	}
	shape := []int{n}
	for _, k := range []*kernels.Kernel{kernels.Add, kernels.Sub, kernels.Mul, kernels.Minimum, kernels.Maximum, kernels.Prefer} {
		all = append(all, kcase{kernel: k, name: "edges", attr: &kernels.MapAttr{Shape: shape, A: shape, B: shape}, in: []filling{x, y}, out: []filling{blank(n)}, tol: eachElement})
	}
	for _, p := range []float64{0, 0.25} {
		all = append(all, kcase{kernel: kernels.Gate, name: "edges", attr: &kernels.MapAttr{Shape: shape, A: shape, B: shape, P: p}, in: []filling{x, y}, out: []filling{blank(n)}, tol: eachElement})
	}
	for _, c := range [][]float64{{1e30, 2e30, -3e30, 1e30}, {1e-30, 3e-30, 0, 1e-30}, {0, 0, 0, 0}, {1e-44, 0, 0, 3e-44}, {inf, 1, 2, 3}, {nan, 1, inf, 2}, {3e38, 3e38, 0, 0}} {
		all = append(all, kcase{kernel: kernels.RowNorm, name: "edges", attr: &kernels.ReduceAttr{Outer: 1, Reduce: 4, Inner: 1}, in: []filling{c}, out: []filling{blank(1)}, tol: eachElement})
		all = append(all, kcase{kernel: kernels.RowMax, name: "edges", attr: &kernels.ReduceAttr{Outer: 1, Reduce: 4, Inner: 1}, in: []filling{c}, out: []filling{blank(1), blank(1)}, tol: eachElement})
		all = append(all, kcase{kernel: kernels.LogSumExp, name: "edges", attr: &kernels.ReduceAttr{Outer: 1, Reduce: 4, Inner: 1}, in: []filling{c}, out: []filling{blank(1)}, tol: eachElement})
	}
	return all
}

func product(dims []int) int {
	n := 1
	for _, d := range dims {
		n *= d
	}
	return n
}

func broadcastCases(s source, full bool) (all []kcase) {
	shapes := [][3][]int{
		{{2, 3}, {2, 3}, {3}}, {{3, 2, 2}, {3, 2, 2}, {2}}, {{2, 3}, {2, 1}, {2, 3}}, {{2, 3, 2}, {2, 1, 2}, {3, 1}}, {{2, 2}, {}, {2, 2}},
		{{2, 5, 3, 7}, {2, 1, 1, 7}, {5, 1, 7}}, {{2, 3, 2, 3, 2, 3}, {2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3}}, {{1}, {1}, {}},
	}
	for _, c := range shapes {
		n := product(c[0])
		for _, k := range []*kernels.Kernel{kernels.Add, kernels.Sub, kernels.Mul, kernels.Div, kernels.Minimum, kernels.Maximum,
			kernels.Prefer, kernels.Gate, kernels.Mix} {
			if !full && k != kernels.Sub && len(c[0]) != 4 {
				continue
			}
			all = append(all, kcase{kernel: k, name: "broadcast", attr: &kernels.MapAttr{Shape: c[0], A: c[1], B: c[2], P: 0.3, Q: 2},
				in: []filling{s.normal(product(c[1])), s.normal(product(c[2]))}, out: []filling{blank(n)}})
		}
		all = append(all, kcase{kernel: kernels.Broadcast, attr: &kernels.MapAttr{Shape: c[0], A: c[1]}, in: []filling{s.normal(product(c[1]))}, out: []filling{blank(n)}})
	}
	return all
}

func moveCases(s source, full bool) (all []kcase) {
	add := func(k *kernels.Kernel, at *kernels.MoveAttr, outs int, ins ...int) {
		c := kcase{kernel: k, attr: at, out: []filling{blank(outs)}}
		for _, n := range ins {
			c.in = append(c.in, s.normal(n))
		}
		all = append(all, c)
	}
	add(kernels.Permute, &kernels.MoveAttr{Shape: []int{3, 4, 5}, Perm: []int{2, 0, 1}}, 60, 60)
	add(kernels.Permute, &kernels.MoveAttr{Shape: []int{2, 3, 4, 5}, Perm: []int{3, 1, 2, 0}}, 120, 120)
	add(kernels.Permute, &kernels.MoveAttr{Shape: []int{}, Perm: []int{}}, 1, 1)
	add(kernels.Slice, &kernels.MoveAttr{Shape: []int{4, 5}, Lo: []int{1, 0}, Out: []int{2, 5}}, 10, 20)
	add(kernels.Slice, &kernels.MoveAttr{Shape: []int{4, 5, 3}, Lo: []int{1, 2, 1}, Out: []int{3, 2, 2}}, 12, 60)
	add(kernels.Pad, &kernels.MoveAttr{Shape: []int{2, 5}, Lo: []int{1, 0}, Out: []int{4, 5}}, 20, 10)
	add(kernels.Pad, &kernels.MoveAttr{Shape: []int{3, 2, 2}, Lo: []int{1, 2, 1}, Out: []int{4, 5, 3}}, 60, 12)
	add(kernels.Pad, &kernels.MoveAttr{Shape: []int{2, 3, 3, 2}, Lo: []int{0, 1, 2, 0}, Out: []int{2, 6, 5, 2}}, 120, 36)
	add(kernels.Concat, &kernels.MoveAttr{Out: []int{2, 9}, Axis: 1}, 18, 4, 6, 8)
	add(kernels.Concat, &kernels.MoveAttr{Out: []int{7, 3}, Axis: 0}, 21, 6, 3, 12)
	many := make([]int, 37)
	for i := range many {
		many[i] = 2 * (1 + i%3)
	}
	total := 0
	for _, n := range many {
		total += n
	}
	add(kernels.Concat, &kernels.MoveAttr{Out: []int{2, total / 2}, Axis: 1}, total, many...)
	add(kernels.Gather, &kernels.MoveAttr{Shape: []int{2, 4, 3}, Axis: 1, Index: []int{3, 0, 3, 1, 2}}, 30, 24)
	add(kernels.Gather, &kernels.MoveAttr{Shape: []int{5}, Axis: 0, Index: []int{4}}, 1, 5)
	add(kernels.Scatter, &kernels.MoveAttr{Shape: []int{2, 5, 3}, Axis: 1, Index: []int{3, 0, 3, 1, 3}, Len: 4}, 24, 30)
	if full {
		add(kernels.Gather, &kernels.MoveAttr{Shape: []int{40, 33}, Axis: 0, Index: rand.New(rand.NewPCG(1, 1)).Perm(40)}, 1320, 1320)
		add(kernels.Permute, &kernels.MoveAttr{Shape: []int{33, 5, 31}, Perm: []int{2, 1, 0}}, 5115, 5115)
	}
	return all
}

func reduceCases(s source, full bool) (all []kcase) {
	shapes := [][2]int{{3, 10}, {9, 33}, {1, 1}, {2, 1030}}
	if full {
		shapes = append(shapes, [2]int{17, 1}, [2]int{5, 100}, [2]int{8, 1024}, [2]int{3, 1025}, [2]int{2, 4099}, [2]int{1, 257})
	}
	for _, c := range shapes {
		outer, n := c[0], c[1]
		at := &kernels.ReduceAttr{Outer: outer, Reduce: n, Inner: 1}
		x := s.from(outer*n, 1, 4)
		tied := s.below(outer*n, 7)
		for _, k := range []*kernels.Kernel{kernels.Sum, kernels.LogSumExp, kernels.RowNorm} {
			all = append(all, kcase{kernel: k, attr: at, in: []filling{x}, out: []filling{blank(outer)}})
		}
		for _, k := range []*kernels.Kernel{kernels.Softmax, kernels.LogSoftmax} {
			all = append(all, kcase{kernel: k, attr: at, in: []filling{x}, out: []filling{blank(outer * n)}})
		}
		all = append(all, kcase{kernel: kernels.RowMax, attr: at, in: []filling{tied}, out: []filling{blank(outer), blank(outer)}},
			kcase{kernel: kernels.CrossEntropy, attr: at, in: []filling{x, s.below(outer, n)}, out: []filling{blank(outer)}},
			kcase{kernel: kernels.RowPick, attr: at, in: []filling{x, s.below(outer, n)}, out: []filling{blank(outer)}},
			kcase{kernel: kernels.RowPlace, attr: at, in: []filling{s.normal(outer), s.below(outer, n)}, out: []filling{blank(outer * n)}})
	}
	long := [][3]int{{1, 20000, 1}, {2, 3, 5}, {1, 700, 33}, {3, 100, 40}}
	if full {
		long = append(long, [3]int{3, 16385, 1}, [3]int{2, 40000, 1}, [3]int{1, 3000, 1}, [3]int{1, 5000, 3}, [3]int{5, 33, 64}, [3]int{2, 256, 129}, [3]int{4, 1, 7})
	}
	for _, c := range long {
		at := &kernels.ReduceAttr{Outer: c[0], Reduce: c[1], Inner: c[2]}
		x := s.from(c[0]*c[1]*c[2], 0.5, 1)
		all = append(all, kcase{kernel: kernels.Sum, name: "long", attr: at, in: []filling{x}, out: []filling{blank(c[0] * c[2])}})
		if c[2] == 1 {
			all = append(all, kcase{kernel: kernels.RowNorm, name: "long", attr: at, in: []filling{x}, out: []filling{blank(c[0])}})
		}
	}
	return all
}

func poolCases(s source, full bool) (all []kcase) {
	shapes := []kernels.PoolAttr{
		{N: 2, H: 6, W: 4, C: 3, OutH: 3, OutW: 2, KH: 2, KW: 2, StrideH: 2, StrideW: 2},
		{N: 1, H: 5, W: 7, C: 2, OutH: 3, OutW: 4, KH: 3, KW: 3, StrideH: 2, StrideW: 2, PadH: 1, PadW: 1},
		{N: 2, H: 5, W: 7, C: 5, OutH: 2, OutW: 3, Adaptive: true},
		{N: 2, H: 4, W: 4, C: 8, OutH: 1, OutW: 1, Adaptive: true},
	}
	if full {
		shapes = append(shapes,
			kernels.PoolAttr{N: 2, H: 9, W: 8, C: 7, OutH: 9, OutW: 8, KH: 3, KW: 3, StrideH: 1, StrideW: 1, PadH: 1, PadW: 1},
			kernels.PoolAttr{N: 3, H: 8, W: 8, C: 33, OutH: 3, OutW: 3, KH: 2, KW: 2, StrideH: 3, StrideW: 3},
			kernels.PoolAttr{N: 1, H: 3, W: 3, C: 4, OutH: 7, OutW: 5, Adaptive: true},
			kernels.PoolAttr{N: 1, H: 7, W: 5, C: 1, OutH: 2, OutW: 1, KH: 5, KW: 4, StrideH: 3, StrideW: 2, PadH: 2, PadW: 0})
	}
	for _, g := range shapes {
		all = append(all, poolCasesOf(s, g)...)
	}
	return all
}

func poolCasesOf(s source, g kernels.PoolAttr) (all []kcase) {
	pixels, cells := g.N*g.H*g.W*g.C, g.N*g.OutH*g.OutW*g.C
	x := s.fill(pixels, func(int) float64 { return float64(s.IntN(9) - 1000) }) // with ties, and below the zeros around the image
	places := filling(oracle(kernels.MaxPool, &g, []filling{x}, cells, cells)[1])
	all = append(all,
		kcase{kernel: kernels.MaxPool, attr: &g, in: []filling{x}, out: []filling{blank(cells), blank(cells)}},
		kcase{kernel: kernels.AvgPool, attr: &g, in: []filling{s.normal(pixels)}, out: []filling{blank(cells)}},
		kcase{kernel: kernels.PoolPick, attr: &g, in: []filling{s.normal(pixels), places}, out: []filling{blank(cells)}},
		kcase{kernel: kernels.PoolPlace, attr: &g, in: []filling{s.normal(cells), places}, out: []filling{blank(pixels)}},
		kcase{kernel: kernels.AvgSpread, attr: &g, in: []filling{s.normal(cells)}, out: []filling{blank(pixels)}})
	return all
}

func optimCases(s source, full bool) (all []kcase) {
	for _, n := range sizes(full) {
		for _, at := range []kernels.SGDAttr{{LR: 0.1}, {LR: 0.1, Momentum: 0.9, Decay: 0.01, First: true}, {LR: 0.1, Momentum: 0.9, Decay: 0.01, Nesterov: true}} {
			c := kcase{kernel: kernels.SGD, attr: &at, in: []filling{s.normal(n)}, out: []filling{s.normal(n)}, keep: true}
			if at.First {
				c.fresh = 1
			}
			if at.Momentum != 0 {
				c.out = append(c.out, s.normal(n))
			} else {
				c.out = append(c.out, nil)
			}
			all = append(all, c)
		}
		for _, step := range []int{1, 7} {
			fresh := 0
			if step == 1 {
				fresh = 2
			}
			all = append(all, kcase{kernel: kernels.Adam, fresh: fresh, attr: &kernels.AdamAttr{LR: 0.01, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01, Step: step},
				in: []filling{s.normal(n)}, out: []filling{s.normal(n), s.normal(n), s.positive(n)}, keep: true})
		}
	}
	return all
}

func normCases(s source, full bool) (all []kcase) {
	shapes := [][2]int{{5, 3}, {2, 4}, {300, 1}, {70, 2}, {100, 8}, {60, 16}, {77, 33}}
	all = append(normCasesOf(s, 390, 36, true, -30), normCasesOf(s, 400, 33, false, 3)...) // rows in pieces, channels in two tiles
	all = append(all, normCasesOf(newSource(300), 6, 300, false, 0)...)                    // more tiles than the simulator holds blocks
	for _, c := range normCasesOf(s, 1056, 17, true, 0) {
		if c.kernel == kernels.BatchNormGrad2 {
			all = append(all, c) // sums of more pieces than are read at once
		}
	}
	if full {
		all = append(all, normCasesOf(s, 20000, 32, true, 0)...)
		shapes = append(shapes, [2]int{1, 4}, [2]int{1000, 1}, [2]int{33, 33}, [2]int{129, 64}, [2]int{64, 100}, [2]int{4000, 12}, [2]int{515, 16}, [2]int{40, 342}, [2]int{700, 150})
	}
	for _, c := range shapes {
		mean := 200.0 // whose squares take most of float32's digits
		if c[0] <= 5 {
			mean = 1 // the variance of few rows may be small against the mean's last digit
		}
		all = append(append(all, normCasesOf(s, c[0], c[1], false, 0)...), normCasesOf(s, c[0], c[1], true, mean)...)
		if full && c[0] > 5 {
			all = append(append(all, normCasesOf(s, c[0], c[1], true, 0)...), normCasesOf(s, c[0], c[1], false, mean)...)
		}
	}
	return all
}

func normCasesOf(s source, m, c int, relu bool, mean float64) []kcase {
	at := &kernels.NormAttr{M: m, C: c, Eps: 1e-5, ReLU: relu}
	x, g, u := s.from(m*c, mean, 1.5), s.normal(m*c), s.from(m*c, mean/3, 1)
	if m == 2 { // their difference must not be small against float32's digits
		for j := range c {
			x[c+j] = float64(float32(x[j] + math.Copysign(2, x[j])))
		}
	}
	gamma, beta := s.normal(c), s.normal(c)
	gamma[0] = 0
	stats := momentsOf(at, x, gamma, beta)
	xh := stats.xh
	w, wg, wb := s.normal(c), s.normal(c), s.normal(c)
	rowsOut, channels := blank(m*c), blank(c)
	plain := *at
	plain.ReLU = false
	all := []kcase{
		{kernel: kernels.BatchNorm, attr: at, in: []filling{x, gamma, beta}, out: []filling{rowsOut, channels, channels, channels}},
		{kernel: kernels.BatchNormApply, attr: at, in: []filling{x, gamma, beta, stats.mean, stats.rstd}, out: []filling{rowsOut}},
		{kernel: kernels.ChannelAffine, attr: at, in: []filling{x, gamma, beta}, out: []filling{rowsOut}},
		{kernel: kernels.BatchNormGrad, attr: at, in: []filling{g, x, gamma, beta, stats.mean, stats.rstd}, out: []filling{rowsOut, channels, channels}, over: []int{1}},
		{kernel: kernels.BatchNormGrad2, attr: at, in: []filling{u, wg, wb, g, x, gamma, beta, stats.mean, stats.rstd}, out: []filling{rowsOut, rowsOut, channels}, over: []int{1, 5, 2}},
		{kernel: kernels.Normalise, attr: &plain, in: []filling{x}, out: []filling{rowsOut, channels, channels, channels}},
		{kernel: kernels.NormaliseGrad, attr: &plain, in: []filling{u, xh, stats.rstd, w}, out: []filling{rowsOut}},
		{kernel: kernels.NormaliseGrad, name: "without w", attr: &plain, in: []filling{g, xh, stats.rstd, nil}, out: []filling{rowsOut}},
		{kernel: kernels.NormaliseGrad2, attr: &plain, in: []filling{u, g, xh, stats.rstd, w}, out: []filling{rowsOut, rowsOut, channels, channels}, over: []int{0, 1, 0, 5}},
		{kernel: kernels.NormaliseGrad2, name: "without w", attr: &plain, in: []filling{u, g, xh, stats.rstd, nil}, out: []filling{rowsOut, rowsOut, channels, channels}},
	}
	without := *at
	without.NoDW = true
	all = append(all, kcase{kernel: kernels.BatchNormGrad2, name: "without wg, wb", attr: &without,
		in: []filling{u, nil, nil, g, x, gamma, beta, stats.mean, stats.rstd}, out: []filling{rowsOut, rowsOut, channels}})
	skip, y, tm := s.normal(m*c), s.normal(m*c), s.normal(m*c)
	all = append(all,
		kcase{kernel: kernels.BatchNormAdd, attr: &plain, in: []filling{x, gamma, beta, skip}, out: []filling{rowsOut, channels, channels, channels}},
		kcase{kernel: kernels.ChannelAffine, name: "with a sum", attr: at, in: []filling{x, gamma, beta, skip}, out: []filling{rowsOut}},
		kcase{kernel: kernels.BatchNormGrad, name: "onto a sum", attr: at, in: []filling{g, x, gamma, beta, stats.mean, stats.rstd, skip}, out: []filling{rowsOut, channels, channels}, over: []int{7}},
		kcase{kernel: kernels.BatchNormAddGrad, attr: &plain, in: []filling{g, x, gamma, stats.mean, stats.rstd, y, nil, nil}, out: []filling{rowsOut, rowsOut, channels, channels}, over: []int{1}},
		kcase{kernel: kernels.BatchNormAddGrad, name: "onto a sum", attr: &plain, in: []filling{g, x, gamma, stats.mean, stats.rstd, y, nil, skip}, out: []filling{rowsOut, rowsOut, channels, channels}},
		kcase{kernel: kernels.BatchNormAddGrad2, attr: &plain, in: []filling{tm, u, wg, wb, g, x, gamma, stats.mean, stats.rstd, y}, out: []filling{rowsOut, rowsOut, channels}, over: []int{1, 5}},
		kcase{kernel: kernels.BatchNormAddGrad2, name: "without wg, wb", attr: &without, in: []filling{tm, u, nil, nil, g, x, gamma, stats.mean, stats.rstd, y}, out: []filling{rowsOut, rowsOut, channels}, over: []int{2}})
	least := 0.0
	switch {
	case m <= 2:
		least = 1 // the projection of two rows is nearly zero
	case c < 4:
		least = 0.2 // sums that cancel have no larger ones beside them
	}
	for i := range all {
		all[i].least = least
	}
	return all
}
