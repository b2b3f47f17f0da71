package ptxsim

import "math"

var compareOps = map[string]func(*build) action{"setp": setp, "set": set_}

var comparisons = []string{
	"eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs",
	"equ", "neu", "ltu", "leu", "gtu", "geu", "num", "nan",
}

// setp compares and, where a combining operation is written, joins the result with
// a predicate: p = (a ? b) op c, q = !(a ? b) op c.
func setp(b *build) action {
	cmp := b.oneOf(comparisons...)
	join := b.oneOf("and", "or", "xor")
	ftz := b.has("ftz")
	t := b.typ()
	pred := dtypes["pred"]
	n := 3
	if join != "" {
		n = 4
	}
	b.arity(n, n)
	test := comparison(b, cmp, t, ftz)
	p, q := b.dst(0, pred), -1
	if o := b.arg(0).pair; o != nil {
		q = b.result(o, pred, false)
	}
	c, flip := b.joined(3, join)
	return func(w *warp, m uint32) {
		r := test(w, m)
		yes, no := r, ^r
		if join != "" {
			yes, no = combine(join, yes, w.pred[c]^flip), combine(join, no, w.pred[c]^flip)
		}
		w.pred[p] = w.pred[p]&^m | yes&m
		if q >= 0 {
			w.pred[q] = w.pred[q]&^m | no&m
		}
	}
}

// joined takes the predicate, perhaps negated, that a comparison is combined with.
func (b *build) joined(i int, join string) (index int, flip uint32) {
	if join == "" {
		return 0, 0
	}
	o := *b.arg(i)
	if o.negate {
		o.negate, flip = false, full
	}
	return b.value(&o, dtypes["pred"], false), flip
}

func combine(join string, a, b uint32) uint32 {
	switch join {
	case "and":
		return a & b
	case "or":
		return a | b
	}
	return a ^ b
}

// set_ is set: a comparison whose result is a number.
func set_(b *build) action {
	cmp := b.oneOf(comparisons...)
	join := b.oneOf("and", "or", "xor")
	ftz := b.has("ftz")
	td, t := b.typ(), b.typ()
	if td.bits != 32 || td.kind == 'b' {
		b.fail("set has no result of type %s", td)
	}
	b.arity(3, 4)
	test := comparison(b, cmp, t, ftz)
	d := b.dst(0, td)
	c, flip := b.joined(3, join)
	yes := uint32(full)
	if td.kind == 'f' {
		yes = math.Float32bits(1)
	}
	return func(w *warp, m uint32) {
		r := test(w, m)
		if join != "" {
			r = combine(join, r, w.pred[c]^flip)
		}
		for ; m != 0; m &= m - 1 {
			i := first(m)
			w.r32[d][i] = 0
			if r>>i&1 != 0 {
				w.r32[d][i] = yes
			}
		}
	}
}

// comparison compiles a test of operands 1 and 2 that gives one bit per lane.
func comparison(b *build, cmp string, t dtype, ftz bool) func(w *warp, m uint32) uint32 {
	if cmp == "" || t.kind == 'p' || t.two || t.bits < 16 || t.kind == 't' {
		b.fail("no such comparison")
	}
	x, y := b.src(1, t), b.src(2, t)
	if t.float() {
		return floatComparison(b, cmp, t, ftz, x, y)
	}
	unsigned := map[string]string{"lo": "lt", "ls": "le", "hi": "gt", "hs": "ge"}
	if u, ok := unsigned[cmp]; ok {
		if t.kind != 'u' {
			b.fail("%s is for unsigned types", cmp)
		}
		cmp = u
	}
	test, ok := integerTests[cmp]
	if !ok || t.kind == 'b' && cmp != "eq" && cmp != "ne" {
		b.fail("%s does not compare type %s", cmp, t)
	}
	if t.bits == 32 {
		return wordComparison(cmp, t.kind == 's', x, y)
	}
	bias := uint64(0)
	if t.kind == 's' {
		bias = 1 << 63
	}
	lx, ly := loader(t, x), loader(t, y)
	return func(w *warp, m uint32) (r uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			if test(lx(w, i)+bias, ly(w, i)+bias) {
				r |= 1 << i
			}
		}
		return r
	}
}

var integerTests = map[string]func(x, y uint64) bool{
	"eq": func(x, y uint64) bool { return x == y },
	"ne": func(x, y uint64) bool { return x != y },
	"lt": func(x, y uint64) bool { return x < y },
	"le": func(x, y uint64) bool { return x <= y },
	"gt": func(x, y uint64) bool { return x > y },
	"ge": func(x, y uint64) bool { return x >= y },
}

