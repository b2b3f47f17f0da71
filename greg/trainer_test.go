package greg

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/models"
	"gradgrad/ood"
)

func drawn(t *testing.T, name string, n int) datasets.Set {
	t.Helper()
	s, err := datasets.OpenSynthetic(name, n, 16, 5)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// smallConfig is a run of 12 steps over 60 images.
func smallConfig(t *testing.T, method string) Config {
	t.Helper()
	c, err := Preset(method, 10)
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Arch, c.Epochs, c.Batch, c.LR, c.Seed = "wrn-10-1", 3, 16, 0.05, 11
	c.Loss.MarginIn, c.Loss.MarginAux = -2.4, -2.2 // around a fresh network's energies: hits of both kinds
	if c.AuxBatch > 0 {
		c.AuxBatch = 16
	}
	if c.Sampling.Sampler != "" {
		c.Sampling.Candidates, c.Sampling.Keep, c.Sampling.Clusters = 30, 10, min(c.Sampling.Clusters, 8)
		c.Sampling.From = min(c.Sampling.From, 3)
	}
	c.Loss.GradIn, c.Loss.GradAux = min(c.Loss.GradIn, 0.12), min(c.Loss.GradAux, 0.2) // as are its probabilities
	c.DropLast = false
	return c
}

func newTrainer(t *testing.T, c Config) *Trainer {
	t.Helper()
	m, err := models.New(c.Model, kernels.CPU, c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := NewTrainer(c, m, kernels.CPU)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(tr.Close)
	return tr
}

func encoded(t *testing.T, tr *Trainer) []byte {
	t.Helper()
	f, err := tr.Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func trainAll(t *testing.T, tr *Trainer) []Step {
	t.Helper()
	var steps []Step
	for s, err := range tr.Steps(context.Background(), drawn(t, "shapes", 60), drawn(t, "outliers", 40)) {
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return steps
}

// TestEveryMethodTrains: finite losses, moving weights, terms that are reported
// when they are part of the loss, and hits that make the gradient term real.
func TestEveryMethodTrains(t *testing.T) {
	names, _ := Methods()
	for _, name := range names {
		c := smallConfig(t, name)
		tr := newTrainer(t, c)
		before := encoded(t, tr)
		steps := trainAll(t, tr)
		if len(steps) != 12 || tr.Done() != 12 {
			t.Fatalf("%s: %d steps, want 12", name, len(steps))
		}
		hits, grads := 0, 0.0
		for _, s := range steps {
			if _, _, ok := s.Outlier(); math.IsNaN(s.Loss) || ok != (c.Loss.LambdaS != 0) || (s.LGrad != nil) != (c.Loss.LambdaGrad != 0) {
				t.Fatalf("%s: step %+v", name, s)
			}
			hits += s.HitsIn + s.HitsAux
			if s.LGrad != nil {
				grads += *s.LGrad
			}
		}
		if c.Loss.LambdaGrad != 0 && (hits == 0 || grads == 0) {
			t.Errorf("%s: %d hits and gradient norms of %g: the penalty never acted", name, hits, grads)
		}
		if bytes.Equal(before, encoded(t, tr)) {
			t.Errorf("%s: nothing changed", name)
		}
	}
}

// TestResumeIsExact stops at every step of a run, restores the checkpoint into a
// new trainer and goes on: the final bits must be those of the whole run.
func TestResumeIsExact(t *testing.T) {
	for _, optimizer := range []string{"sgd", "adam"} {
		c := smallConfig(t, "greg")
		c.Optimizer, c.Warmup, c.ClipNorm, c.Model.Dropout = optimizer, 3, 5, 0.3
		whole := newTrainer(t, c)
		trainAll(t, whole)
		want := encoded(t, whole)
		for stop := 1; stop < 12; stop += 2 {
			first := newTrainer(t, c)
			for s, err := range first.Steps(context.Background(), drawn(t, "shapes", 60), drawn(t, "outliers", 40)) {
				if err != nil {
					t.Fatal(err)
				}
				if s.Step == stop {
					break
				}
			}
			second := newTrainer(t, c)
			f, err := checkpoint.Decode(bytes.NewReader(encoded(t, first)), int64(len(encoded(t, first))))
			if err != nil {
				t.Fatal(err)
			}
			if err := second.Restore(f); err != nil {
				t.Fatal(err)
			}
			trainAll(t, second)
			if !bytes.Equal(want, encoded(t, second)) {
				t.Fatalf("%s: stopped after step %d, the final bits differ", optimizer, stop)
			}
		}
	}
}

func TestSameBitsForAnyNumberOfThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	var want []byte
	for _, n := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(n)
		tr := newTrainer(t, smallConfig(t, "greg"))
		trainAll(t, tr)
		if got := encoded(t, tr); want == nil {
			want = got
		} else if !bytes.Equal(want, got) {
			t.Fatalf("other bits with GOMAXPROCS %d", n)
		}
	}
}

func TestDivergenceKeepsTheWeights(t *testing.T) {
	c := smallConfig(t, "ce")
	c.LR, c.Schedule = 1e30, "constant"
	tr := newTrainer(t, c)
	for _, err := range tr.Steps(context.Background(), drawn(t, "shapes", 60), nil) {
		if err == nil {
			continue
		}
		var d *DivergedError
		if !errors.As(err, &d) || d.Step != tr.Done()+1 {
			t.Fatalf("got %v after %d steps", err, tr.Done())
		}
		return
	}
	t.Fatal("training with a learning rate of 1e30 did not diverge")
}

// TestNothingNonFiniteIsSaved spoils a running statistic, which no loss of
// training shows, after the first checkpoint: the run must fail and keep it.
func TestNothingNonFiniteIsSaved(t *testing.T) {
	c := smallConfig(t, "ce")
	dir := filepath.Join(t.TempDir(), "run")
	r, err := NewRun(dir, Record{Every: 2}, newTrainer(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var good []byte
	err = r.Train(context.Background(), drawn(t, "shapes", 60), nil, func(s Step) {
		if s.Step != 3 {
			return
		}
		good, _ = os.ReadFile(filepath.Join(dir, checkpoint.RunFile))
		spoilStatistic(t, r.Trainer.Model)
	})
	var d *DivergedError
	if !errors.As(err, &d) || d.Step != 4 || !strings.Contains(d.Tensor, "running_var") {
		t.Fatalf("got %v", err)
	}
	if text := err.Error(); !strings.Contains(text, d.Tensor) || !strings.Contains(text, "the checkpoint of step 2 is kept") || !strings.Contains(text, "-init "+dir) {
		t.Errorf("it says %q", text)
	}
	if now, _ := os.ReadFile(filepath.Join(dir, checkpoint.RunFile)); len(good) == 0 || !bytes.Equal(now, good) {
		t.Error("the last good checkpoint was replaced")
	}
}

// spoilStatistic makes one running variance infinite.
func spoilStatistic(t *testing.T, m models.Model) {
	t.Helper()
	f, err := models.State(m)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.Tensors {
		if strings.HasSuffix(f.Tensors[i].Name, "running_var") {
			values := make([]float32, f.Tensors[i].Len())
			values[len(values)-1] = float32(math.Inf(1))
			f.Tensors[i] = checkpoint.New(f.Tensors[i].Name, f.Tensors[i].Shape, values)
			break
		}
	}
	if err := models.Load(m, f); err != nil {
		t.Fatal(err)
	}
}

// TestDivergenceSaysWhatIsTrue: terms that the method has, and what is on disk.
func TestDivergenceSaysWhatIsTrue(t *testing.T) {
	c := smallConfig(t, "ce")
	c.LR, c.Schedule = 1e39, "constant"
	r, err := NewRun(filepath.Join(t.TempDir(), "run"), Record{}, newTrainer(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	err = r.Train(context.Background(), drawn(t, "shapes", 60), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "no checkpoint was written yet") || strings.Contains(err.Error(), "-init") {
		t.Errorf("without a checkpoint: %v", err)
	}
	if text := (&DivergedError{Step: 1, CE: math.NaN()}).Error(); strings.Contains(text, "L_") {
		t.Errorf("terms that there are not: %s", text)
	}
	norm := 2.5
	if text := (&DivergedError{Step: 1, CE: 1, LS: &norm, LGr: &norm}).Error(); !strings.Contains(text, "L_S 2.5, L_gradS 2.5") {
		t.Errorf("terms that there are: %s", text)
	}
}

func TestSetsThatDoNotFit(t *testing.T) {
	c := smallConfig(t, "greg")
	tiny, _ := datasets.OpenSynthetic("outliers", 40, 12, 1)
	for name, sets := range map[string][2]datasets.Set{
		"no auxiliary set":    {drawn(t, "shapes", 60), nil},
		"too few auxiliaries": {drawn(t, "shapes", 60), drawn(t, "outliers", 5)},
		"another size":        {drawn(t, "shapes", 60), tiny},
		"no classes":          {drawn(t, "ood-noise", 60), drawn(t, "outliers", 40)},
	} {
		failed := false
		for _, err := range newTrainer(t, c).Steps(context.Background(), sets[0], sets[1]) {
			failed = err != nil
		}
		if !failed {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRunDirectory interrupts a run, resumes it, and compares files with those
// of a run without interruption.
func TestRunDirectory(t *testing.T) {
	id, aux := drawn(t, "shapes", 60), drawn(t, "outliers", 40)
	c := smallConfig(t, "greg")
	whole, err := NewRun(filepath.Join(t.TempDir(), "whole"), Record{}, newTrainer(t, c))
	if err != nil {
		t.Fatal(err)
	}
	defer whole.Close()
	if err := whole.Train(context.Background(), id, aux, nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "cut")
	cut, err := NewRun(dir, Record{}, newTrainer(t, c))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = cut.Train(ctx, id, aux, func(s Step) {
		if s.Step == 7 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || cut.Trainer.Done() < 7 {
		t.Fatalf("interrupted at step 7: %v after %d steps", err, cut.Trainer.Done())
	}
	if _, err := OpenRun(context.Background(), dir, kernels.CPU, nil); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d) is training in %s", os.Getpid(), dir)) {
		t.Fatalf("opened while another has it: %v", err)
	}
	if err := cut.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := NewRun(dir, Record{}, newTrainer(t, c)); !errors.Is(err, ErrRunExists) {
		t.Fatalf("a second run in the directory: %v", err)
	}
	// A kill can leave metrics of steps after the checkpoint, and half a line.
	f, _ := os.OpenFile(filepath.Join(dir, MetricsFile), os.O_APPEND|os.O_WRONLY, 0)
	f.WriteString("{\"step\":12}\n{\"step\":")
	f.Close()
	again, err := OpenRun(context.Background(), dir, kernels.CPU, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Trainer.Close()
	defer again.Close()
	if err := again.Train(context.Background(), id, aux, nil); err != nil {
		t.Fatal(err)
	}
	a, _ := os.ReadFile(filepath.Join(whole.Dir, checkpoint.RunFile))
	b, _ := os.ReadFile(filepath.Join(dir, checkpoint.RunFile))
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Fatal("the resumed run ended in other bits")
	}
	steps, err := ReadMetrics(dir)
	if err != nil || len(steps) != 12 {
		t.Fatalf("%d lines of metrics: %v", len(steps), err)
	}
	for i, s := range steps {
		if s.Step != i+1 {
			t.Fatalf("line %d is of step %d", i, s.Step)
		}
	}
}

func TestRestoreRefusesAnotherConfig(t *testing.T) {
	c := smallConfig(t, "greg")
	f, err := newTrainer(t, c).Checkpoint()
	if err != nil {
		t.Fatal(err)
	}
	c.Seed++
	if err := newTrainer(t, c).Restore(f); err == nil {
		t.Fatal("a checkpoint of another seed was accepted")
	}
}

// TestEvaluate trains a little and evaluates twice, at two batch sizes.
func TestEvaluate(t *testing.T) {
	tr := newTrainer(t, smallConfig(t, "ce"))
	trainAll(t, tr)
	var first *Scored
	for _, batch := range []int{7, 64} {
		c := NewClassifier(tr.Model, datasets.Normalization{Name: "none"}, kernels.CPU)
		defer c.Close()
		c.Batch = batch
		scores, err := ood.ParseScores("energy,msp")
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Evaluate(context.Background(), Evaluation{ID: drawn(t, "shapes-test", 50), OOD: []datasets.Set{drawn(t, "ood-noise", 30)}, Scores: scores})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(s.Raw["energy"]["shapes"]); n != 50 {
			t.Fatalf("%d scores for 50 images", n)
		}
		if first == nil {
			first = s
			continue
		}
		for i, x := range s.Raw["msp"]["ood-noise"] {
			if math.Abs(x-first.Raw["msp"]["ood-noise"][i]) > 1e-6 {
				t.Fatalf("score %d depends on the batch size: %g and %g", i, x, first.Raw["msp"]["ood-noise"][i])
			}
		}
		dir := t.TempDir()
		if err := s.Write(dir); err != nil {
			t.Fatal(err)
		}
		if back, err := ood.ReadNPY(ScoreFile(dir, "energy", "ood-noise")); err != nil || len(back) != 30 {
			t.Fatalf("%d raw scores: %v", len(back), err)
		}
	}
}
