package app

import (
	"fmt"
	"strings"
	"time"

	"gradgrad/greg"
	"gradgrad/internal/sweep"
	"gradgrad/report/progress"
)

// pace learns from the runs of a sweep that are done how long the others will take.
type pace struct {
	epochs *epochs
	done   map[string]bool // by name
	kinds  map[string]rate // by the flags that decide how long an epoch takes
	all    rate
}

// rate is how long so many epochs took, evaluations included.
type rate struct{ seconds, epochs float64 }

func (r *rate) add(seconds, epochs float64) { r.seconds, r.epochs = r.seconds+seconds, r.epochs+epochs }

// newPace looks at what is there of a sweep.
func (s *sweepFlags) newPace(sw *sweep.Sweep) *pace {
	p := &pace{epochs: s.epochs, done: map[string]bool{}, kinds: map[string]rate{}}
	for _, r := range sw.Runs {
		if state, err := readState(runDir(sw, r.Name), r); err == nil && state.done(r) {
			p.add(r, state.Seconds)
		}
	}
	return p
}

// add notes that a run is done, in seconds; 0 where nobody has measured them.
func (p *pace) add(r sweep.Run, seconds float64) {
	epochs, err := p.epochs.of(r.Train)
	if p.done[r.Name] = true; seconds <= 0 || err != nil {
		return
	}
	kind := p.kinds[kindOf(r)]
	kind.add(seconds, float64(epochs))
	p.kinds[kindOf(r)] = kind
	p.all.add(seconds, float64(epochs))
}

// kindOf are the settings of a run but those that an epoch does not depend on.
func kindOf(r sweep.Run) string {
	flags := sweep.Flags{}
	for name, value := range r.Train {
		flags[name] = value
	}
	for _, name := range []string{"seed", "epochs", "milestones", "save-every"} {
		delete(flags, name)
	}
	return strings.Join(flags.Args(), " ")
}

// left says how long runs that are yet to be made will take: a run of a kind that was
// measured as long for an epoch as that, another as long as the mean. "" while nothing
// was measured.
func (p *pace) left(runs []sweep.Run) string {
	seconds, count, unlike := 0., 0, 0
	for _, r := range runs {
		if p.done[r.Name] {
			continue
		}
		epochs, err := p.epochs.of(r.Train)
		kind, known := p.kinds[kindOf(r)]
		if !known {
			kind, unlike = p.all, unlike+1
		}
		if count++; err != nil || kind.epochs == 0 {
			return ""
		}
		seconds += kind.seconds / kind.epochs * float64(epochs)
	}
	if count == 0 {
		return ""
	}
	text := fmt.Sprintf(" (%d to go, about %s", count, progress.Duration(time.Duration(seconds*float64(time.Second))))
	if unlike > 0 {
		text += fmt.Sprintf("; %d unlike those before, guessed from their mean", unlike)
	}
	return text + ")"
}

// steps is the number of steps that a run's metrics tell of.
func steps(dir string) int {
	all, err := greg.ReadMetrics(dir)
	if err != nil {
		return 0
	}
	return len(all)
}

// whole is how long a training takes that went from one step to another in some time
// and had so many steps then.
func whole(took time.Duration, from, to int) float64 {
	if to <= from {
		return 0
	}
	return took.Seconds() * float64(to) / float64(to-from)
}
