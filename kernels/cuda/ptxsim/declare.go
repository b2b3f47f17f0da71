package ptxsim

import (
	"encoding/binary"
	"math"
	"strings"
)

// variables reads a declaration such as .shared .align 16 .f32 tile[1024]; of the
// module (k nil) or of a kernel.
func (p *parser) variables(s *scope, k *Kernel, extern bool) {
	where, ok := spaces[strings.TrimPrefix(p.next(), ".")]
	if !ok || where == paramSpace {
		p.at--
		p.fail("want a state space, have %q", p.peek())
	}
	align := p.alignment(0)
	typ, _ := p.typeName()
	for {
		v := &variable{name: p.name(), space: where, align: max(align, typ.size()), extern: extern}
		count := p.dimensions(v)
		if count > maxVariable/int64(typ.size()) {
			p.fail("%s is larger than %d bytes", v.name, maxVariable)
		}
		v.size = int(count) * typ.size()
		if p.accept("=") {
			p.initial(v, typ)
		}
		p.place(s, k, v)
		if !p.accept(",") {
			break
		}
	}
	p.expect(";")
}

// dimensions reads [4][8] and returns the number of elements; [] is dynamic.
func (p *parser) dimensions(v *variable) int64 {
	count := int64(1)
	for p.accept("[") {
		if p.accept("]") {
			if !v.extern || v.space != sharedSpace {
				p.fail("%s: only .extern .shared arrays may leave out their size", v.name)
			}
			return 0
		}
		n := p.integer()
		if n < 1 || n > maxVariable {
			p.fail("%s: %d elements", v.name, n)
		}
		if count *= n; count > maxVariable {
			p.fail("%s is larger than %d bytes", v.name, maxVariable)
		}
		p.expect("]")
	}
	return count
}

// initial reads the value or the braced values of a module variable.
func (p *parser) initial(v *variable, typ dtype) {
	if v.space != globalSpace && v.space != constSpace {
		p.fail("%s: variables in %s memory have no initial values", v.name, v.space)
	}
	v.data = make([]byte, v.size)
	at := 0
	one := func() {
		if at+typ.size() > v.size {
			p.fail("%s has more initial values than elements", v.name)
		}
		bits := p.literal().bits(typ)
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], bits)
		at += copy(v.data[at:], b[:typ.size()])
	}
	if !p.accept("{") {
		one()
		return
	}
	for depth := 1; depth > 0; {
		switch {
		case p.accept("{"):
			depth++
		case p.accept("}"):
			depth--
		case p.accept(","):
		default:
			one()
		}
	}
}

// place gives a variable its offset in its space.
func (p *parser) place(s *scope, k *Kernel, v *variable) {
	if s.declared(v.name) {
		p.fail("%s is declared twice", v.name)
	}
	s.vars[v.name] = v
	switch v.space {
	case globalSpace, constSpace:
		if p.module.size += v.size; p.module.size > maxVariable {
			p.fail("the variables of the module are larger than %d bytes", maxVariable)
		}
		v.index = len(p.module.vars)
		p.module.vars = append(p.module.vars, v)
	case localSpace:
		if k == nil {
			p.fail("local variable %s outside a kernel", v.name)
		}
		v.offset = roundUp(k.Local, v.align)
		if k.Local = v.offset + v.size; k.Local > maxLocal {
			p.fail("more than %d bytes of local memory", maxLocal)
		}
	case sharedSpace:
		// Shared variables of the module get their place in each kernel that uses
		// them: see function.sharedOffset.
		if k != nil && !v.extern {
			v.offset = roundUp(k.Shared, v.align)
			k.Shared = v.offset + v.size
		}
	}
}

func roundUp(n, align int) int { return (n + align - 1) / align * align }

// number is a literal before it is known what type it is to have.
type number struct {
	isFloat bool
	exact   bool // 0f or 0d: bits given
	single  bool // 0f
	f       float64
	i       uint64
}

// bits returns the literal as a value of type t.
func (n number) bits(t dtype) uint64 {
	switch {
	case n.exact && n.single && t.bits == 64:
		return math.Float64bits(n.f)
	case n.exact && n.single:
		return n.i
	case n.isFloat && t.bits == 32 && !t.two:
		return uint64(math.Float32bits(float32(n.f)))
	case n.isFloat && t.kind == 'f' && t.bits == 16:
		return uint64(toHalf(n.f))
	case n.isFloat && t.kind == 'h':
		return uint64(toBrain(n.f))
	case n.isFloat:
		return math.Float64bits(n.f)
	case t.kind == 'f' && t.bits == 32:
		return uint64(math.Float32bits(float32(int64(n.i))))
	case t.kind == 'f' && t.bits == 64:
		return math.Float64bits(float64(int64(n.i)))
	case t.bits < 64 && !t.two:
		return n.i & (1<<t.bits - 1)
	case t.two:
		return n.i & 0xffffffff
	}
	return n.i
}
