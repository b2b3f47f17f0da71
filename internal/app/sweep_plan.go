package app

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
	"gradgrad/report/progress"
)

// showPlan prints the runs of a sweep and how long each would take: the time of a
// step, measured, times the steps. Evaluations are not in it.
func (s *sweepFlags) showPlan(ctx context.Context, env *cli.Env, sw *sweep.Sweep) error {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	w.AppendHeader(table.Row{"run", "begins with", "epochs", "steps", "s a step", "time", "flags of train"})
	p := planner{x: s.x, data: *s.data, path: sw.Path, compute: s.compute.Args(), epochs: s.epochs, steps: map[string]stepTime{}, images: map[string]int{}}
	var total time.Duration
	unknown := 0
	for _, r := range sw.Runs {
		t, err := p.estimate(ctx, env, r)
		if ctx.Err() != nil {
			return &cli.Interrupted{Advice: "nothing was made"}
		}
		if err != nil {
			return err
		}
		row := table.Row{r.Name, r.Init + r.InitFile, t.epochs, "?", fmt.Sprintf("%.3f", t.seconds), "?", strings.Join(r.Train.Args(), " ")}
		if t.steps > 0 {
			d := time.Duration(float64(t.steps) * t.seconds * float64(time.Second))
			row[3], row[5] = t.steps, progress.Duration(d)
			total += d
		} else {
			unknown++
		}
		w.AppendRow(row)
	}
	fmt.Fprintf(env.Stdout, "%s\n%s\ntraining: %s on this machine", sw.Title, w.Render(), progress.Duration(total))
	if unknown > 0 {
		fmt.Fprintf(env.Stdout, ", and %d runs on images that are not here", unknown)
	}
	fmt.Fprintf(env.Stdout, "\n")
	return nil
}

// estimate is what is known of a run before it is made.
type estimate struct {
	epochs, steps int // steps is 0 when the set is not there
	seconds       float64
}

type stepTime struct {
	seconds float64
	batch   int
}

type planner struct {
	x       *Experiment
	data    string
	path    func(string) string // of a file that the sweep names
	compute []string            // the flags that say what computes
	epochs  *epochs
	steps   map[string]stepTime // by the flags that decide it
	images  map[string]int      // by the spec and limit of the set; 0 when it is not there
}

func (p *planner) estimate(ctx context.Context, env *cli.Env, r sweep.Run) (e estimate, err error) {
	st, epochs, err := p.time(ctx, env, r)
	if err != nil {
		return e, fmt.Errorf("%s: %w", r.Name, err)
	}
	e.epochs, e.seconds = epochs, st.seconds
	e.steps = epochs * (p.count(ctx, env, r.Train) / st.batch)
	return e, nil
}

// count is the number of training images of a run, 0 where they are not here.
func (p *planner) count(ctx context.Context, env *cli.Env, train sweep.Flags) int {
	spec := train["id"]
	key := spec + " " + train["limit"]
	n, known := p.images[key]
	if known {
		return n
	}
	sets := p.x.Sets
	sets.Data = p.data
	fmt.Sscan(train["limit"], &sets.Limit)
	set, _, err := sets.Open(ctx, env, spec, cli.Want{Train: true, Size: p.x.size()})
	if err == nil {
		n = set.Len()
	} else {
		n = officialTrain(spec)
	}
	p.images[key] = n
	return n
}

// officialTrain is the number of training images of a published set, for plans that
// are made before the images are there.
func officialTrain(spec string) int {
	for _, k := range datasets.KnownSets() {
		switch {
		case k.Name != datasets.NameOf(spec):
		case k.Train == 0 && strings.HasPrefix(k.Name, "imagenet"):
			return 1300 / 50 * k.Test // about, for some of the classes
		default:
			return k.Train
		}
	}
	return 0
}

// drawnFor are the flags of a run that have nothing to do with the time of a step,
// replaced by drawn images.
var drawnFor = []string{"id", "aux", "test", "aux-classes", "epochs", "max-steps", "seed", "save-every", "limit", "normalize", "milestones"}

const plannedSteps = 4 // the first is left out

// size is the height and width of images in pixels where a run does not say it.
func (x *Experiment) size() int { return cmp.Or(x.Sets.DefaultSize, smallSide) }

// time trains a few steps of the run's kind on drawn images.
func (p *planner) time(ctx context.Context, env *cli.Env, r sweep.Run) (st stepTime, epochs int, err error) {
	flags := sweep.Flags{}
	for name, value := range r.Train {
		flags[name] = value
	}
	if flags["arch"] == "" && r.InitFile != "" {
		w, err := cli.ReadWeights(ctx, p.path(r.InitFile), "", 0)
		if err != nil {
			return st, 0, err
		}
		flags["arch"] = w.Model.Arch
	}
	epochs, err = p.epochs.of(flags)
	if err != nil {
		return st, 0, err
	}
	hasAux := flags["aux"] != ""
	for _, name := range drawnFor {
		delete(flags, name)
	}
	key := strings.Join(flags.Args(), " ")
	if st, ok := p.steps[key]; ok {
		return st, epochs, nil
	}
	dir, err := os.MkdirTemp("", "gradgrad-plan-")
	if err != nil {
		return st, 0, err
	}
	defer os.RemoveAll(dir)
	if flags["id"] = "shapes#1000"; flags["size"] == "" {
		flags["size"] = fmt.Sprint(p.x.size())
	}
	if hasAux {
		flags["aux"] = "outliers#2000"
	}
	flags["max-steps"], flags["epochs"] = fmt.Sprint(plannedSteps), "1"
	if flags["schedule"] == "multistep" {
		flags["milestones"] = "0.5"
	}
	quiet := *env
	quiet.Quiet, quiet.Stdout = true, discard{}
	out, begin := filepath.Join(dir, "run"), filepath.Join(dir, "begin")
	args := append(append(flags.Args(), p.compute...), "-out="+out)
	if r.Init != "" || r.InitFile != "" { // weights to begin with, of any quality
		first := sweep.Flags{"id": flags["id"], "size": flags["size"], "method": "ce", "max-steps": "1"}
		if arch, given := flags["arch"]; given {
			first["arch"] = arch
		}
		if err := p.x.steps().Call(ctx, &quiet, "train", append(append(first.Args(), p.compute...), "-out="+begin)); err != nil {
			return st, 0, err
		}
		args = append(args, "-init="+begin)
	}
	if err := p.x.steps().Call(ctx, &quiet, "train", args); err != nil {
		return st, 0, err
	}
	st, err = bestStep(out)
	p.steps[key] = st
	return st, epochs, err
}

// bestStep reads the shortest time of a step from a run's metrics.
func bestStep(dir string) (st stepTime, err error) {
	steps, err := greg.ReadMetrics(dir)
	if err != nil {
		return st, err
	}
	rec, err := greg.ReadRecord(dir)
	if err != nil {
		return st, err
	}
	if len(steps) < 2 {
		return st, fmt.Errorf("%d steps are too few to time", len(steps))
	}
	st.batch = rec.Config.Batch
	fastest := steps[1].Seconds
	for _, s := range steps[1:] {
		fastest = min(fastest, s.Seconds)
	}
	st.seconds = fastest
	return st, nil
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
