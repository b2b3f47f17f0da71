package greg

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/layers"
	"gradgrad/models"
	"gradgrad/ood"
)

// statefulMethods are those whose runs have more state than weights, optimiser and
// step, or draw more than images.
var statefulMethods = []string{"balanced", "poem", "openmix", "ntom", "dos", "greg+"}

// trainTo trains until a step is done.
func trainTo(t *testing.T, tr *Trainer, stop int) []Step {
	t.Helper()
	var steps []Step
	for s, err := range tr.Steps(context.Background(), drawn(t, "shapes", 60), drawn(t, "outliers", 40)) {
		if err != nil {
			t.Fatal(err)
		}
		if steps = append(steps, s); s.Step == stop {
			break
		}
	}
	return steps
}

// resumed is a new trainer with the checkpoint of another one, through a file's bytes.
func resumed(t *testing.T, tr *Trainer) *Trainer {
	t.Helper()
	data := encoded(t, tr)
	f, err := checkpoint.Decode(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	again := newTrainer(t, tr.Config)
	if err := again.Restore(f); err != nil {
		t.Fatal(err)
	}
	return again
}

// TestResumeOfMethodsIsExact stops inside epochs and at their ends (an epoch has 4
// steps): the final bits and all reported numbers are those of the whole run.
func TestResumeOfMethodsIsExact(t *testing.T) {
	for _, method := range statefulMethods {
		c := smallConfig(t, method)
		c.Epochs = 3
		whole := newTrainer(t, c)
		steps := trainTo(t, whole, 0)
		want := encoded(t, whole)
		for _, stop := range []int{2, 4, 7, 9} {
			first := newTrainer(t, c)
			trainTo(t, first, stop)
			second := resumed(t, first)
			rest := trainTo(t, second, 0)
			if !bytes.Equal(want, encoded(t, second)) {
				t.Fatalf("%s: stopped after step %d, the final bits differ", method, stop)
			}
			for i, s := range rest {
				if w := steps[stop+i]; s.Loss != w.Loss || s.Step != w.Step || (s.ChosenWeight != nil && *s.ChosenWeight != *w.ChosenWeight) {
					t.Fatalf("%s: stopped after step %d, step %d reports %+v, not %+v", method, stop, s.Step, s, w)
				}
			}
		}
	}
}

func TestSameBitsOfMethodsForAnyNumberOfThreads(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, method := range statefulMethods {
		var want []byte
		for _, n := range []int{1, 3} {
			runtime.GOMAXPROCS(n)
			tr := newTrainer(t, smallConfig(t, method))
			trainTo(t, tr, 6) // into the second epoch
			if got := encoded(t, tr); want == nil {
				want = got
			} else if !bytes.Equal(want, got) {
				t.Errorf("%s: other bits with GOMAXPROCS %d", method, n)
			}
		}
	}
}

// TestDamagedSelection: a checkpoint whose state of the sampler is spoilt is refused.
func TestDamagedSelection(t *testing.T) {
	c := smallConfig(t, "poem")
	tr := newTrainer(t, c)
	trainTo(t, tr, 2)
	for what, spoil := range map[string]func(x *checkpoint.Tensor){
		"negative":   func(x *checkpoint.Tensor) { *x = checkpoint.New(x.Name, []int{1}, []int64{-1}) },
		"empty":      func(x *checkpoint.Tensor) { *x = checkpoint.New(x.Name, []int{0}, []int64{}) },
		"no weights": func(x *checkpoint.Tensor) { x.Name = strings.Replace(x.Name, ".0", ".1", 1) },
	} {
		f, err := tr.Checkpoint()
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(f.Tensors, func(x checkpoint.Tensor) bool { return x.Name == selectionPrefix+"0" })
		if at < 0 {
			t.Fatal("the checkpoint holds no selection of epoch 0")
		}
		spoil(&f.Tensors[at])
		if err := newTrainer(t, c).Restore(f); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestCancelWhileLooking: a run that is stopped before its first step, while the
// network looks at a pool, says so and goes on.
func TestCancelWhileLooking(t *testing.T) {
	c := smallConfig(t, "ntom")
	dir := filepath.Join(t.TempDir(), "run")
	tr := newTrainer(t, c)
	r, err := NewRun(dir, Record{}, tr)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	looked := 0
	tr.Looking = func(done, total int) {
		looked = total
		if tr.Done() > 0 {
			cancel() // in the second epoch
		}
	}
	err = r.Train(ctx, drawn(t, "shapes", 60), drawn(t, "outliers", 40), nil)
	if !errors.Is(err, context.Canceled) || tr.Done() != 4 || looked != 30 {
		t.Fatalf("%v after %d steps, %d images looked at", err, tr.Done(), looked)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenRun(context.Background(), dir, kernels.CPU, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Trainer.Close()
	defer again.Close()
	if err := again.Train(context.Background(), drawn(t, "shapes", 60), drawn(t, "outliers", 40), nil); err != nil {
		t.Fatal(err)
	}
	whole := newTrainer(t, c)
	trainTo(t, whole, 0)
	if !bytes.Equal(encoded(t, whole), encoded(t, again.Trainer)) {
		t.Error("other bits than those of a whole run")
	}
}

// TestPriorIsCounted: shares of auxiliary images by the class that the first weights
// see in them, the same at every step, unless the config says others.
func TestPriorIsCounted(t *testing.T) {
	c := smallConfig(t, "balanced")
	tr := newTrainer(t, c)
	aux := drawn(t, "outliers", 40)
	classifier := NewClassifier(tr.Model, c.Normalize, kernels.CPU)
	defer classifier.Close()
	want := make([]float64, 10)
	for out, err := range classifier.Outputs(context.Background(), aux, false) {
		if err != nil {
			t.Fatal(err)
		}
		for i := range out.N {
			want[argmax(out.Row(i))] += 1. / 40
		}
	}
	trainTo(t, tr, 3)
	for i := range want {
		if math.Abs(tr.prior[i]-want[i]) > 1e-12 {
			t.Fatalf("prior %v, want %v", tr.prior, want)
		}
	}
	c.Prior = []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	given := newTrainer(t, c)
	trainTo(t, given, 1)
	if !slices.Equal(given.prior, c.Prior) {
		t.Errorf("prior %v, want the config's", given.prior)
	}
}

// TestOrderOfAuxiliaryImages looks at what is read in the orders of the authors'
// code, and at the part of the set that is used.
func TestOrderOfAuxiliaryImages(t *testing.T) {
	c := smallConfig(t, "oe")
	aux := drawn(t, "outliers", 40)
	first := map[string][]int{}
	for _, order := range []string{OrderFile, OrderOffset} {
		c.AuxOrder, c.AuxFirst = order, 20
		tr := newTrainer(t, c)
		f := tr.newFeed(context.Background(), drawn(t, "shapes", 60), aux, 4)
		for step := range 8 { // two epochs
			tr.done = step
			b, _, err := f.next(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if b.N != 16 || slices.Max(b.Indices) >= 20 {
				t.Fatalf("%s: images %v of the first 20", order, b.Indices)
			}
			for i := range b.Indices[1:] {
				if b.Indices[i+1] != (b.Indices[i]+1)%20 {
					t.Fatalf("%s: images %v are not in order", order, b.Indices)
				}
			}
			first[order] = append(first[order], b.Indices[0])
		}
		f.close()
	}
	if want := []int{0, 16, 12, 8, 0, 16, 12, 8}; !slices.Equal(first[OrderFile], want) {
		t.Errorf("in the order of the file steps begin at %v, want %v", first[OrderFile], want)
	}
	if o := first[OrderOffset]; o[0] == o[4] || o[1] != (o[0]+16)%20 {
		t.Errorf("from an offset steps begin at %v: two epochs at the same image, or steps apart", o)
	}
}

// TestWherePoolsBegin: POEM's is 400,000 images in the order of the set, from one on
// that is not among the first 10,000, and NTOM's from any. From a smaller set both take
// everything.
func TestWherePoolsBegin(t *testing.T) {
	for method, want := range map[string]int{"poem": 10000, "poem-grad": 10000, "ntom": 0} {
		c, err := Preset(method, 10)
		if err != nil {
			t.Fatal(err)
		}
		for n, want := range map[int]int{1281167: want, 400001: want, 400000: 0, 300000: 0, 9000: 0} {
			if got := c.Sampling.For(n).firstFrom(n); got != want {
				t.Errorf("%s: the pool of %d images begins at %d or later, want %d", method, n, got, want)
			}
			if says := strings.Contains(c.Sampling.Describe(n, 782, 64), "begins at image 10000 or later"); says != (want > 0) {
				t.Errorf("%s, %d images: %s", method, n, c.Sampling.Describe(n, 782, 64))
			}
		}
	}
	c := smallConfig(t, "ntom")
	c.AuxBatch = 6
	c.Sampling.Candidates, c.Sampling.Skip, c.Sampling.Keep = 6, 0, 6
	for from, least := range map[int]int{0: 0, 30: 30, 40: 0, 100: 0} {
		c.Sampling.FirstFrom = from
		tr := newTrainer(t, c)
		f := newPoolFeed(tr, drawn(t, "shapes", 60), drawn(t, "outliers", 40), 4)
		seen := map[int]bool{}
		for epoch := range 60 {
			if err := f.epoch(context.Background(), epoch); err != nil {
				t.Fatal(err)
			}
			pool := slices.Clone(f.now.images)
			first := slices.IndexFunc(pool, func(i int) bool { return !slices.Contains(pool, (i+39)%40) })
			seen[pool[first]] = true
			for k := range 6 {
				if !slices.Contains(pool, (pool[first]+k)%40) {
					t.Fatalf("the pool %v is not of consecutive images", pool)
				}
			}
		}
		f.close()
		if got := slices.Min(slices.Collect(maps.Keys(seen))); got < least || len(seen) < (40-least)/2 {
			t.Errorf("from %d on: pools begin at %v", from, slices.Sorted(maps.Keys(seen)))
		}
	}
	c.Sampling.FirstFrom = -1
	if err := c.Check(); err == nil || !strings.Contains(err.Error(), "begins at image -1") {
		t.Errorf("a pool from image -1 on: %v", err)
	}
}

// TestStepsShareTheirCandidates: the images that are trained on are among those of
// the step, as the step augments them, and all images are candidates in turn.
func TestStepsShareTheirCandidates(t *testing.T) {
	c := smallConfig(t, "dos")
	c.Sampling.Candidates, c.AuxBatch = 20, 5
	tr := newTrainer(t, c)
	f := newStepFeed(tr, drawn(t, "outliers", 40))
	defer f.close()
	for step := range 4 {
		tr.done = step
		b, d, err := f.next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		order := datasets.Permutation(c.Seed^auxSeed, step/2, 40)[step%2*20:][:20]
		for _, i := range b.Indices {
			if !slices.Contains(order, i) {
				t.Fatalf("step %d: image %d is not one of its candidates %v", step, i, order)
			}
		}
		config := tr.auxBatches()
		config.Epoch = step / 2
		again, err := datasets.Gather(f.set, b.Indices, config)
		if err != nil || !slices.Equal(again.Images, b.Images) {
			t.Fatalf("step %d: images are augmented in another way: %v", step, err)
		}
		if b.N != 5 || d.Filled != 0 && d.Chosen > d.All {
			t.Errorf("step %d: %d images, %+v", step, b.N, d)
		}
	}
}

// TestRejectingNetworkIsJudgedByItsClasses: an output for none that is always the
// largest changes neither accuracy nor other scores.
func TestRejectingNetworkIsJudgedByItsClasses(t *testing.T) {
	ctx := context.Background()
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 10}, kernels.CPU, 3)
	if err != nil {
		t.Fatal(err)
	}
	f, err := models.State(m)
	if err != nil {
		t.Fatal(err)
	}
	more, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 11, Reject: true}, kernels.CPU, 4)
	if err != nil {
		t.Fatal(err)
	}
	grown, err := models.Grow(more, f)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(grown.Tensors, func(x checkpoint.Tensor) bool { return x.Name == "fc.bias" })
	bias, _ := grown.Tensors[at].Float64s()
	bias[10] = 1e3
	grown.Tensors[at] = checkpoint.New("fc.bias", []int{11}, bias)
	if err := models.Load(more, grown); err != nil {
		t.Fatal(err)
	}
	var results []*Scored
	for _, m := range []models.Model{m, more} {
		c := NewClassifier(m, datasets.Normalization{Name: "none", Std: [3]float32{1, 1, 1}}, kernels.CPU)
		defer c.Close()
		scores, err := ood.ParseScores("energy,msp,maxlogit,odin,gradnorm")
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.Evaluate(ctx, Evaluation{ID: drawn(t, "shapes-test", 50), OOD: []datasets.Set{drawn(t, "ood-noise", 30)}, Scores: scores})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, s)
	}
	if a, b := results[0].Results.IDAccuracy, results[1].Results.IDAccuracy; a != b {
		t.Errorf("accuracy %g, and %g with an output for none", a, b)
	}
	for score, sets := range results[0].Raw {
		for set, values := range sets {
			for i, x := range values {
				if y := results[1].Raw[score][set][i]; math.Abs(x-y) > 1e-5*math.Max(math.Abs(x), 1) {
					t.Fatalf("%s of %s %d is %g, and %g with an output for none", score, set, i, x, y)
				}
			}
		}
	}
	c := NewClassifier(more, datasets.Normalization{Name: "none"}, kernels.CPU)
	defer c.Close()
	for out, err := range c.Outputs(ctx, drawn(t, "shapes-test", 5), false) {
		if err != nil || len(out.Absent) != 5 || out.Classes != 10 || out.Absent[0] < 900 {
			t.Fatalf("%d logits of none, %d classes, %v: %v", len(out.Absent), out.Classes, out.Absent, err)
		}
	}
}

// TestCandidatesLeaveNoTrace: looking at images records nothing and moves nothing.
func TestCandidatesLeaveNoTrace(t *testing.T) {
	tr := newTrainer(t, smallConfig(t, "greg+"))
	before := encoded(t, tr)
	aux := drawn(t, "outliers", 40)
	v := tr.viewOf(aux, consecutive(0, 40, 40), tr.auxBatches())
	defer v.close()
	if err := v.each(context.Background(), func(o ood.Outputs) {
		if o.N != 40 || len(o.Features) != 40*64 {
			t.Errorf("%d images, %d features", o.N, len(o.Features))
		}
	}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before, encoded(t, tr)) {
		t.Error("the network has changed")
	}
	x := tr.tape.Full(0.5, 2, 16, 16, 3)
	logits, _ := tr.Model.Forward(layers.Inference(tr.tape), x)
	if logits.Tracked() {
		t.Error("the pass in evaluation mode is on the record")
	}
	tr.tape.Release()
}
