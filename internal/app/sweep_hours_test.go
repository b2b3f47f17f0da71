package app

import (
	"cmp"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"gradgrad/greg"
	"gradgrad/internal/sweep"
)

// speed is images a second on two cores of an Intel Xeon (Sapphire Rapids): what
// docs/performance.md measured of one network, and docs/reproduction.md of wrn-16-1.
type speed struct{ infer, ce, energy, greg float64 }

// speeds are those of sweeps/README.md. That of densenet121 is a tenth of densenet101's,
// as its multiply-adds are ten times as many; no more is known of it. Inference of
// wrn-16-1 is taken as three times its CE.
var speeds = map[string]speed{
	"wrn-40-2":    {897, 251, 264, 120},
	"resnet18":    {570, 156, 168, 78},
	"densenet101": {460, 118, 115, 53},
	"densenet121": {46, 11.8, 11.5, 5.3},
	"wrn-16-1":    {5757, 1919, 1858, 760},
}

// TestHoursOfSweepFiles computes what the files say of themselves: steps times the time
// of a step, and the candidates that are looked at.
func TestHoursOfSweepFiles(t *testing.T) {
	says := regexp.MustCompile(`(?m)^# About ([0-9]+) hours on two cores of an Intel Xeon`)
	readme, err := os.ReadFile("../../sweeps/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../sweeps/*.toml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no sweep files: %v", err)
	}
	for _, file := range files {
		x, name := small, filepath.Base(file)
		if name == "table3.toml" {
			x = large
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sw, err := sweep.Read(file, nil)
		if err != nil {
			t.Fatal(err)
		}
		seconds := 0.
		for _, r := range sw.Runs {
			seconds += trainingSeconds(t, x, r)
		}
		hours := seconds / 3600
		m := says.FindSubmatch(text)
		if m == nil {
			t.Errorf("%s does not say its hours; they are %.0f", name, hours)
			continue
		}
		if said, _ := strconv.ParseFloat(string(m[1]), 64); math.Abs(said/hours-1) > 0.1 && math.Abs(said-hours) > 1 {
			t.Errorf("%s says %g hours; they are %.1f", name, said, hours)
		}
		if row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(name) + "` .*\\| " + string(m[1]) + " \\|$"); !row.Match(readme) {
			t.Errorf("README.md gives other hours than %s, or none: %s", name, m[1])
		}
	}
}

// trainingSeconds is how long a run trains at those speeds.
func trainingSeconds(t *testing.T, x *Experiment, r sweep.Run) float64 {
	t.Helper()
	v, ok := speeds[r.Train["arch"]]
	if !ok {
		t.Fatalf("%s: no speed of %s is known", r.Name, r.Train["arch"])
	}
	n := officialTrain(r.Train["id"])
	classes := 10
	if r.Train["id"] == "cifar100" {
		classes = 100
		if r.Train["arch"] == "wrn-16-1" {
			n = 20000 // of the folder that small100.toml is for
		}
	}
	c, err := x.Preset(r.Train["method"], classes)
	if err != nil {
		t.Fatal(err)
	}
	for field, name := range map[*int]string{&c.Epochs: "epochs", &c.Batch: "batch", &c.AuxBatch: "aux-batch"} {
		if text := r.Train[name]; text != "" {
			if *field, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.CountCandidates(n)
	perSecond := v.ce
	switch {
	case c.Loss.LambdaGrad != 0 && c.Loss.NeedsAux():
		perSecond = v.greg
	case c.Loss.NeedsAux():
		perSecond = v.energy
	}
	steps := float64(c.Epochs) * float64(n/c.Batch)
	aux := map[string]int{"300k": 300000, "aux": 33985}[r.Train["aux"]]
	return steps*float64(c.Batch+c.AuxBatch)/perSecond + float64(looked(c, n, cmp.Or(aux, 1281167), steps))/v.infer
}

// looked is how many images go through the network for methods that choose: candidates,
// and of POEM what its posterior knows.
func looked(c greg.Config, n, aux int, steps float64) int {
	s := c.Sampling.For(aux)
	switch s.Sampler {
	case greg.SampleClusters:
		return int(steps) * s.Candidates
	case greg.SampleRanks:
		return c.Epochs * s.Candidates
	case greg.SamplePosterior:
		return c.Epochs * (s.Candidates + n + s.Window*s.Keep)
	}
	return 0
}

// TestSweepFilesAreForTheseSets: what TestHoursOfSweepFiles assumes of sizes is what
// the program knows.
func TestSweepFilesAreForTheseSets(t *testing.T) {
	for id, want := range map[string]int{"cifar10": 50000, "cifar100": 50000, "imagenet10": 13000} {
		if got := officialTrain(id); got != want {
			t.Errorf("%s has %d training images, want %d", id, got, want)
		}
	}
}
