package checkpoint

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/nlpodyssey/gopickle/pickle"
)

// maxPickleTime stops waiting for the library. A scanned pickle takes a few
// seconds at the very most.
const maxPickleTime = time.Minute

// findClass is the library's hook for classes that it does not know.
func findClass(module, name string) (any, error) {
	const limit = 256 // longer names would cost time each
	if len(module) > limit || len(name) > limit {
		return nil, badf("the pickle names a class with %d letters; the file is damaged or hostile", len(module)+len(name))
	}
	if err := allowGlobal(module, name); err != nil {
		return nil, err
	}
	return globals[global{module, name}], nil
}

// runPickle executes a pickle that scanPickle has accepted. persistentLoad is
// given what stands for storages.
func runPickle(ctx context.Context, data []byte, persistentLoad func(any) (any, error)) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, maxPickleTime)
	defer cancel()
	type result struct {
		value any
		err   error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: badf("the pickle in this PyTorch file is damaged or hostile: %s", show(fmt.Sprint(p)))}
			}
			done <- r
		}()
		u := pickle.NewUnpickler(bytes.NewReader(data))
		u.FindClass = findClass
		u.PersistentLoad = func(id any) (any, error) {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return persistentLoad(id)
		}
		r.value, r.err = u.Load()
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case r := <-done:
		return r.value, pickleError(r.err)
	}
}

// pickleError keeps our errors and shortens the library's, which may print
// whole values.
func pickleError(err error) error {
	switch err := err.(type) {
	case nil:
		return nil
	case *FormatError:
		return err
	default:
		if err == context.Canceled || err == context.DeadlineExceeded {
			return err
		}
		return badf("the pickle in this PyTorch file is damaged or hostile: %s", show(err.Error()))
	}
}

// loadPickle scans and executes the pickle at the start of data, and returns its
// length too.
func loadPickle(ctx context.Context, data []byte, persistentLoad func(any) (any, error)) (any, int, error) {
	n, err := scanPickle(ctx, data)
	if err != nil {
		return nil, 0, err
	}
	v, err := runPickle(ctx, data[:n], persistentLoad)
	return v, n, err
}

// noStorages is the persistentLoad of pickles that hold none.
func noStorages(any) (any, error) {
	return nil, badf("a pickle that describes the file refers to a storage; the file is damaged or hostile")
}