// wordComparison compares 32-bit integers over all lanes.
func wordComparison(cmp string, signed bool, x, y int) func(w *warp, m uint32) uint32 {
	flip := uint32(0)
	switch cmp {
	case "ne", "ge", "le":
		flip = full // of the opposite test
	}
	if cmp == "gt" || cmp == "le" {
		x, y = y, x
	}
	if cmp == "eq" || cmp == "ne" {
		return func(w *warp, _ uint32) uint32 { return equalWords(&w.r32[x], &w.r32[y]) ^ flip }
	}
	bias := uint32(0)
	if signed {
		bias = 1 << 31 // makes signed order unsigned
	}
	return func(w *warp, _ uint32) uint32 { return lessWords(&w.r32[x], &w.r32[y], bias) ^ flip }
}

func equalWords(a, b *[lanes]uint32) (r uint32) {
	for i := range a {
		if a[i] == b[i] {
			r |= 1 << i
		}
	}
	return r
}

func lessWords(a, b *[lanes]uint32, bias uint32) (r uint32) {
	for i := range a {
		if a[i]+bias < b[i]+bias {
			r |= 1 << i
		}
	}
	return r
}

// floatComparison: the ordered tests are false when an operand is a NaN, those
// that end in u are true.
func floatComparison(b *build, cmp string, t dtype, ftz bool, x, y int) func(w *warp, m uint32) uint32 {
	ordered := map[string]func(x, y float64) bool{
		"eq": func(x, y float64) bool { return x == y },
		"ne": func(x, y float64) bool { return x < y || x > y },
		"lt": func(x, y float64) bool { return x < y },
		"le": func(x, y float64) bool { return x <= y },
		"gt": func(x, y float64) bool { return x > y },
		"ge": func(x, y float64) bool { return x >= y },

		"num": func(x, y float64) bool { return x == x && y == y },
		"nan": func(x, y float64) bool { return x != x || y != y },
		"equ": func(x, y float64) bool { return !(x < y || x > y) },
		"neu": func(x, y float64) bool { return x != y },
		"ltu": func(x, y float64) bool { return !(x >= y) },
		"leu": func(x, y float64) bool { return !(x > y) },
		"gtu": func(x, y float64) bool { return !(x <= y) },
		"geu": func(x, y float64) bool { return !(x < y) },
	}
	test, ok := ordered[cmp]
	if !ok {
		b.fail("%s does not compare floats", cmp)
	}
	if f, ok := fastFloatCompare[cmp]; ok && t.bits == 32 && !ftz {
		return func(w *warp, _ uint32) uint32 { return f(&w.r32[x], &w.r32[y]) }
	}
	lx, ly := floatLoader(t, x, ftz), floatLoader(t, y, ftz)
	return func(w *warp, m uint32) (r uint32) {
		for ; m != 0; m &= m - 1 {
			i := first(m)
			if test(lx(w, i), ly(w, i)) {
				r |= 1 << i
			}
		}
		return r
	}
}

// fastFloatCompare are the comparisons of float32 over all lanes.
var fastFloatCompare = map[string]func(a, b *[lanes]uint32) uint32{
	"gt": func(a, b *[lanes]uint32) (r uint32) {
		for i := range a {
			if f32(a[i]) > f32(b[i]) {
				r |= 1 << i
			}
		}
		return r
	},
	"lt": func(a, b *[lanes]uint32) (r uint32) {
		for i := range a {
			if f32(a[i]) < f32(b[i]) {
				r |= 1 << i
			}
		}
		return r
	},
}

// floatLoader reads a float of any size as float64.
func floatLoader(t dtype, r int, ftz bool) func(w *warp, i int) float64 {
	switch t.bits {
	case 64:
		return func(w *warp, i int) float64 { return math.Float64frombits(w.r64[r][i]) }
	case 16:
		s := t.format()
		return func(w *warp, i int) float64 { return s.unpack(uint16(w.r32[r][i])) }
	}
	if ftz {
		return func(w *warp, i int) float64 { return float64(f32(flush32(w.r32[r][i]))) }
	}
	return func(w *warp, i int) float64 { return float64(f32(w.r32[r][i])) }
}

// predicateLogic compiles and, or, xor and not of predicates.
func predicateLogic(b *build) action {
	p := dtypes["pred"]
	op := b.s.op
	if op == "not" {
		b.arity(2, 2)
		d, x := b.dst(0, p), b.src(1, p)
		return func(w *warp, m uint32) { w.pred[d] = w.pred[d]&^m | ^w.pred[x]&m }
	}
	if op != "and" && op != "or" && op != "xor" {
		b.fail("%s is not for predicates", op)
	}
	b.arity(3, 3)
	d, x, y := b.dst(0, p), b.src(1, p), b.src(2, p)
	return func(w *warp, m uint32) { w.pred[d] = w.pred[d]&^m | combine(op, w.pred[x], w.pred[y])&m }
}
