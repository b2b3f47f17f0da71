// A libcuda.so.1 for tests on machines without a GPU: one device whose memory is the
// process's. It runs the kernel "scale" (y = p*x + q) in C and refuses others, so that
// a test sees whether addresses, launches and their packed arguments, streams, events
// and graphs arrive as they should. It proves calling conventions, not kernels.
#include <cuda.h>
#include <stdio.h>
#include <string.h>

static char the_context, the_stream, the_module, the_graph, the_exec;
static int current;              // cuCtxSetCurrent was called with the context
static size_t used, limit = 1 << 20;
static int shared_asked;

struct work { char kernel[64]; unsigned grid, block; unsigned long long y, x; unsigned n4, items; float p, q; };
static struct work graph[16];
static int capturing, captured;

CUresult cuInit(unsigned flags) { return flags ? CUDA_ERROR_INVALID_VALUE : CUDA_SUCCESS; }
CUresult cuDriverGetVersion(int *v) { *v = 13000; return CUDA_SUCCESS; }
CUresult cuDeviceGetCount(int *n) { *n = 1; return CUDA_SUCCESS; }
CUresult cuDeviceGet(CUdevice *d, int n) { *d = n; return n ? CUDA_ERROR_INVALID_DEVICE : CUDA_SUCCESS; }
CUresult cuDeviceGetName(char *s, int n, CUdevice d) { snprintf(s, n, "fake GPU"); return CUDA_SUCCESS; }
CUresult cuDeviceTotalMem(size_t *n, CUdevice d) { *n = limit; return CUDA_SUCCESS; }
CUresult cuDeviceGetAttribute(int *v, CUdevice_attribute a, CUdevice d) {
	switch ((int)a) {
	case 16: *v = 132; return CUDA_SUCCESS;
	case 75: *v = 9; return CUDA_SUCCESS;
	case 76: *v = 0; return CUDA_SUCCESS;
	case 81: *v = 228 << 10; return CUDA_SUCCESS;
	case 97: *v = 227 << 10; return CUDA_SUCCESS;
	}
	return CUDA_ERROR_INVALID_VALUE;
}
CUresult cuDevicePrimaryCtxRetain(CUcontext *c, CUdevice d) { *c = (CUcontext)&the_context; return CUDA_SUCCESS; }
CUresult cuDevicePrimaryCtxRelease(CUdevice d) { current = 0; return CUDA_SUCCESS; }
CUresult cuCtxSetCurrent(CUcontext c) { current = (char *)c == &the_context; return current ? CUDA_SUCCESS : CUDA_ERROR_INVALID_CONTEXT; }
CUresult cuCtxSynchronize(void) { return CUDA_SUCCESS; }

#define NEEDS_CONTEXT if (!current) return CUDA_ERROR_INVALID_CONTEXT

CUresult cuMemGetInfo(size_t *f, size_t *t) { NEEDS_CONTEXT; *f = limit - used; *t = limit; return CUDA_SUCCESS; }
CUresult cuMemAlloc(CUdeviceptr *p, size_t n) {
	NEEDS_CONTEXT;
	if (used + n > limit) return CUDA_ERROR_OUT_OF_MEMORY;
	used += n;
	*p = (CUdeviceptr)aligned_alloc(256, (n + 255) / 256 * 256);
	return CUDA_SUCCESS;
}
CUresult cuMemFree(CUdeviceptr p) { NEEDS_CONTEXT; free((void *)p); return CUDA_SUCCESS; }
CUresult cuMemHostAlloc(void **p, size_t n, unsigned flags) { NEEDS_CONTEXT; *p = malloc(n); return CUDA_SUCCESS; }
CUresult cuMemFreeHost(void *p) { NEEDS_CONTEXT; free(p); return CUDA_SUCCESS; }
CUresult cuMemcpyHtoDAsync(CUdeviceptr d, const void *s, size_t n, CUstream st) { NEEDS_CONTEXT; memcpy((void *)d, s, n); return CUDA_SUCCESS; }
CUresult cuMemcpyDtoHAsync(void *d, CUdeviceptr s, size_t n, CUstream st) { NEEDS_CONTEXT; memcpy(d, (void *)s, n); return CUDA_SUCCESS; }
CUresult cuMemcpyDtoDAsync(CUdeviceptr d, CUdeviceptr s, size_t n, CUstream st) { NEEDS_CONTEXT; memcpy((void *)d, (void *)s, n); return CUDA_SUCCESS; }
CUresult cuMemsetD32Async(CUdeviceptr d, unsigned w, size_t n, CUstream st) {
	NEEDS_CONTEXT;
	for (size_t i = 0; i < n; i++) ((unsigned *)d)[i] = w;
	return CUDA_SUCCESS;
}

CUresult cuModuleLoadDataEx(CUmodule *m, const void *image, unsigned n, CUjit_option *options, void **values) {
	NEEDS_CONTEXT;
	if (!strstr(image, ".visible .entry")) {
		if (n && options[0] == CU_JIT_ERROR_LOG_BUFFER) snprintf(values[0], (size_t)values[1], "line 1; error: no kernels");
		return CUDA_ERROR_INVALID_PTX;
	}
	*m = (CUmodule)&the_module;
	return CUDA_SUCCESS;
}
CUresult cuModuleGetFunction(CUfunction *f, CUmodule m, const char *name) {
	NEEDS_CONTEXT;
	*f = (CUfunction)strdup(name);
	return (char *)m == &the_module ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE;
}
CUresult cuFuncSetAttribute(CUfunction f, CUfunction_attribute a, int v) {
	NEEDS_CONTEXT;
	if (a != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || v > 227 << 10) return CUDA_ERROR_INVALID_VALUE;
	shared_asked = v;
	return CUDA_SUCCESS;
}

