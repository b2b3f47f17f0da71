// Package atomicfile replaces files in one step: after a crash, a full disk or a
// kill, the path holds the old content or the new, never a part.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// Write gives path the content data.
func Write(path string, data []byte) error {
	return WriteTo(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteTo gives path the content that write produces, by way of a temporary file
// in the same directory that is synced and renamed; write's own error is wrapped.
// On an error what was there before is untouched, and the error says what to do.
func WriteTo(path string, write func(io.Writer) error) error {
	removeStale(path)
	tmp := fmt.Sprintf("%s%016x", tempPrefix(path), rand.Uint64())
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return advise(path, err)
	}
	err = fill(f, write)
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		os.Remove(tmp)
		return advise(path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("%s was written, but its directory could not be synced, so a power failure may undo it: %w", path, err)
	}
	return nil
}

// WriteMaking is WriteTo after making the directories that are missing.
func WriteMaking(path string, write func(io.Writer) error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return advise(path, err)
	}
	return WriteTo(path, write)
}

// fill writes, syncs and closes f.
func fill(f *os.File, write func(io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<20)
	err := write(w)
	if err == nil {
		err = w.Flush()
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// syncDir makes a rename survive a power failure. Windows has no such call.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// tempPrefix is how the temporary names for path begin.
func tempPrefix(path string) string {
	return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp-")
}

// removeStale removes the temporaries of writers of path that were killed: a
// training run that is killed again and again must not fill the disk. A living
// writer touches its file far more often than every ten minutes.
func removeStale(path string) {
	dir, prefix := filepath.Dir(path), filepath.Base(tempPrefix(path))
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // creating the file will say what is wrong with the directory
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), prefix) && time.Since(info.ModTime()) > 10*time.Minute {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// advise says what to do about the errors that users meet.
func advise(path string, err error) error {
	cause := err
	var pe *fs.PathError
	var le *os.LinkError
	if errors.As(err, &pe) {
		cause = pe.Err
	} else if errors.As(err, &le) {
		cause = le.Err
	}
	const what = "%s could not be written (the old file, if any, is unchanged): %w"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf(what+"; free some space and run again", path, cause)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf(what+"; create the directory first", path, cause)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf(what+"; give yourself the right to write in %s", path, cause, filepath.Dir(path))
	}
	return fmt.Errorf(what, path, cause)
}
