package greg

import (
	"errors"
	"fmt"

	"gradgrad/autograd"
	"gradgrad/kernels"
)

// player makes a device do work that repeats itself, such as the steps of training. The
// first time it runs operation by operation; the second time it is captured, and from
// then on replayed, where the device can ([kernels.Capturer]). Work of another shape
// is captured by itself.
type player struct {
	tape  *autograd.Tape
	dev   kernels.Capturer // nil where everything runs operation by operation
	plans map[any]*plan
}

// plan is work of one shape.
type plan struct {
	replay kernels.Replay // nil before it is captured
	moves  int            // of the tape's memory when it was captured
}

// counts is what work counts on the host, which a replay does not run: it is counted
// once more, or taken back where a capture comes to nothing.
type counts interface {
	again()
	undo()
}

// tries bounds how often a capture begins anew: the tape's memory settles while the
// work runs a few times.
const tries = 4

// play does the work f, which releases the tape and takes all that varies from memory
// of the device or from attributes that are looked up. The key stands for its shape.
func (p *player) play(key any, c counts, f func()) error {
	now := p.plans[key]
	if p.dev == nil || now == nil {
		p.plans[key] = new(plan)
		f()
		return nil
	}
	if now.replay != nil && now.moves == p.tape.Moves() {
		c.again()
		return now.replay.Launch()
	}
	for range tries {
		if err := now.capture(p, f); err != nil {
			return fmt.Errorf("greg: this step cannot be replayed (-capture=false, or Trainer.Eager, runs it operation by operation): %w", err)
		}
		if now.moves == p.tape.Moves() {
			return now.replay.Launch()
		}
		c.undo() // what was captured would use memory that the tape has given back
		if err := now.forget(); err != nil {
			return err
		}
	}
	f()
	return nil
}

// capture records the work, in place of an earlier record.
func (n *plan) capture(p *player, f func()) (err error) {
	if err := n.forget(); err != nil {
		return err
	}
	n.moves = p.tape.Moves()
	n.replay, err = p.dev.Capture(f)
	return err
}

func (n *plan) forget() error {
	if n.replay == nil {
		return nil
	}
	r := n.replay
	n.replay = nil
	return r.Close()
}

// close forgets everything that was captured.
func (p *player) close() (err error) {
	for _, n := range p.plans {
		err = errors.Join(err, n.forget())
	}
	clear(p.plans)
	return err
}
