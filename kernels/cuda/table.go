package cuda

import (
	"fmt"
	"maps"
	"slices"
)

// launcher launches one kernel: it takes the operands and the attribute from l,
// computes the grid, and calls l.run, once or more. Operands and attributes have
// been checked by whoever calls kernels; what only a GPU minds, the launcher checks.
type launcher func(l *launch)

// table holds the launcher of every kernel that can run, by the kernel's name.
var table = map[string]launcher{}

// register adds kernels to the table. It is called from init, once for a name.
func register(f launcher, names ...string) {
	for _, name := range names {
		if table[name] != nil {
			panic(fmt.Sprintf("cuda: two launchers of the kernel %s", name))
		}
		table[name] = f
	}
}

// Kernels lists the kernels that can run, sorted.
func Kernels() []string { return slices.Sorted(maps.Keys(table)) }
