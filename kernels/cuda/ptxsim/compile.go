package ptxsim

import (
	"fmt"
	"slices"
)

// action carries out one instruction for the lanes in mask, which is never empty.
type action func(w *warp, mask uint32)

// flow says what an instruction does to the order of execution.
type flow uint8

const (
	straight flow = iota
	branch
	exit
	barrier
	meeting // where blocks may hear of each other
)

// instr is one instruction ready to run.
type instr struct {
	exec     action
	flow     flow
	guard    int    // index of the predicate, -1 without
	flip     uint32 // all ones where the guard is negated
	target   int    // of a branch
	uni      bool   // bra.uni
	uses     []int  // registers that must be checked for a value, as places in warp.def
	guardUse int    // the guard's place in warp.def where it must be checked, else -1
	defs     []int  // registers that must be marked
	sets     []int  // all registers that it sets
	line     int
	text     string
	atomic   bool // atom or red
}

// build turns one statement into an instr. The compilers of the operations take
// modifiers and operands from it; what they leave over is an error.
type build struct {
	f    *function
	k    *Kernel
	s    *statement
	in   *instr
	mods []string
	uses []reg
	defs []reg
	some bool // the definitions may leave lanes without a value
}

// compilers holds one compiler for every operation. Its entries come from the
// files ops_*.go.
var compilers map[string]func(*build) action

func init() {
	compilers = map[string]func(*build) action{}
	for _, group := range []map[string]func(*build) action{
		integerOps, floatOps, moveOps, compareOps, convertOps, memoryOps, flowOps, warpOps, atomOps, asyncOps, matrixOps,
	} {
		for name, c := range group {
			compilers[name] = c
		}
	}
}

// compile lowers the statements of a kernel.
func (f *function) compile() {
	k := f.k
	builds := make([]*build, 0, len(f.list))
	k.code = make([]instr, len(f.list)+1)
	for i := range f.list {
		builds = append(builds, f.lower(&f.list[i], &k.code[i]))
	}
	k.code[len(f.list)] = instr{flow: exit, guard: -1, guardUse: -1, line: f.p.line(), text: "end of the kernel"}
	k.Registers = f.places[0] + f.places[1] + f.places[2] - len(f.consts[0]) - len(f.consts[1]) - len(f.special)
	k.file32 = make([]uint32, f.places[narrow])
	k.file64 = make([]uint64, f.places[wide])
	k.preds = f.places[predicate]
	for v, i := range f.consts[0] {
		k.file32[i] = uint32(v)
	}
	for v, i := range f.consts[1] {
		k.file64[i] = v
	}
	for s, i := range f.special {
		k.special = append(k.special, specialUse{s, i})
	}
	slices.SortFunc(k.special, func(a, b specialUse) int { return a.index - b.index })
	f.name()
	f.dataflow(builds)
}

// lower compiles one statement.
func (f *function) lower(s *statement, in *instr) *build {
	*in = instr{guard: s.guard, guardUse: -1, line: s.line, text: s.text}
	if s.negate {
		in.flip = ^uint32(0)
	}
	b := &build{f: f, k: f.k, s: s, in: in, mods: slices.Clone(s.mods)}
	c, ok := compilers[s.op]
	if !ok {
		b.fail("instruction %s is not known to the simulator", s.op)
	}
	in.exec = b.ticking(c(b))
	if len(b.mods) > 0 {
		b.fail("the simulator does not know .%s of %s", b.mods[0], s.op)
	}
	return b
}

// ticking fills the special registers that change while a thread runs.
func (b *build) ticking(f action) action {
	for _, o := range b.s.args {
		s, ok := specials[o.text]
		if !ok || !s.ticking() {
			continue
		}
		inner, use := f, specialUse{s, o.reg.index}
		f = func(w *warp, m uint32) {
			use.fill(w)
			inner(w, m)
		}
	}
	return f
}

func (b *build) fail(format string, args ...any) {
	panic(&SyntaxError{b.f.p.file, b.s.line, fmt.Sprintf(format, args...) + ": " + b.s.text})
}

