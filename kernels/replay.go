package kernels

// Capturer is implemented by devices that can record what runs on them and do it
// again for the price of one launch, as GPUs do.
type Capturer interface {
	Device
	// Capture records what f runs, without doing it. A replay reads and writes the
	// memory that f was given, which must not be freed before the replay is closed.
	// What is written from the host in f is the same in every replay; nothing can be
	// read to the host. What varies from replay to replay is looked up in attributes:
	// the rate and the step of [SGDAttr] and [AdamAttr], the clock of [DropAttr].
	// f should have run before, so that its kernels are loaded. Errors: what f does
	// cannot be captured, or it failed with an error.
	Capture(f func()) (Replay, error)
	// NewInlet returns a way in for what changes with every replay.
	NewInlet() (Inlet, error)
}

// Replay is work that was captured.
type Replay interface {
	// Launch does the work once more. It returns before it is done.
	Launch() error
	// Close forgets the work.
	Close() error
}

// Inlet brings numbers to a device while it computes: the input of the next step
// during this one. It holds two inputs at a time; they are taken in the order in which
// they were sent.
type Inlet interface {
	// Host returns memory of the host for n numbers, to be filled and then sent. Where
	// it was sent before it waits until that has gone through.
	Host(n int) ([]float32, error)
	// Send begins to copy the memory that Host returned last to the device.
	Send() error
	// Take puts the oldest input that was sent and not taken into buffers, one after
	// the other, in the order of the device's work. It does not wait.
	Take(dst ...Buffer) error
	// Close gives the memory back, after all work.
	Close() error
}
