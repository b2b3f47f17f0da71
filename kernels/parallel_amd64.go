//go:build amd64 && !noasm

package kernels

// pause tells the processor that this is a loop that waits: it costs some tens
// of nanoseconds and leaves the core's resources to its other thread.
//
//go:noescape
func pause()
