package checkpoint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"unicode/utf8"
)

// FormatError says that the content of a checkpoint is wrong or not supported.
type FormatError struct {
	Path   string // "" when the content does not come from a file
	Reason string // what is wrong, where in the file, and what to do
	Err    error  // cause, may be nil
}

func (e *FormatError) Error() string {
	s := "checkpoint"
	if e.Path != "" {
		s += " " + e.Path
	}
	s += ": " + e.Reason
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *FormatError) Unwrap() error { return e.Err }

// badf returns a FormatError without path; inFile adds it.
func badf(format string, args ...any) error {
	return &FormatError{Reason: fmt.Sprintf(format, args...)}
}

// inFile adds the path to an error about the content of a file.
func inFile(path string, err error) error {
	var fe *FormatError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fe):
		return &FormatError{Path: path, Reason: fe.Reason, Err: fe.Err}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("checkpoint %s: reading stopped: %w", path, err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &FormatError{Path: path, Reason: "the file ends early; copy or download it again", Err: err}
	}
	return fmt.Errorf("checkpoint %s: %w", path, err)
}

// openError explains why a path could not be opened.
func openError(path string, err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		err = pe.Err // the path is in our sentence already
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("checkpoint %s: %w; check the path", path, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("checkpoint %s: %w; give yourself the right to read it (chmod +r)", path, err)
	}
	return fmt.Errorf("checkpoint %s: %w", path, err)
}

// show quotes a string from a file for an error message: printable and short.
func show(s string) string {
	const limit = 100
	if len(s) > limit {
		cut := limit
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		return strconv.Quote(s[:cut]) + "..."
	}
	return strconv.Quote(s)
}

// showInts prints a shape for an error message, and only its start when a
// hostile file made it long.
func showInts(v []int) string {
	const limit = 8
	if len(v) > limit {
		return fmt.Sprintf("%v... (%d dimensions)", v[:limit], len(v))
	}
	return fmt.Sprint(v)
}
