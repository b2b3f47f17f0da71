package ptxsim

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Limits on what a source may declare, so that a wrong one costs no memory.
const (
	maxVariable = 64 << 20  // bytes, also of all variables of a module
	maxLocal    = 512 << 10 // bytes of local memory of a thread
	maxDepth    = 64        // nested braces
	maxNames    = 1 << 20   // of one register family
)

// parser walks over the tokens of one source.
type parser struct {
	file   string
	src    string
	toks   []token
	at     int
	module *Module
	top    *scope
}

// Parse reads a PTX module: its variables and its entries, ready to launch. file
// is the name that errors, faults and reports give. What the simulator does not
// know is an error here and not a surprise at launch. Errors are of type
// *SyntaxError.
func Parse(file, src string) (m *Module, err error) {
	toks, err := lex(file, src)
	if err != nil {
		return nil, err
	}
	p := &parser{file: file, src: src, toks: toks, top: newScope(nil),
		module: &Module{File: file, kernels: map[string]*Kernel{}}}
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *SyntaxError:
			m, err = nil, e
		default:
			panic(e)
		}
	}()
	for p.at < len(p.toks) {
		p.directive()
	}
	if p.module.Version == "" {
		return nil, &SyntaxError{file, 1, "no .version: not a PTX source"}
	}
	return p.module, nil
}

// fail stops the parser at the line of the token that it looks at.
func (p *parser) fail(format string, args ...any) {
	panic(&SyntaxError{p.file, p.line(), fmt.Sprintf(format, args...)})
}

func (p *parser) line() int {
	switch {
	case len(p.toks) == 0:
		return 1
	case p.at < len(p.toks):
		return p.toks[p.at].line
	}
	return p.toks[len(p.toks)-1].line
}

// peek returns the text of the next token, "" at the end.
func (p *parser) peek() string {
	if p.at < len(p.toks) {
		return p.toks[p.at].text
	}
	return ""
}

func (p *parser) next() string {
	t := p.peek()
	if t == "" {
		p.fail("the source ends in the middle of a statement")
	}
	p.at++
	return t
}

func (p *parser) accept(text string) bool {
	if p.peek() == text {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) {
	if !p.accept(text) {
		p.fail("want %q, have %q", text, p.peek())
	}
}

func (p *parser) name() string {
	t := p.peek()
	if t == "" || !wordStart(t[0]) {
		p.fail("want a name, have %q", t)
	}
	p.at++
	return t
}

func (p *parser) integer() int64 {
	sign := int64(1)
	if p.accept("-") {
		sign = -1
	}
	v, ok := parseInt(p.peek())
	if !ok {
		p.fail("want an integer, have %q", p.peek())
	}
	p.at++
	return sign * int64(v)
}

// directive reads one statement of the module.
func (p *parser) directive() {
	switch t := p.next(); t {
	case ".version":
		p.module.Version = p.next()
	case ".target":
		p.module.Target = p.name()
		for p.accept(",") {
			p.name()
		}
	case ".address_size":
		if n := p.integer(); n != 64 {
			p.at--
			p.fail("address size %d: only 64 is known", n)
		}
	case ".visible", ".weak", ".extern":
		if t == ".extern" && slices.Contains([]string{".func", ".entry"}, p.peek()) {
			p.fail("external functions are not known to the simulator")
		}
		if t == ".extern" {
			p.variables(p.top, nil, true)
		}
	case ".entry":
		p.entry()
	case ".global", ".const", ".shared":
		p.at--
		p.variables(p.top, nil, false)
	case ".file", ".loc", ".pragma":
		p.skipLine()
	default:
		p.at--
		p.fail("%q is not known to the simulator", t)
	}
}

// skipLine drops the rest of a directive that says nothing to a simulator.
func (p *parser) skipLine() {
	line := p.toks[p.at-1].line
	for p.at < len(p.toks) && p.toks[p.at].line == line {
		p.at++
	}
}

// typeName reads .f32 and the like.
func (p *parser) typeName() (dtype, string) {
	name, dotted := strings.CutPrefix(p.peek(), ".")
	t, ok := dtypes[name]
	if !dotted || !ok {
		p.fail("want a type, have %q", p.peek())
	}
	p.at++
	return t, name
}

// alignment reads an optional .align N.
func (p *parser) alignment(otherwise int) int {
	if !p.accept(".align") {
		return otherwise
	}
	n := p.integer()
	if n < 1 || n > 4096 || n&(n-1) != 0 {
		p.fail("alignment %d is no power of two", n)
	}
	return int(n)
}

// parseInt reads an unsigned literal: decimal, 0x, 0b or octal, with or without U.
func parseInt(t string) (uint64, bool) {
	t = strings.TrimSuffix(t, "U")
	if t == "" || !digit(t[0]) || strings.Contains(t, "_") {
		return 0, false
	}
	v, err := strconv.ParseUint(t, 0, 64)
	return v, err == nil
}
