package ptxsim

import "fmt"

// dtype is a fundamental type of PTX: what .u32 or .f32 says of a register, a
// variable or an operation.
type dtype struct {
	kind byte // 'p' predicate, 'b' bits, 'u', 's', 'f' IEEE, 'h' bfloat16, 't' tf32
	bits int  // of one element
	two  bool // two elements packed in 32 bits
}

var dtypes = map[string]dtype{
	"pred": {'p', 1, false},
	"b8":   {'b', 8, false}, "b16": {'b', 16, false}, "b32": {'b', 32, false}, "b64": {'b', 64, false}, "b128": {'b', 128, false},
	"u8": {'u', 8, false}, "u16": {'u', 16, false}, "u32": {'u', 32, false}, "u64": {'u', 64, false},
	"s8": {'s', 8, false}, "s16": {'s', 16, false}, "s32": {'s', 32, false}, "s64": {'s', 64, false},
	"f16": {'f', 16, false}, "f32": {'f', 32, false}, "f64": {'f', 64, false},
	"f16x2": {'f', 16, true}, "bf16": {'h', 16, false}, "bf16x2": {'h', 16, true},
	"tf32": {'t', 32, false},
}

// size is in bytes.
func (t dtype) size() int {
	if t.two {
		return 4
	}
	return (t.bits + 7) / 8
}

// wide says whether values live in the file of 64-bit registers.
func (t dtype) wide() bool { return t.bits == 64 }

func (t dtype) float() bool { return t.kind == 'f' || t.kind == 'h' || t.kind == 't' }

func (t dtype) String() string {
	for name, d := range dtypes {
		if d == t {
			return name
		}
	}
	return fmt.Sprintf("%c%d", t.kind, t.bits)
}

// file names one of the three register files of a warp.
type file uint8

const (
	narrow    file = iota // 8 to 32 bits
	wide                  // 64 bits
	predicate             // one bit
)

func (t dtype) file() file {
	switch {
	case t.kind == 'p':
		return predicate
	case t.wide():
		return wide
	}
	return narrow
}

// space is a state space.
type space uint8

const (
	generic space = iota
	globalSpace
	sharedSpace
	localSpace
	constSpace
	paramSpace
)

var spaces = map[string]space{
	"global": globalSpace, "shared": sharedSpace, "shared::cta": sharedSpace,
	"local": localSpace, "const": constSpace, "param": paramSpace,
}

func (s space) String() string {
	return [...]string{"generic", "global", "shared", "local", "const", "param"}[s]
}