// has takes a modifier if it is there.
func (b *build) has(mod string) bool {
	i := slices.Index(b.mods, mod)
	if i < 0 {
		return false
	}
	b.mods = slices.Delete(b.mods, i, i+1)
	return true
}

// oneOf takes the first of the modifiers that is there, or returns "".
func (b *build) oneOf(mods ...string) string {
	for _, m := range mods {
		if b.has(m) {
			return m
		}
	}
	return ""
}

// typ takes the first modifier that is a type.
func (b *build) typ() dtype {
	for i, m := range b.mods {
		if t, ok := dtypes[m]; ok {
			b.mods = slices.Delete(b.mods, i, i+1)
			return t
		}
	}
	b.fail("%s wants a type", b.s.op)
	return dtype{}
}

// typeOf takes a type of the wanted kinds and sizes.
func (b *build) typeOf(kinds string, sizes ...int) dtype {
	t := b.typ()
	if !slices.Contains([]byte(kinds), t.kind) || !slices.Contains(sizes, t.bits) || t.two {
		b.fail("%s has no type %s", b.s.op, t)
	}
	return t
}

// arity checks the number of operands.
func (b *build) arity(least, most int) {
	if n := len(b.s.args); n < least || n > most {
		b.fail("%s with %d operands", b.s.op, n)
	}
}

// arg returns operand i, which must be there.
func (b *build) arg(i int) *operand {
	if i >= len(b.s.args) {
		b.fail("%s with %d operands", b.s.op, len(b.s.args))
	}
	return &b.s.args[i]
}

// dst returns the register that operand i names as a result of type t.
func (b *build) dst(i int, t dtype) int { return b.result(b.arg(i), t, false) }

// src returns the register or the constant that operand i gives as a value of type t.
func (b *build) src(i int, t dtype) int { return b.value(b.arg(i), t, false) }

// result takes an operand as a result. wider allows a register larger than t.
func (b *build) result(o *operand, t dtype, wider bool) int {
	if o.kind == isSink {
		return b.f.place(t)
	}
	if o.kind != isReg {
		b.fail("a result must be a register")
	}
	b.agree(o.reg.typ, t, wider)
	b.defs = append(b.defs, o.reg)
	return o.reg.index
}

// value takes an operand as a source.
func (b *build) value(o *operand, t dtype, wider bool) int {
	switch o.kind {
	case isReg:
		if o.negate {
			b.fail("! is known only before guards and the predicates of setp")
		}
		b.agree(o.reg.typ, t, wider)
		b.uses = append(b.uses, o.reg)
		return o.reg.index
	case isNumber:
		if t.kind == 'p' {
			b.fail("a number is no predicate")
		}
		return b.f.constant(t, o.number.bits(t))
	}
	b.fail("operand must be a register or a number")
	return 0
}

// agree checks that a register can hold a value.
func (b *build) agree(have, want dtype, wider bool) {
	switch {
	case have.kind == 'p' != (want.kind == 'p'):
		b.fail("predicates and values do not mix")
	case have.size() == want.size(), wider && have.size() > want.size():
	default:
		b.fail("a register of type %s for a value of type %s", have, want)
	}
}

// constant returns the place of a constant in the file of its size.
func (f *function) constant(t dtype, bits uint64) int {
	which := t.file()
	if i, ok := f.consts[which][bits]; ok {
		return i
	}
	i := f.place(t)
	f.consts[which][bits] = i
	return i
}

// name gives every place of warp.def the name that faults print.
func (f *function) name() {
	k := f.k
	k.names = make([]string, k.places())
	for _, s := range f.list {
		for _, o := range s.args {
			f.nameOperand(o)
		}
		if s.guard >= 0 {
			k.names[k.placeOf(predicate, s.guard)] = s.guardName
		}
	}
}

func (f *function) nameOperand(o operand) {
	if (o.kind == isReg || o.hasReg) && o.text != "" {
		f.k.names[f.k.placeOf(o.reg.typ.file(), o.reg.index)] = o.text
	}
	for _, e := range o.list {
		f.nameOperand(e)
	}
	if o.pair != nil {
		f.nameOperand(*o.pair)
	}
}
