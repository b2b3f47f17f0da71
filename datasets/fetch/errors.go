package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"
)

// MissingError says that a file is not there and cannot be downloaded, and where
// to put it by hand.
type MissingError struct {
	Source Source
	Path   string
	Tried  []Failure
}

// Failure is why an address did not give the file.
type Failure struct {
	URL string
	Err error
}

func (e *MissingError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s cannot be downloaded", e.Source.File)
	for i, t := range e.Tried {
		sep := ", "
		if i == 0 {
			sep = " ("
		}
		fmt.Fprintf(&b, "%s%s: %v", sep, t.URL, t.Err)
	}
	if len(e.Tried) > 0 {
		b.WriteByte(')')
	}
	fmt.Fprintf(&b, ": get it in another way and put it at %s", e.Path)
	switch s := e.Source; {
	case s.SHA256 != "":
		fmt.Fprintf(&b, "; its SHA-256 is %s", s.SHA256)
	case s.MD5 != "":
		fmt.Fprintf(&b, "; its MD5 is %s", s.MD5)
	}
	if e.Source.Note != "" {
		fmt.Fprintf(&b, " (%s)", e.Source.Note)
	}
	return b.String()
}

// Unwrap gives the reasons.
func (e *MissingError) Unwrap() []error {
	var errs []error
	for _, t := range e.Tried {
		errs = append(errs, t.Err)
	}
	return errs
}

// localError is one of the own disk: other addresses will not help.
type localError struct{ err error }

func (e *localError) Error() string { return e.err.Error() }
func (e *localError) Unwrap() error { return e.err }

// explain says what to do about an error of the data folder.
func (f *Fetcher) explain(s Source, err error) error {
	cause := err
	var pe *fs.PathError
	var le *os.LinkError
	if errors.As(err, &pe) {
		cause = pe.Err
	} else if errors.As(err, &le) {
		cause = le.Err
	}
	what := "choose another folder with -data"
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		need := ""
		if s.MB > 0 {
			need = fmt.Sprintf(" (the file has about %d MB)", s.MB)
		}
		what = "free some space" + need + " and run again: what is there is kept"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		what = "give yourself the right to write there, or choose another folder with -data"
	}
	return fmt.Errorf("%s cannot be written to %s: %w; %s", s.File, f.Dir, cause, what)
}

func size(bytes int64) string {
	switch {
	case bytes < 10_000:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 10_000_000:
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%d MB", bytes/1_000_000)
}
