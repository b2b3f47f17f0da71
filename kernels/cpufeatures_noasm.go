//go:build !amd64 || noasm

package kernels

// fmaLoop has no loop to run here.
func fmaLoop() int { return 0 }
