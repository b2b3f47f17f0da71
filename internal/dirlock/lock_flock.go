//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package dirlock

import (
	"os"

	"golang.org/x/sys/unix"
)

// hasLocks says that a file left behind locks nothing.
const hasLocks = true

// lockFile locks an open file, or reports that another holds it.
func lockFile(f *os.File) (held bool, err error) {
	for {
		switch err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err {
		case unix.EINTR:
			continue
		case unix.EWOULDBLOCK:
			return true, nil
		case unix.ENOTSUP, unix.ENOSYS, unix.ENOLCK:
			return false, errNoLocks
		}
		return false, err
	}
}
