package main

import (
	"fmt"
	"math"
	"strings"
)

// entry is one kernel while it is being written: parameters, registers with
// names, and instructions in the order in which the methods are called. The
// methods return the names of the registers that they write, so that Go
// expressions nest as the arithmetic does.
type entry struct {
	name   string
	doc    string
	params []string
	order  []string // register types in the order of first use
	regs   map[string][]string
	names  map[string]int
	shared []string
	lines  []string
	labels int
	blocks int // that a multiprocessor holds at least, or 0 to leave it to the assembler
}

// u32, f32 and ptr are the types of kernel parameters.
const (
	ptrParam = ".u64"
	u32Param = ".u32"
	f32Param = ".f32"
)

func newEntry(name, doc string) *entry {
	return &entry{name: name, doc: doc, regs: map[string][]string{}, names: map[string]int{}}
}

// param declares a parameter and loads it into a register of its name.
func (e *entry) param(typ, name string) string {
	e.params = append(e.params, fmt.Sprintf(".param %s %s", typ, name))
	r := e.reg(typ[1:], name)
	e.raw("ld.param%s %s, [%s];", typ, r, name)
	return r
}

// ptr declares pointers, num unsigned numbers, f32 float32 numbers.
func (e *entry) ptr(name string) string { return e.param(ptrParam, name) }
func (e *entry) num(name string) string { return e.param(u32Param, name) }
func (e *entry) f32(name string) string { return e.param(f32Param, name) }

// later declares a parameter that is loaded where it is needed.
func (e *entry) later(typ, name string) string {
	e.params = append(e.params, fmt.Sprintf(".param %s %s", typ, name))
	return name
}

// field is one parameter of each of a list of pieces.
type field struct{ typ, name string }

// piecesOf declares n times the same parameters: name0, name1, ..., of which the first,
// start, is the number that the piece begins with. What it returns writes the search for
// the last piece that begins no later than i, and returns registers with its parameters.
func (e *entry) piecesOf(n int, fields ...field) func(i string) []string {
	names := make([][]string, n)
	for k := range names {
		for _, f := range fields {
			names[k] = append(names[k], e.later(f.typ, fmt.Sprint(f.name, k)))
		}
	}
	return func(i string) []string {
		own := make([]string, len(fields))
		for j, f := range fields {
			own[j] = e.reg(f.typ[1:], f.name)
		}
		load := func(r, typ, name string) { e.raw("ld.param%s %s, [%s];", typ, r, name) }
		next, before, found := e.reg(fields[0].typ[1:], "next"), e.reg("pred", "before"), e.label("found")
		e.note("the last piece that begins no later")
		for k := range names {
			if k > 0 {
				load(next, fields[0].typ, names[k][0])
				e.set(before, "setp.lt.u32", i, next)
				e.when(before, found)
			}
			for j, f := range fields {
				load(own[j], f.typ, names[k][j])
			}
		}
		e.at(found)
		return own
	}
}

// class is the type that registers of a type are declared with.
func class(typ string) string {
	switch typ {
	case "u32", "s32":
		return "b32"
	case "u64", "s64":
		return "b64"
	}
	return typ
}

// reg declares a register; a name that is taken gets a number.
func (e *entry) reg(typ, name string) string {
	n := e.names[name]
	e.names[name] = n + 1
	if n > 0 {
		name = fmt.Sprintf("%s_%d", name, n)
	}
	c := class(typ)
	if e.regs[c] == nil {
		e.order = append(e.order, c)
	}
	r := "%" + name
	e.regs[c] = append(e.regs[c], r)
	return r
}

func (e *entry) raw(format string, a ...any) {
	e.lines = append(e.lines, "\t"+fmt.Sprintf(format, a...)+decimals(fmt.Sprintf(format, a...)))
}

// note writes a comment on a line of its own.
func (e *entry) note(format string, a ...any) {
	e.lines = append(e.lines, "\t// "+fmt.Sprintf(format, a...))
}

// label returns a new label; at places it.
func (e *entry) label(name string) string {
	e.labels++
	return fmt.Sprintf("%s_%d", strings.ToUpper(name), e.labels)
}

func (e *entry) at(label string) { e.lines = append(e.lines, label+":") }

// let writes an instruction with a result in a new register of that name, whose
// type follows from the instruction.
func (e *entry) let(name, op string, operands ...string) string {
	d := e.reg(resultType(op), name)
	e.set(d, op, operands...)
	return d
}

// set writes an instruction whose result goes to a register that there is.
func (e *entry) set(d, op string, operands ...string) {
	e.raw("%s %s;", op, strings.Join(append([]string{d}, operands...), ", "))
}

// do writes an instruction without a result.
func (e *entry) do(op string, operands ...string) {
	e.raw("%s", strings.TrimSpace(op+" "+strings.Join(operands, ", "))+";")
}

