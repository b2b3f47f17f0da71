package ptxsim

import (
	"maps"
	"slices"
)

// Module is one parsed PTX source.
type Module struct {
	File    string // as given to Parse
	Version string // of the PTX language, such as "7.0"
	Target  string // such as "sm_80"

	kernels map[string]*Kernel
	vars    []*variable // of the state spaces global and const
	size    int         // bytes of them
}

// Kernel returns the entry of that name.
func (m *Module) Kernel(name string) (*Kernel, bool) {
	k, ok := m.kernels[name]
	return k, ok
}

// Kernels lists the names of the entries in alphabetical order.
func (m *Module) Kernels() []string {
	return slices.Sorted(maps.Keys(m.kernels))
}

// Param is one parameter of a kernel.
type Param struct {
	Name string
	Type string // as written, without the dot: "u64", "f32"
	Size int    // bytes

	offset int // in the parameter block
}

// Kernel is one entry of a module, ready to be launched on any Machine.
type Kernel struct {
	Name      string
	File      string
	Line      int // of its name
	Params    []Param
	Shared    int    // bytes of shared memory it declares, without the dynamic part
	Local     int    // bytes of local memory per thread
	Registers int    // named registers that its code uses
	ReqThread [3]int // .reqntid, or zeros
	MaxThread [3]int // .maxntid, or zeros

	module  *Module
	code    []instr
	file32  []uint32 // initial values of the narrow registers: constants
	file64  []uint64 // initial values of the wide registers
	preds   int
	special []specialUse
	params  int      // size of the parameter block in bytes
	cell    uint     // log2 of the bytes that one shadow cell covers
	partial bool     // has barriers for a part of the block
	globals bool     // reads or writes module variables
	talks   bool     // has fences or accesses by which blocks tell each other something
	names   []string // of the registers, by place in warp.def
}

// variable is a named piece of memory of a module or a kernel.
type variable struct {
	name   string
	space  space
	align  int
	size   int // bytes; 0 for dynamic shared memory
	offset int // in its space, for shared and local
	data   []byte
	index  int // in Module.vars
	extern bool
}
