package autograd

import (
	"fmt"
	"strings"

	"gradgrad/kernels"
)

// ShapeError is the panic value of an operation whose operands do not fit. It
// names the operation, the shapes it was given and what it wanted.
type ShapeError struct {
	Op     string
	Shapes [][]int
	Want   string
}

func (e *ShapeError) Error() string {
	var s []string
	for _, sh := range e.Shapes {
		s = append(s, fmt.Sprint(sh))
	}
	return fmt.Sprintf("autograd: %s of %s: want %s", e.Op, strings.Join(s, " and "), e.Want)
}

// LifetimeError is the panic value of reading a value whose memory is gone:
// after [Value.Done], or after its tape was released.
type LifetimeError struct {
	Op    string
	Shape []int
}

func (e *LifetimeError) Error() string {
	return fmt.Sprintf("autograd: the result of %s %v was read after Done or after its tape was released", e.Op, e.Shape)
}

// UsageError is the panic value of other misuse: values of two tapes in one
// operation, a derivative of something that depends on nothing watched.
type UsageError struct{ Op, Problem string }

func (e *UsageError) Error() string { return fmt.Sprintf("autograd: %s: %s", e.Op, e.Problem) }

// Catch turns the panics of this package and of devices into an error; other
// panics pass. Use it deferred where panics end: defer autograd.Catch(&err).
func Catch(err *error) {
	switch e := recover().(type) {
	case nil:
	case *ShapeError:
		*err = e
	case *LifetimeError:
		*err = e
	case *UsageError:
		*err = e
	case *kernels.DeviceError:
		*err = e
	default:
		panic(e)
	}
}
