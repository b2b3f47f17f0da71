package ood

import (
	"fmt"
	"iter"
)

// FitAll fits scores with one pass over the data: every batch goes to all scores
// that learn, one after the other in the calling goroutine. Scores without
// NeedData are only shown model and head. The error names the score.
func FitAll(scores []Score, id IDData) error {
	var waiting []*fitting
	defer func() {
		for _, f := range waiting {
			f.stop()
		}
	}()
	for _, s := range scores {
		f := startFit(s.Key, s.Detector, id)
		more, err := f.run()
		if err != nil {
			return err
		}
		if more {
			waiting = append(waiting, f)
		}
	}
	if len(waiting) == 0 {
		return nil
	}
	for out, err := range id.Batches {
		if err != nil {
			return err
		}
		for _, f := range waiting {
			f.batch = out
			if _, err := f.run(); err != nil {
				return err
			}
		}
	}
	for _, f := range waiting {
		f.over = true
		if _, err := f.run(); err != nil {
			return err
		}
	}
	return nil
}

// fitting is a call of Fit that runs as a coroutine: it stops wherever it asks
// for the next batch.
type fitting struct {
	key   string
	batch Outputs // the next batch, set before it goes on
	over  bool    // there is none

	ask  func(struct{}) bool // pauses the call; false: it is to end
	next func() (struct{}, bool)
	stop func()
	err  error
}

func startFit(key string, d Detector, id IDData) *fitting {
	f := &fitting{key: key}
	if d.Needs()&NeedData == 0 {
		id.Batches = nil
	}
	if id.Batches != nil {
		id.Batches = func(yield func(Outputs, error) bool) {
			for f.ask(struct{}{}) && !f.over && yield(f.batch, nil) {
			}
		}
	}
	f.next, f.stop = iter.Pull(func(ask func(struct{}) bool) {
		f.ask = ask
		f.err = d.Fit(id)
	})
	return f
}

// run goes on with Fit until it wants another batch; more is false when it has
// returned, now or before, and err is what it returned.
func (f *fitting) run() (more bool, err error) {
	_, more = f.next()
	if f.err != nil {
		return false, fmt.Errorf("ood: fitting the score %s: %w", f.key, f.err)
	}
	return more, nil
}

// ScoreAll scores all batches with all scores, which were fitted before. It
// returns one number an image, in order, by the scores' keys.
func ScoreAll(scores []Score, batches iter.Seq2[Outputs, error]) (map[string][]float64, error) {
	all := map[string][]float64{}
	for out, err := range batches {
		if err != nil {
			return nil, err
		}
		for _, s := range scores {
			values := make([]float64, out.N)
			if err := s.Score(values, out); err != nil {
				return nil, fmt.Errorf("ood: score %s: %w", s.Key, err)
			}
			all[s.Key] = append(all[s.Key], values...)
		}
	}
	return all, nil
}

// Single yields outputs that are at hand, for [IDData].Batches and [ScoreAll].
func Single(batches ...Outputs) iter.Seq2[Outputs, error] {
	return func(yield func(Outputs, error) bool) {
		for _, out := range batches {
			if !yield(out, nil) {
				return
			}
		}
	}
}
