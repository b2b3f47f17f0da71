package cuda

import (
	"math/bits"
	"unsafe"

	"gradgrad/kernels"
)

func init() {
	register(dense1, "copy", "scale", "sqrt", "abs", "sign", "step", "stepfrom", "clamp", "within", "relu", "leakyrelu", "inverse")
	register(single1, "exp", "log", "pow", "sigmoid", "tanh", "softplus")
	register(binary, "add", "sub", "mul", "div", "minimum", "maximum", "prefer", "gate", "mix")
	register(fill, "fill")
	register(dropout, "dropout")
	register(broadcast, "broadcast")
}

// constants are P and Q of the attribute, 0 without one.
func (l *launch) constants() (p, q float64) {
	if at, ok := l.Attr.(*kernels.MapAttr); ok {
		return at.P, at.Q
	}
	return 0, 0
}

// items appends the two counts of a dense kernel: how many items of work are four
// elements each, which needs aligned operands, and how many items there are.
func (l *launch) items(n int, operands ...uint64) (total int) {
	n4 := 0
	if aligned(operands...) {
		n4 = n / 4
	}
	l.num(n4, n-3*n4)
	return n - 3*n4
}

// dense launches a kernel on n elements of a result and its operands.
func (l *launch) dense(name string, n int, p, q float64, at ...uint64) {
	items := l.at(at...).items(n, at...)
	l.float(p, q).flat(name, items)
}

// dense1 launches a kernel of one operand.
func dense1(l *launch) {
	p, q := l.constants()
	l.dense(l.kernel.Name, l.Out[0].Len(), p, q, l.addr(l.Out[0]), l.addr(l.In[0]))
}

// single1 is dense1 for kernels that have one element to a thread.
func single1(l *launch) {
	p, q := l.constants()
	n := l.Out[0].Len()
	l.ptr(l.Out[0], l.In[0]).num(n).float(p, q).flat(l.kernel.Name, n)
}

// binary launches a kernel of two operands, broadcast if they are.
func binary(l *launch) {
	at := l.Attr.(*kernels.MapAttr)
	n := l.Out[0].Len()
	y, a, b := l.addr(l.Out[0]), l.addr(l.In[0]), l.addr(l.In[1])
	if l.In[0].Len() == n && l.In[1].Len() == n {
		l.dense(l.kernel.Name, n, at.P, at.Q, y, a, b)
		return
	}
	l.at(y, a, b).num(n).float(at.P, at.Q).axes(newAxes(at.Shape, stepsOf(at.Shape, at.A), stepsOf(at.Shape, at.B)))
	l.flat(l.kernel.Name+"_strided", n)
}

func fill(l *launch) {
	y := l.addr(l.Out[0])
	p, _ := l.constants()
	n := l.at(y).items(l.Out[0].Len(), y)
	l.float(p).flat("fill", n)
}

func broadcast(l *launch) {
	at := l.Attr.(*kernels.MapAttr)
	l.copyStrided(l.Out[0].Len(), 0, newAxes(at.Shape, stepsOf(at.Shape, at.A)))
}

// copyStrided copies n elements of the operand, from element lo on, in the order
// that the axes say.
func (l *launch) copyStrided(n, lo int, a axes) {
	if len(a.d) == 1 && a.steps[0][0] == 1 {
		l.dense("copy", n, 0, 0, l.addr(l.Out[0]), l.addr(l.In[0])+4*uint64(lo))
		return
	}
	l.ptr(l.Out[0], l.In[0]).num(n, lo).axes(a).flat("copy_strided", n)
}

// dropout passes the key of the call and the bound below which an element is
// dropped, as package kernels computes them.
func dropout(l *launch) {
	at := l.Attr.(*kernels.DropAttr)
	n := l.Out[0].Len()
	l.ptr(l.Out[0], l.In[0]).num(n).varyingKey(at.Key).at(at.Limit()).float(1/(1-at.P)).flat("dropout", n)
}

// axes are the axes of a result, the last first, and for each operand the distance
// of neighbours along them. Axes along which all operands go on as they began are
// one.
type axes struct {
	d     []int
	steps [][]int
}

// newAxes joins the axes of a shape; steps are as stepsOf returns them.
func newAxes(shape []int, steps ...[]int) axes {
	a := axes{steps: make([][]int, len(steps))}
	for i := len(shape) - 1; i >= 0; i-- {
		if shape[i] == 1 {
			continue
		}
		last := len(a.d) - 1
		joins := last >= 0
		for j := range steps {
			joins = joins && steps[j][i] == a.steps[j][last]*a.d[last]
		}
		if joins {
			a.d[last] *= shape[i]
			continue
		}
		a.d = append(a.d, shape[i])
		for j := range steps {
			a.steps[j] = append(a.steps[j], steps[j][i])
		}
	}
	if len(a.d) == 0 { // one element
		a.d = []int{1}
		for j := range steps {
			a.steps[j] = []int{1}
		}
	}
	return a
}

// stepsOf are the distances in memory between neighbours of an operand along each
// axis of the result, 0 along repeated ones.
func stepsOf(shape, operand []int) []int {
	steps := make([]int, len(shape))
	stride, shift := 1, len(shape)-len(operand)
	for i := len(operand) - 1; i >= 0; i-- {
		if operand[i] != 1 {
			steps[i+shift] = stride
		}
		stride *= operand[i]
	}
	return steps
}

// maxRank is the number of joined axes that the kernels know.
const maxRank = 6

// axes appends the arguments that describe a walk.
func (l *launch) axes(a axes) *launch {
	if len(a.d) > maxRank {
		l.fail("an operand whose axes join to %d; GPUs do up to %d", len(a.d), maxRank)
	}
	l.num(len(a.d))
	for k := range maxRank {
		d := 1
		if k < len(a.d) {
			d = a.d[k]
		}
		m, s := divisor(d)
		l.num(d).word(m).num(s)
		for _, steps := range a.steps {
			if k < len(a.d) {
				l.num(steps[k])
			} else {
				l.num(0)
			}
		}
	}
	return l
}

// divisor returns m and s with i/d = (i*m) >> s for all i below 2^31 (Granlund and
// Montgomery 1994).
func divisor(d int) (m uint32, s int) {
	s = 31 + bits.Len(uint(d-1))
	return uint32(((1 << s) + uint64(d) - 1) / uint64(d)), s
}

// wordBytes is the memory of 32-bit numbers.
func wordBytes(x []uint32) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(x))), 4*len(x))
}
