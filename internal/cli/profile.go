package cli

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
)

// profile begins the profiles that have a file name; stop writes them.
func profile(cpu, mem string) (stop func() error, err error) {
	end := func() error { return nil }
	if cpu != "" {
		f, err := os.Create(cpu)
		if err != nil {
			return nil, fmt.Errorf("cannot write the CPU profile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return nil, errors.Join(fmt.Errorf("cannot begin the CPU profile: %w", err), f.Close())
		}
		end = func() error {
			pprof.StopCPUProfile()
			return f.Close()
		}
	}
	return func() error {
		err := end()
		if mem != "" {
			err = errors.Join(err, writeHeap(mem))
		}
		return err
	}, nil
}

func writeHeap(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("cannot write the memory profile: %w", err)
	}
	runtime.GC() // so that the profile shows what is alive
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}
