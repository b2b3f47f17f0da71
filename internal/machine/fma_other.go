//go:build !amd64 || noasm

package machine

func fmaLoop() (loop func(rounds uint64), flops int) { return nil, 0 }
