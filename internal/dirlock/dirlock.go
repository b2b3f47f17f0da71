// Package dirlock lets one process at a time work in a directory.
//
// Where the system has locks that end with their process (flock, LockFileEx) it
// uses one: a process that was killed leaves no locked directory behind.
// Elsewhere, and on network disks without such locks, the file itself is the
// lock, and the error says which file to remove after a crash.
package dirlock

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// File is the name of the lock file, which holds the number of the process. It is
// there as long as the lock is held, and after a process that was killed.
const File = "lock"

// claimFile is the lock where the system has none.
const claimFile = "lock.pid"

// Lock is a directory that belongs to this process.
type Lock struct{ file *os.File }

// HeldError says that the directory belongs to another process, or to this one
// already.
type HeldError struct {
	Dir string
	PID int    // 0 when it is not known
	Way string // what to do where the system does not end locks; may be empty
}

func (e *HeldError) Error() string {
	who := "another process"
	if e.PID == os.Getpid() {
		who = "this process"
	}
	if e.PID != 0 {
		who += fmt.Sprintf(" (pid %d)", e.PID)
	}
	return fmt.Sprintf("%s is working in %s%s", who, e.Dir, e.Way)
}

// errNoLocks is what the system's locks fail with where there are none.
var errNoLocks = errors.New("no file locks here")

// Take locks a directory that exists. The error wraps a [HeldError] when it
// belongs to a process.
func Take(dir string) (*Lock, error) {
	path := filepath.Join(dir, File)
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, fmt.Errorf("cannot lock the directory: %w", err)
		}
		held, err := lockFile(f)
		switch {
		case errors.Is(err, errNoLocks):
			f.Close()
			os.Remove(path) // nobody's lock
			return claim(dir)
		case err != nil:
			return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), f.Close())
		case held:
			defer f.Close()
			return nil, &HeldError{Dir: dir, PID: readPID(f)}
		}
		if !isAt(f, path) { // its last holder removed it in between
			f.Close()
			continue
		}
		return sign(f)
	}
}

// claim makes the existence of a file the lock.
func claim(dir string) (*Lock, error) {
	path := filepath.Join(dir, claimFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if errors.Is(err, fs.ErrExist) {
		held := &HeldError{Dir: dir, Way: "; if it has ended, remove " + path}
		if f, err := os.Open(path); err == nil {
			held.PID = readPID(f)
			f.Close()
		}
		return nil, held
	}
	if err != nil {
		return nil, fmt.Errorf("cannot lock the directory: %w", err)
	}
	return sign(f)
}

// sign writes the number of the process into the file.
func sign(f *os.File) (*Lock, error) {
	err := f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock the directory: %w", err), f.Close())
	}
	return &Lock{f}, nil
}

// readPID is the number in the file, 0 without.
func readPID(f *os.File) int {
	var b [32]byte
	n, _ := f.ReadAt(b[:], 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return 0
	}
	return pid
}

// isAt reports whether an open file is the one at a path.
func isAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(path)
	return err == nil && os.SameFile(open, there)
}

// Release gives the directory back. Releasing twice, or a nil lock, does nothing.
func (l *Lock) Release() error {
	if l == nil || l.file == nil {
		return nil
	}
	f := l.file
	l.file = nil
	// Removing comes first, while nobody else can hold the lock; systems that do
	// not remove open files keep it, which does no harm.
	removed := os.Remove(f.Name())
	if err := f.Close(); err != nil {
		return err
	}
	if removed != nil && !hasLocks {
		return os.Remove(f.Name())
	}
	return nil
}