// resultType is the type of what an instruction returns.
func resultType(op string) string {
	parts := strings.Split(op, ".")
	last := parts[len(parts)-1]
	switch {
	case parts[0] == "setp":
		return "pred"
	case parts[0] == "cvt":
		return parts[len(parts)-2]
	case parts[0] == "shfl":
		return "f32" // registers of 32 bits have no type to shfl
	case len(parts) > 1 && parts[1] == "wide":
		return "u64"
	}
	return last
}

// when and unless branch on a predicate.
func (e *entry) when(p, label string)   { e.raw("@%s bra %s;", p, label) }
func (e *entry) unless(p, label string) { e.raw("@!%s bra %s;", p, label) }
func (e *entry) retWhen(p string)       { e.raw("@%s ret;", p) }
func (e *entry) guard(p, op string, a ...string) {
	e.raw("@%s %s %s;", p, op, strings.Join(a, ", "))
}

// imm writes a float32 constant; the line gets its decimal form as a comment.
func imm(x float64) string { return fmt.Sprintf("0f%08X", math.Float32bits(float32(x))) }

// decimals is a comment with the float32 constants of a line, readable.
func decimals(line string) string {
	var found []string
	for rest := line; ; {
		i := strings.Index(rest, "0f")
		if i < 0 || i+10 > len(rest) {
			break
		}
		var b uint32
		if n, err := fmt.Sscanf(rest[i+2:i+10], "%08X", &b); n == 1 && err == nil {
			found = append(found, fmt.Sprintf("%.9g", math.Float32frombits(b)))
		}
		rest = rest[i+10:]
	}
	if found == nil {
		return ""
	}
	return " // " + strings.Join(found, ", ")
}

// arith are short forms for float32 arithmetic.
func (e *entry) add(name, a, b string) string    { return e.let(name, "add.rn.f32", a, b) }
func (e *entry) sub(name, a, b string) string    { return e.let(name, "sub.rn.f32", a, b) }
func (e *entry) mul(name, a, b string) string    { return e.let(name, "mul.rn.f32", a, b) }
func (e *entry) fma(name, a, b, c string) string { return e.let(name, "fma.rn.f32", a, b, c) }
func (e *entry) sel(name, a, b, p string) string { return e.let(name, "selp.f32", a, b, p) }

// element is the address of element i of a float32 array.
func (e *entry) element(name, base, i string) string {
	return e.let(name, "mad.wide.u32", i, "4", base)
}

// thread is the number of the thread in a grid of one dimension.
func (e *entry) thread(name string) string {
	block := e.let("block", "mov.u32", "%ctaid.x")
	size := e.let("size", "mov.u32", "%ntid.x")
	lane := e.let("thread", "mov.u32", "%tid.x")
	return e.let(name, "mad.lo.u32", block, size, lane)
}

// vector is a register list for a load or store of four.
func vector(r []string) string {
	if len(r) == 1 {
		return r[0]
	}
	return "{" + strings.Join(r, ", ") + "}"
}

// load reads v neighbouring float32 at an address plus bytes; v is 1 or 4.
func (e *entry) load(name, addr string, v int) []string {
	r := make([]string, v)
	for i := range r {
		r[i] = e.reg("f32", name)
	}
	op := "ld.global.f32"
	if v == 4 {
		op = "ld.global.v4.f32"
	}
	e.raw("%s %s, [%s];", op, vector(r), addr)
	return r
}

// store writes 1 or 4 neighbouring float32.
func (e *entry) store(addr string, r []string) {
	op := "st.global.f32"
	if len(r) == 4 {
		op = "st.global.v4.f32"
	}
	e.raw("%s [%s], %s;", op, addr, vector(r))
}

// mostThreads is the size of every block that these kernels are launched in.
const mostThreads = 256

// String is the kernel as PTX.
func (e *entry) String() string {
	var b strings.Builder
	for _, line := range strings.Split(e.doc, "\n") {
		fmt.Fprintf(&b, "// %s\n", line)
	}
	fmt.Fprintf(&b, ".visible .entry %s(\n\t%s\n)\n.maxntid %d, 1, 1\n", e.name, strings.Join(e.params, ",\n\t"), mostThreads)
	if e.blocks > 0 {
		fmt.Fprintf(&b, ".minnctapersm %d\n", e.blocks)
	}
	b.WriteString("{\n")
	for _, typ := range e.order {
		regs := e.regs[typ]
		for len(regs) > 0 {
			n := min(len(regs), 10)
			fmt.Fprintf(&b, "\t.reg .%s %s;\n", typ, strings.Join(regs[:n], ", "))
			regs = regs[n:]
		}
	}
	for _, s := range e.shared {
		fmt.Fprintf(&b, "\t%s\n", s)
	}
	b.WriteString("\n" + strings.Join(e.lines, "\n") + "\n}\n")
	return b.String()
}
