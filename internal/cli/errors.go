package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
)

// The exit codes of a program.
const (
	OK      = 0
	Failure = 1
	Misuse  = 2
	Stopped = 130
)

// usageError says that flags or arguments are wrong.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Wrong makes an error of wrong flags or arguments.
func Wrong(format string, a ...any) error { return &usageError{fmt.Errorf(format, a...)} }

// AsWrong marks an error as one of wrong flags; nil stays nil.
func AsWrong(err error) error {
	if err == nil {
		return nil
	}
	return &usageError{err}
}

// Interrupted is the error of a verb that ended early because the user asked for
// it and left everything in order. Advice, which may be empty, is the last thing
// that is printed.
type Interrupted struct{ Advice string }

func (e *Interrupted) Error() string {
	if e.Advice == "" {
		return "interrupted"
	}
	return "interrupted: " + e.Advice
}

// Outcome is the "error" of a verb that did its work and answers scripts by an
// exit code; nothing is printed.
type Outcome struct{ Code int }

func (o *Outcome) Error() string { return fmt.Sprintf("exit code %d", o.Code) }

// asInterrupted makes a plain cancellation an interruption.
func asInterrupted(err error) error {
	var stopped *Interrupted
	if errors.Is(err, context.Canceled) && !errors.As(err, &stopped) {
		return &Interrupted{}
	}
	return err
}

// inner are the packages whose names begin their errors: for programmers.
var inner = regexp.MustCompile(`(^|: |; )((autograd|checkpoint|cuda|datasets|greg|kernels|layers|models|ood|optim|report): )+`)

// sentence is an error as users read it: on one line, without package names.
func sentence(text string) string {
	return inner.ReplaceAllString(strings.ReplaceAll(text, "\n", "; "), "$1")
}

// message is sentence with the verb's name in front, which may be that of a package.
func (p *Program) message(err error) string {
	text := err.Error()
	if first, rest, found := strings.Cut(text, ": "); found {
		if _, unknown := p.verb(first); unknown == nil {
			return first + ": " + sentence(rest)
		}
	}
	return sentence(text)
}

// ExitCode is the exit code that an error calls for.
func ExitCode(err error) int {
	var wrong *usageError
	var stopped *Interrupted
	var outcome *Outcome
	switch {
	case errors.As(err, &outcome):
		return outcome.Code
	case err == nil, errors.Is(err, flag.ErrHelp):
		return OK
	case errors.As(err, &wrong):
		return Misuse
	case errors.As(err, &stopped), errors.Is(err, context.Canceled):
		return Stopped
	}
	return Failure
}
