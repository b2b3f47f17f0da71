//go:build !amd64 || noasm

package kernels

import "runtime"

// pause lets other goroutines run while this one waits.
func pause() { runtime.Gosched() }
