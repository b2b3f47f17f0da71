//go:build cuda && cgo

package cudrv

/*
#include <cuda.h>

enum { most_params = 256 };

// Every parameter is at most 8 bytes, in the low bytes of its slot.
static CUresult launch(CUcontext ctx, CUfunction f, const unsigned *grid, const unsigned *block, unsigned shared,
		CUstream stream, unsigned long long *params, int n, int together) {
	void *where[most_params];
	if (n > most_params) return CUDA_ERROR_INVALID_VALUE;
	for (int i = 0; i < n; i++) where[i] = params + i;
	CUresult r = cuCtxSetCurrent(ctx);
	if (r != CUDA_SUCCESS) return r;
	if (together)
		return cuLaunchCooperativeKernel(f, grid[0], grid[1], grid[2], block[0], block[1], block[2], shared, stream, where);
	return cuLaunchKernel(f, grid[0], grid[1], grid[2], block[0], block[1], block[2], shared, stream, where, 0);
}

static CUresult load(CUmodule *m, const char *image, char *log, unsigned size) {
	CUjit_option options[] = {CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES};
	void *values[] = {log, (void *)(size_t)size};
	return cuModuleLoadDataEx(m, image, 2, options, values);
}

static CUresult end_capture(CUstream s, CUgraph *g, CUgraphExec *e) {
	CUresult r = cuStreamEndCapture(s, g);
	if (r != CUDA_SUCCESS) return r;
	CUgraphNode node;
	char log[256];
	r = cuGraphInstantiate(e, *g, &node, log, sizeof log);
	if (r != CUDA_SUCCESS) cuGraphDestroy(*g);
	return r;
}
*/
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"gorgonia.org/cu"
)

// Error is a result code of the driver.
type Error int

// Error is the driver's name and text of the code.
func (e Error) Error() string {
	var name, text *C.char
	C.cuGetErrorName(C.CUresult(e), &name)
	C.cuGetErrorString(C.CUresult(e), &text)
	if name == nil || text == nil {
		return fmt.Sprintf("CUDA error %d", int(e))
	}
	return fmt.Sprintf("%s: %s", C.GoString(name), C.GoString(text))
}

func check(r C.CUresult) error {
	if r == C.CUDA_SUCCESS {
		return nil
	}
	return Error(r)
}

// The types of package cu are handles in a struct of their own. Should one ever get
// a second field, these do not compile.
var (
	_ = [1]struct{}{}[unsafe.Sizeof(cu.Function{})-unsafe.Sizeof(C.CUfunction(nil))]
	_ = [1]struct{}{}[unsafe.Sizeof(cu.Stream{})-unsafe.Sizeof(C.CUstream(nil))]
	_ = [1]struct{}{}[unsafe.Sizeof(cu.Module{})-unsafe.Sizeof(C.CUmodule(nil))]
	_ = [1]struct{}{}[unsafe.Sizeof(cu.CUContext{})-unsafe.Sizeof(C.CUcontext(nil))]
)

func function(f cu.Function) C.CUfunction { return *(*C.CUfunction)(unsafe.Pointer(&f)) }
func stream(s cu.Stream) C.CUstream       { return *(*C.CUstream)(unsafe.Pointer(&s)) }
func context(c cu.CUContext) C.CUcontext  { return *(*C.CUcontext)(unsafe.Pointer(&c)) }

// Launch runs a function in a context, whichever the calling thread's is. Each
// parameter takes the low bytes of one element of params. Package cu reads 8 bytes
// where a parameter has 4, and takes six times as long.
func Launch(c cu.CUContext, f cu.Function, grid, block [3]int, shared int, params []uint64, s cu.Stream) error {
	return launch(c, f, grid, block, shared, params, s, 0)
}

// LaunchCooperative is Launch for blocks that wait for each other: it fails unless all
// of them run at once.
func LaunchCooperative(c cu.CUContext, f cu.Function, grid, block [3]int, shared int, params []uint64, s cu.Stream) error {
	return launch(c, f, grid, block, shared, params, s, 1)
}

// Resident is how many blocks of a function one multiprocessor of the current
// context's device holds at once.
func Resident(f cu.Function, threads, shared int) (int, error) {
	var n C.int
	err := check(C.cuOccupancyMaxActiveBlocksPerMultiprocessor(&n, function(f), C.int(threads), C.size_t(shared)))
	return int(n), err
}

func launch(c cu.CUContext, f cu.Function, grid, block [3]int, shared int, params []uint64, s cu.Stream, together C.int) error {
	g := [3]C.uint{C.uint(grid[0]), C.uint(grid[1]), C.uint(grid[2])}
	b := [3]C.uint{C.uint(block[0]), C.uint(block[1]), C.uint(block[2])}
	return check(C.launch(context(c), function(f), &g[0], &b[0], C.uint(shared), stream(s),
		(*C.ulonglong)(unsafe.Pointer(unsafe.SliceData(params))), C.int(len(params)), together))
}

// SetMaxDynamicShared lets a function be launched with up to so many bytes.
func SetMaxDynamicShared(f cu.Function, bytes int) error {
	return check(C.cuFuncSetAttribute(function(f), C.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, C.int(bytes)))
}

// LoadModule translates PTX for the current context's device. The error has the
// translator's log.
func LoadModule(source string) (m cu.Module, err error) {
	image := C.CString(source)
	defer C.free(unsafe.Pointer(image))
	const size = 8 << 10
	log := (*C.char)(C.calloc(1, size))
	defer C.free(unsafe.Pointer(log))
	if err := check(C.load((*C.CUmodule)(unsafe.Pointer(&m)), image, log, size)); err != nil {
		return m, fmt.Errorf("%w; %s", err, strings.TrimSpace(C.GoString(log)))
	}
	return m, nil
}

// HostAlloc returns memory of the host that stays where it is in physical memory, so
// that the device can copy from and to it by itself.
func HostAlloc(bytes int64) ([]byte, error) {
	var p unsafe.Pointer
	if err := check(C.cuMemHostAlloc(&p, C.size_t(bytes), 0)); err != nil {
		return nil, err
	}
	return unsafe.Slice((*byte)(p), bytes), nil
}

// HostFree gives it back.
func HostFree(b []byte) error { return check(C.cuMemFreeHost(unsafe.Pointer(unsafe.SliceData(b)))) }

// Graph is captured work, ready to be launched.
type Graph struct {
	graph C.CUgraph
	exec  C.CUgraphExec
}

// BeginCapture lets a stream collect work. The capture may be ended on any thread,
// and calls that a capture could not survive are not refused: the caller makes none.
func BeginCapture(s cu.Stream) error {
	return check(C.cuStreamBeginCapture(stream(s), C.CU_STREAM_CAPTURE_MODE_RELAXED))
}

// EndCapture makes a graph of what the stream has collected.
func EndCapture(s cu.Stream) (*Graph, error) {
	g := new(Graph)
	if err := check(C.end_capture(stream(s), &g.graph, &g.exec)); err != nil {
		return nil, err
	}
	return g, nil
}

// Launch does the work of the graph.
func (g *Graph) Launch(s cu.Stream) error { return check(C.cuGraphLaunch(g.exec, stream(s))) }

// Destroy gives the graph back.
func (g *Graph) Destroy() error {
	if err := check(C.cuGraphExecDestroy(g.exec)); err != nil {
		return err
	}
	return check(C.cuGraphDestroy(g.graph))
}
