package ptxsim

import (
	"math"
	"strconv"
	"strings"
)

// operandKind says what an operand of an instruction is.
type operandKind uint8

const (
	isReg operandKind = iota
	isNumber
	isSymbol  // a variable or a parameter, perhaps with an offset
	isAddress // [register or symbol + offset]
	isVector  // {a, b}
	isSink    // _
	isLabel
)

// operand is one operand as parsed.
type operand struct {
	kind   operandKind
	reg    reg
	negate bool // !p
	number number
	vari   *variable
	param  int // index in Kernel.Params, where kind is isSymbol or isAddress and vari is nil
	sym    bool
	hasReg bool // of an address: its base is a register
	offset int64
	list   []operand
	text   string
	pair   *operand // the q of p|q
}

// operand reads one operand.
func (f *function) operand() operand {
	o := f.simpleOperand()
	if f.p.accept("|") {
		q := f.simpleOperand()
		o.pair = &q
	}
	return o
}

func (f *function) simpleOperand() operand {
	p := f.p
	switch t := p.peek(); {
	case t == "[":
		return f.address()
	case t == "{":
		return f.vector()
	case t == "!":
		p.next()
		o := f.simpleOperand()
		if o.kind != isReg || o.reg.typ.kind != 'p' {
			p.fail("! wants a predicate")
		}
		o.negate = !o.negate
		return o
	case t == "_":
		p.next()
		return operand{kind: isSink}
	case t == "-" || t == "(" || t == "~" || t != "" && digit(t[0]):
		return operand{kind: isNumber, number: p.literal()}
	}
	return f.named()
}

// named reads a register, a special register, a variable, a parameter or a label.
func (f *function) named() operand {
	p := f.p
	name := p.name()
	if r, ok := f.scope.register(name, f.place); ok {
		return operand{kind: isReg, reg: r, text: name}
	}
	if strings.HasPrefix(name, "%") {
		full := name
		if t := p.peek(); len(t) == 2 && t[0] == '.' {
			full += t
		}
		if s, ok := specials[full]; ok {
			if full != name {
				p.next()
			}
			return operand{kind: isReg, reg: f.specialReg(s), text: full}
		}
	}
	if name == "WARP_SZ" {
		return operand{kind: isNumber, number: number{i: 32}}
	}
	o := operand{kind: isLabel, text: name}
	if v, ok := f.scope.variable(name); ok {
		o.kind, o.vari, o.sym = isSymbol, v, true
	} else if i, ok := f.scope.param(name); ok {
		o.kind, o.param, o.sym = isSymbol, i, true
	}
	if o.sym {
		o.offset = p.offset()
	}
	return o
}

// offset reads +4 or +-4 behind a symbol or a register.
func (p *parser) offset() int64 {
	if p.accept("+") {
		return p.integer()
	}
	return 0
}

func (f *function) address() operand {
	p := f.p
	p.expect("[")
	o := f.simpleOperand()
	switch o.kind {
	case isReg:
		if o.reg.typ.kind == 'p' {
			p.fail("a predicate is no address")
		}
		o.hasReg = true
		o.offset = p.offset()
	case isNumber:
		o.offset = int64(o.number.i)
	case isSymbol:
		if r := o; p.accept("+") { // a second offset, as in [a+4+4]
			r.offset += p.integer()
			o = r
		}
	case isLabel:
		p.fail("unknown name %s", o.text)
	default:
		p.fail("not an address")
	}
	o.kind = isAddress
	p.expect("]")
	return o
}

func (f *function) vector() operand {
	f.p.expect("{")
	o := operand{kind: isVector}
	for {
		e := f.simpleOperand()
		if e.kind == isVector || e.kind == isAddress || e.kind == isLabel {
			f.p.fail("a vector holds registers or numbers")
		}
		o.list = append(o.list, e)
		if !f.p.accept(",") {
			break
		}
		if len(o.list) == 8 {
			f.p.fail("a vector of more than 8 elements")
		}
	}
	f.p.expect("}")
	return o
}

// literal reads a number with its sign.
func (p *parser) literal() number {
	switch {
	case p.accept("-"):
		n := p.positive()
		n.f, n.i = -n.f, -n.i
		if n.exact {
			p.fail("a sign before a hexadecimal float")
		}
		return n
	case p.accept("~"):
		n := p.positive()
		if n.isFloat {
			p.fail("~ of a float")
		}
		n.i = ^n.i
		return n
	case p.accept("("):
		n := p.literal()
		p.expect(")")
		return n
	}
	return p.positive()
}

func (p *parser) positive() number {
	t := p.peek()
	if len(t) > 2 && t[0] == '0' {
		switch t[1] {
		case 'f', 'F':
			if v, err := strconv.ParseUint(t[2:], 16, 32); err == nil && len(t) == 10 {
				p.at++
				return number{isFloat: true, exact: true, single: true, i: v, f: float64(math.Float32frombits(uint32(v)))}
			}
		case 'd', 'D':
			if v, err := strconv.ParseUint(t[2:], 16, 64); err == nil && len(t) == 18 {
				p.at++
				return number{isFloat: true, exact: true, i: v, f: math.Float64frombits(v)}
			}
		}
	}
	if v, ok := parseInt(t); ok {
		p.at++
		return number{i: v}
	}
	if t != "" && digit(t[0]) && !strings.ContainsAny(t, "_xX") {
		if v, err := strconv.ParseFloat(t, 64); err == nil {
			p.at++
			return number{isFloat: true, f: v}
		}
	}
	p.fail("want a number, have %q", t)
	return number{}
}
