package ptxsim

import (
	"strings"
)

// maxRegisters is how many registers, constants included, a kernel may use.
const maxRegisters = 1 << 15

// statement is one instruction as parsed, before it becomes code.
type statement struct {
	op        string
	mods      []string
	args      []operand
	guard     int // predicate index, -1 without
	guardName string
	negate    bool
	line      int
	text      string
	scope     *scope
}

// function holds what is known while one entry is read.
type function struct {
	p       *parser
	k       *Kernel
	scope   *scope
	list    []statement
	special map[special]int
	consts  [2]map[uint64]int // by value: index in the files
	shared  map[*variable]int // offsets of the module's shared variables
	places  [3]int            // registers in use, by file
}

// entry reads .entry name (parameters) directives { body }.
func (p *parser) entry() {
	k := &Kernel{File: p.file, Line: p.line(), Name: p.name(), module: p.module, cell: 2}
	f := &function{p: p, k: k, scope: newScope(p.top), special: map[special]int{}, shared: map[*variable]int{}}
	f.consts[0], f.consts[1] = map[uint64]int{}, map[uint64]int{}
	if _, ok := p.module.kernels[k.Name]; ok {
		p.fail("kernel %s is defined twice", k.Name)
	}
	if p.accept("(") && !p.accept(")") {
		for f.parameter(); p.accept(","); {
			f.parameter()
		}
		p.expect(")")
	}
	f.tuning()
	p.expect("{")
	f.body(0)
	f.compile()
	p.module.kernels[k.Name] = k
}

// parameter reads .param .u64 .ptr .global .align 16 name.
func (f *function) parameter() {
	p := f.p
	p.expect(".param")
	align := p.alignment(0)
	typ, name := p.typeName()
	align = max(align, typ.size())
	if p.accept(".ptr") {
		if _, ok := spaces[strings.TrimPrefix(p.peek(), ".")]; ok {
			p.next()
		}
		p.alignment(0)
	}
	size := typ.size()
	param := p.name()
	for p.accept("[") {
		n := p.integer()
		if n < 1 || n > 4096 {
			p.fail("parameter %s: %d elements", param, n)
		}
		size *= int(n)
		p.expect("]")
	}
	if size > 8 {
		p.fail("parameter %s has %d bytes; the simulator passes at most 8", param, size)
	}
	if f.scope.declared(param) {
		p.fail("parameter %s is declared twice", param)
	}
	k := f.k
	offset := roundUp(k.params, align)
	f.scope.params[param] = len(k.Params)
	k.Params = append(k.Params, Param{Name: param, Type: name, Size: size, offset: offset})
	k.params = offset + size
}

// tuning reads .reqntid and the other directives between head and body.
func (f *function) tuning() {
	p := f.p
	for {
		switch p.peek() {
		case ".reqntid":
			p.next()
			f.k.ReqThread = f.triple()
		case ".maxntid":
			p.next()
			f.k.MaxThread = f.triple()
		case ".minnctapersm", ".maxnreg", ".maxnctapersm":
			p.next()
			p.integer()
		case ".pragma":
			p.next()
			p.skipLine()
		default:
			return
		}
	}
}

func (f *function) triple() [3]int {
	t := [3]int{1, 1, 1}
	for i := range t {
		n := f.p.integer()
		if n < 1 || n > 1<<16 {
			f.p.fail("%d threads", n)
		}
		t[i] = int(n)
		if !f.p.accept(",") {
			break
		}
	}
	return t
}

// body reads statements up to the closing brace.
func (f *function) body(depth int) {
	p := f.p
	for {
		switch t := p.peek(); t {
		case "}":
			p.next()
			return
		case "{":
			if depth == maxDepth {
				p.fail("braces nest deeper than %d", maxDepth)
			}
			p.next()
			outer := f.scope
			f.scope = newScope(outer)
			f.body(depth + 1)
			f.scope = outer
		case ".reg":
			p.next()
			f.registers()
		case ".shared", ".local":
			p.variables(f.scope, f.k, false)
		case ".loc", ".file":
			p.next()
			p.skipLine()
		case ".pragma":
			p.next()
			p.next()
			p.expect(";")
		default:
			f.labelOrInstruction()
		}
	}
}

// registers reads .reg .f32 %a, %b<10>;
func (f *function) registers() {
	p := f.p
	typ, _ := p.typeName()
	if typ.bits > 64 {
		p.fail("registers of 128 bits are not known to the simulator")
	}
	for {
		name := p.name()
		if f.scope.declared(name) {
			p.fail("%s is declared twice", name)
		}
		if p.accept("<") {
			n := p.integer()
			if n < 1 || n > maxNames {
				p.fail("%s: %d registers", name, n)
			}
			p.expect(">")
			f.scope.families = append(f.scope.families, family{name, typ, int(n)})
		} else {
			f.scope.regs[name] = reg{typ, f.place(typ)}
		}
		if !p.accept(",") {
			break
		}
	}
	p.expect(";")
}

// place gives a register of that type its index in its file.
func (f *function) place(typ dtype) int {
	which := typ.file()
	f.places[which]++
	if f.places[which] > maxRegisters {
		f.p.fail("more than %d registers", maxRegisters)
	}
	return f.places[which] - 1
}

// labelOrInstruction reads "name:" or "@p op.mods a, b;".
func (f *function) labelOrInstruction() {
	p := f.p
	if p.at+1 < len(p.toks) && p.toks[p.at+1].text == ":" {
		name := p.name()
		if _, ok := f.scope.labels[name]; ok {
			p.fail("label %s is set twice", name)
		}
		f.scope.labels[name] = len(f.list)
		p.expect(":")
		return
	}
	start := p.at
	s := statement{guard: -1, line: p.line(), scope: f.scope}
	if p.accept("@") {
		s.negate = p.accept("!")
		name := p.name()
		r, ok := f.scope.register(name, f.place)
		if !ok || r.typ.kind != 'p' {
			p.fail("guard %s is no predicate", name)
		}
		s.guard, s.guardName = r.index, name
	}
	s.op = p.name()
	for strings.HasPrefix(p.peek(), ".") {
		s.mods = append(s.mods, p.next()[1:])
	}
	for p.peek() != ";" {
		s.args = append(s.args, f.operand())
		if !p.accept(",") {
			break
		}
	}
	p.expect(";")
	s.text = strings.Join(strings.Fields(p.src[p.toks[start].pos:p.toks[p.at-1].end]), " ")
	f.list = append(f.list, s)
}
