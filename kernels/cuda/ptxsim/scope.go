package ptxsim

import (
	"strconv"
	"strings"
)

// scope is one pair of braces: what is declared in it, and what surrounds it.
type scope struct {
	parent   *scope
	regs     map[string]reg
	families []family
	vars     map[string]*variable
	params   map[string]int // index in Kernel.Params
	labels   map[string]int // index in code
}

// reg is a register: its type as declared and its place in the file of its size.
type reg struct {
	typ   dtype
	index int
}

// family is a declaration such as .reg .f32 %f<10>: members exist once used.
type family struct {
	prefix string
	typ    dtype
	count  int
}

func newScope(parent *scope) *scope {
	return &scope{parent: parent, regs: map[string]reg{}, vars: map[string]*variable{}, params: map[string]int{}, labels: map[string]int{}}
}

// variable finds a name in the scope or around it.
func (s *scope) variable(name string) (*variable, bool) {
	for ; s != nil; s = s.parent {
		if v, ok := s.vars[name]; ok {
			return v, true
		}
	}
	return nil, false
}

func (s *scope) param(name string) (int, bool) {
	for ; s != nil; s = s.parent {
		if i, ok := s.params[name]; ok {
			return i, true
		}
	}
	return 0, false
}

func (s *scope) label(name string) (int, bool) {
	for ; s != nil; s = s.parent {
		if i, ok := s.labels[name]; ok {
			return i, true
		}
	}
	return 0, false
}

// register finds a declared register and gives a member of a family its place
// when it is first named.
func (s *scope) register(name string, place func(dtype) int) (reg, bool) {
	for ; s != nil; s = s.parent {
		if r, ok := s.regs[name]; ok {
			return r, true
		}
		for _, f := range s.families {
			number, ok := strings.CutPrefix(name, f.prefix)
			if !ok {
				continue
			}
			if n, err := strconv.Atoi(number); err == nil && n >= 0 && n < f.count && strconv.Itoa(n) == number {
				r := reg{f.typ, place(f.typ)}
				s.regs[name] = r
				return r, true
			}
		}
	}
	return reg{}, false
}

// declared says whether the name is taken in this very scope.
func (s *scope) declared(name string) bool {
	_, r := s.regs[name]
	_, v := s.vars[name]
	_, p := s.params[name]
	return r || v || p
}
