// Package cuda runs the kernels of package kernels on a GPU, or on a simulator of
// one that finds mistakes.
//
// Importing it makes two kinds of devices known to [kernels.Open]: "cuda" (or
// "cuda:1"), an NVIDIA GPU, in programs built with the tag cuda and on machines
// with a driver; and "sim", which runs the same code on the CPU, slowly, with every
// check that package ptxsim has. Without the tag or the driver, opening "cuda" is an
// error that wraps [kernels.ErrUnavailable].
//
// From top to bottom:
//
//	Device       implements kernels.Device: memory, copies, Run, Sync
//	queue        small independent runs, joined into one launch (join.go)
//	Capture      runs that were captured once, repeated as one graph (replay.go)
//	Inlet        inputs that are copied while the device computes (inlet.go)
//	register     the table: for the name of each kernel the function that launches it
//	launch       one run: operands, scratch memory, arguments, grids
//	talk         what blocks of one launch tell each other by (cooperative.go)
//	Driver       about thirty calls; simDriver and gpu (build tag cuda) implement it;
//	             the former checks what would happen later on a GPU (simstreams.go)
//	ptx/*.ptx    the kernels, most of them written by gen
//
// A kernel that has no row in the table cannot be run: the device panics with a
// [kernels.DeviceError] and never computes elsewhere. The launchers are in one file
// for each family (elementwise.go, move.go, reduce.go, norm.go, pool.go, optim.go), as in
// package kernels.
//
// All elements are float32, and so are indices. Reductions run in trees whose shape
// depends on the operands' shapes alone, and nothing is added atomically: the same
// program gives the same bits in every run on the same device. Element counts stay
// below 2^31; larger ones are refused.
package cuda

//go:generate go run ./gen -dir ptx
