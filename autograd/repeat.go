package autograd

import (
	"errors"
	"fmt"

	"gradgrad/kernels"
)

// Repeater makes a device do work that repeats itself, such as the steps of training.
// The first time it runs operation by operation; the second time it is captured, and
// from then on replayed, where the device can ([kernels.Capturer]). Work of another
// shape is captured by itself.
type Repeater struct {
	// Eager runs everything operation by operation, as devices do that cannot replay.
	Eager bool

	tape  *Tape
	dev   kernels.Capturer // nil where it cannot
	plans map[any]*repeated
}

// repeated is work of one shape.
type repeated struct {
	replay kernels.Replay // nil before it is captured
	moves  int            // of the tape's memory when it was captured
}

// Counts is what work counts on the host, which a replay does not run.
type Counts interface {
	// Again counts the work once more, as running it does.
	Again()
	// Undo takes back what running it counted, where a capture comes to nothing.
	Undo()
}

// NewRepeater returns a repeater of work on a tape.
func NewRepeater(t *Tape) *Repeater {
	r := &Repeater{tape: t, plans: map[any]*repeated{}}
	r.dev, _ = t.dev.(kernels.Capturer)
	return r
}

// tries bounds how often a capture begins anew: the tape's memory settles while the
// work runs a few times.
const tries = 4

// Do does the work f, or does it again. f releases the tape, reads nothing to the host,
// and takes all that varies from memory of the device or from attributes that are
// looked up (see [kernels.Capturer.Capture]). The key, which is comparable, stands for
// all that decides which operations f runs, on what memory. c may be nil.
func (r *Repeater) Do(key any, c Counts, f func()) error {
	now := r.plans[key]
	if r.dev == nil || r.Eager || now == nil {
		r.plans[key] = new(repeated)
		f()
		return nil
	}
	if now.replay != nil && now.moves == r.tape.Moves() {
		if c != nil {
			c.Again()
		}
		return now.replay.Launch()
	}
	for range tries {
		if err := now.capture(r, f); err != nil {
			return err
		}
		if now.moves == r.tape.Moves() {
			return now.replay.Launch()
		}
		if c != nil {
			c.Undo() // what was captured would use memory that the tape has given back
		}
		if err := now.forget(); err != nil {
			return err
		}
	}
	f()
	return nil
}

// capture records the work, in place of an earlier record.
func (n *repeated) capture(r *Repeater, f func()) (err error) {
	if err := n.forget(); err != nil {
		return err
	}
	n.moves = r.tape.Moves()
	if n.replay, err = r.dev.Capture(f); err != nil {
		return fmt.Errorf("autograd: this step cannot be replayed (it can be run operation by operation: Eager, or -capture=false): %w", err)
	}
	return nil
}

func (n *repeated) forget() error {
	if n.replay == nil {
		return nil
	}
	r := n.replay
	n.replay = nil
	return r.Close()
}

// Close forgets everything that was captured.
func (r *Repeater) Close() (err error) {
	for _, n := range r.plans {
		err = errors.Join(err, n.forget())
	}
	clear(r.plans)
	return err
}