static CUresult run(const struct work *w) {
	if (strcmp(w->kernel, "scale")) return CUDA_ERROR_NOT_SUPPORTED;
	unsigned n = 3 * w->n4 + w->items; // as the kernel counts
	if (w->grid * w->block < w->items) return CUDA_ERROR_INVALID_VALUE;
	for (unsigned i = 0; i < n; i++) ((float *)w->y)[i] = w->p * ((float *)w->x)[i] + w->q;
	return CUDA_SUCCESS;
}

// Each parameter is read with its own size, as the driver does.
CUresult cuLaunchKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
		unsigned shared, CUstream s, void **params, void **extra) {
	NEEDS_CONTEXT;
	if (s != (CUstream)&the_stream || gy != 1 || gz != 1 || by != 1 || bz != 1 || extra) return CUDA_ERROR_INVALID_VALUE;
	if (shared > 48 << 10 && (int)shared > shared_asked) return CUDA_ERROR_INVALID_VALUE;
	struct work w = {.grid = gx, .block = bx};
	snprintf(w.kernel, sizeof w.kernel, "%s", (char *)f);
	if (!strcmp(w.kernel, "scale")) {
		memcpy(&w.y, params[0], 8);
		memcpy(&w.x, params[1], 8);
		memcpy(&w.n4, params[2], 4);
		memcpy(&w.items, params[3], 4);
		memcpy(&w.p, params[4], 4);
		memcpy(&w.q, params[5], 4);
	}
	if (capturing) {
		graph[captured++] = w;
		return CUDA_SUCCESS;
	}
	return run(&w);
}

// At most 2 blocks of any function on each of the 132 multiprocessors.
CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *n, CUfunction f, int threads, size_t shared) {
	NEEDS_CONTEXT;
	*n = threads > 1024 || shared > 227 << 10 ? 0 : 2;
	return CUDA_SUCCESS;
}
CUresult cuLaunchCooperativeKernel(CUfunction f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
		unsigned shared, CUstream s, void **params) {
	NEEDS_CONTEXT;
	if (gx * gy * gz > 2 * 132) return CUDA_ERROR_COOPERATIVE_LAUNCH_TOO_LARGE;
	return cuLaunchKernel(f, gx, gy, gz, bx, by, bz, shared, s, params, 0);
}

CUresult cuStreamCreate(CUstream *s, unsigned flags) { NEEDS_CONTEXT; *s = (CUstream)&the_stream; return flags == CU_STREAM_NON_BLOCKING ? CUDA_SUCCESS : CUDA_ERROR_INVALID_VALUE; }
CUresult cuStreamDestroy(CUstream s) { NEEDS_CONTEXT; return s == (CUstream)&the_stream ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; }
CUresult cuEventDestroy(CUevent e) { NEEDS_CONTEXT; free(e); return CUDA_SUCCESS; }
CUresult cuStreamSynchronize(CUstream s) { NEEDS_CONTEXT; return s == (CUstream)&the_stream ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; }
CUresult cuStreamWaitEvent(CUstream s, CUevent e, unsigned flags) { NEEDS_CONTEXT; return *(int *)e ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY; }
CUresult cuEventCreate(CUevent *e, unsigned flags) { NEEDS_CONTEXT; *e = (CUevent)calloc(1, sizeof(int)); return CUDA_SUCCESS; }
CUresult cuEventRecord(CUevent e, CUstream s) { NEEDS_CONTEXT; static int now; *(int *)e = ++now; return CUDA_SUCCESS; }
CUresult cuEventElapsedTime(float *ms, CUevent a, CUevent b) { NEEDS_CONTEXT; *ms = *(int *)b - *(int *)a; return CUDA_SUCCESS; }

CUresult cuStreamBeginCapture(CUstream s, CUstreamCaptureMode mode) { NEEDS_CONTEXT; capturing = 1; captured = 0; return CUDA_SUCCESS; }
CUresult cuStreamEndCapture(CUstream s, CUgraph *g) { NEEDS_CONTEXT; capturing = 0; *g = (CUgraph)&the_graph; return CUDA_SUCCESS; }
CUresult cuGraphInstantiate(CUgraphExec *e, CUgraph g, CUgraphNode *node, char *log, size_t n) { NEEDS_CONTEXT; *e = (CUgraphExec)&the_exec; return CUDA_SUCCESS; }
CUresult cuGraphLaunch(CUgraphExec e, CUstream s) {
	NEEDS_CONTEXT;
	for (int i = 0; i < captured; i++) {
		CUresult r = run(&graph[i]);
		if (r != CUDA_SUCCESS) return r;
	}
	return CUDA_SUCCESS;
}
CUresult cuGraphExecDestroy(CUgraphExec e) { NEEDS_CONTEXT; return (char *)e == &the_exec ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; }
CUresult cuGraphDestroy(CUgraph g) { NEEDS_CONTEXT; return (char *)g == &the_graph ? CUDA_SUCCESS : CUDA_ERROR_INVALID_HANDLE; }

CUresult cuGetErrorName(CUresult r, const char **s) { *s = r == CUDA_ERROR_NOT_SUPPORTED ? "CUDA_ERROR_NOT_SUPPORTED" : "CUDA_ERROR"; return CUDA_SUCCESS; }
CUresult cuGetErrorString(CUresult r, const char **s) { *s = "an error of the fake driver"; return CUDA_SUCCESS; }
