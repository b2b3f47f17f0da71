// Package cudrv lets a program that uses gorgonia.org/cu start on machines without a
// CUDA driver, and has the driver calls that package cu lacks.
//
// With the build tag cuda and cgo, and only then:
//
//   - driver.c, written by gen from symbols.txt, defines every call of the driver that
//     is linked as a jump through a table. cuInit, which package cu calls before main,
//     opens libcuda.so.1 and fills the table. Where there is no such library, or it
//     does not work, cuInit succeeds all the same, there are no devices, and
//     [State] says why.
//   - link/libcuda.a is a linker script without contents, so that the -lcuda of package
//     cu needs no library either. The linker looks there before it looks elsewhere.
//   - calls.go has packed launches, graph capture, dynamic shared memory above 48 KiB,
//     pinned memory and modules with the translator's log.
//
// Without them the package is empty.
package cudrv

//go:generate go run ./gen
