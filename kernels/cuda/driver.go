package cuda

// Driver is what a device is made of. Memory addresses are the GPU's. Calls that
// take a stream are done in the stream's order; they may return before they are
// done, unless they say otherwise. A nil stream is the default one. A driver is
// used by one goroutine at a time, on any thread.
type Driver interface {
	// Info describes the device.
	Info() Info
	// MemInfo returns the bytes that are free and those that there are.
	MemInfo() (free, total int64, err error)

	// Alloc returns the address of new memory, aligned to 256 bytes, with undefined
	// contents; Free gives it back after all work that was begun.
	Alloc(bytes int64) (uint64, error)
	Free(p uint64) error
	// HostAlloc returns memory of the host that the device copies from and to
	// without help of the CPU, and so while it computes.
	HostAlloc(bytes int64) ([]byte, error)
	HostFree(b []byte) error

	// CopyIn copies to the device. Unless src is of HostAlloc it may be changed as
	// soon as CopyIn returns. CopyOut copies to the host and waits.
	CopyIn(dst uint64, src []byte, s Stream) error
	CopyOut(dst []byte, src uint64, s Stream) error
	// CopyWithin copies on the device between ranges that do not overlap.
	CopyWithin(dst, src uint64, bytes int64, s Stream) error
	// Fill sets n words of 32 bits.
	Fill(dst uint64, word uint32, n int64, s Stream) error

	// Load translates PTX; file names it in errors.
	Load(file, source string) (Module, error)
	// SetShared lets a function have up to so many bytes of dynamic shared memory,
	// which is needed above 48 KiB.
	SetShared(f Function, bytes int) error
	// Launch runs a function; every parameter takes one element of params, at most 8
	// bytes, in the low bytes.
	Launch(f Function, grid, block [3]int, shared int, params []uint64, s Stream) error
	// LaunchCooperative is Launch for blocks that wait for each other: all run at once.
	// More than the multiprocessors hold is an error; Resident is how many one of them
	// holds, of so many threads and bytes of dynamic shared memory.
	LaunchCooperative(f Function, grid, block [3]int, shared int, params []uint64, s Stream) error
	Resident(f Function, threads, shared int) (int, error)

	// NewStream makes a stream that waits for no other; Sync waits for one.
	NewStream() (Stream, error)
	FreeStream(s Stream) error
	Sync(s Stream) error
	// NewEvent makes an event. Record puts it behind the work of a stream, Wait lets
	// the later work of a stream wait for it, Elapsed is the milliseconds between two
	// events that have happened.
	NewEvent() (Event, error)
	FreeEvent(e Event) error
	Record(e Event, s Stream) error
	Wait(s Stream, e Event) error
	Elapsed(from, to Event) (float64, error)

	// BeginCapture lets a stream collect work instead of doing it; EndCapture makes a
	// graph of the work; LaunchGraph does all of it, as often as one likes. Nobody waits
	// for a stream that is being captured, nor copies from it to the host or to it from
	// memory that is not of HostAlloc.
	BeginCapture(s Stream) error
	EndCapture(s Stream) (Graph, error)
	LaunchGraph(g Graph, s Stream) error
	FreeGraph(g Graph) error

	// Close gives everything back.
	Close() error
}

// Module is translated PTX.
type Module interface {
	// Function finds a kernel by its entry name.
	Function(name string) (Function, error)
}

// Handles of a driver, of types that only the driver knows.
type (
	Function any
	Stream   any
	Event    any
	Graph    any
)

// Info describes a GPU.
type Info struct {
	Name          string
	Major, Minor  int // compute capability
	SMs           int // multiprocessors
	SharedPerSM   int // bytes
	SharedOptIn   int // the most that one block may have, bytes
	Memory        int64
	DriverVersion int // 1000*major + 10*minor; 0 for the simulator
}

// lending is implemented by drivers that check the use of memory inside an
// allocation: Lend says that a piece got a new owner, who has not written to it yet,
// TakeBack that nobody may use it any more.
type lending interface {
	Lend(p uint64, name string, bytes int64) error
	TakeBack(p uint64) error
}
