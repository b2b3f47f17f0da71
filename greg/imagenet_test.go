package greg

import (
	"context"
	"math"
	"strings"
	"sync/atomic"
	"testing"

	"gradgrad/datasets"
	"gradgrad/kernels"
	"gradgrad/models"
)

// TestImageNetPresets wants the settings of the paper and of the authors' example,
// and from every method a sound config with something said about it.
func TestImageNetPresets(t *testing.T) {
	names, _ := ImageNetMethods()
	for _, name := range names {
		c, err := ImageNetPreset(name, 10)
		if err != nil {
			t.Fatal(err)
		}
		c.SetNetwork(models.Config{Arch: "densenet121"})
		if err := c.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if c.Method != name || c.Optimizer != "adam" || c.Decay != 0 || c.AugmentID.Resized == nil || c.AugmentAux.Resized == nil {
			t.Errorf("%s: not the settings of ImageNet: %+v", name, c)
		}
		if len(ImageNetNotes(name)) == 0 {
			t.Errorf("nothing is said about where %s comes from", name)
		}
	}
	type want struct {
		epochs, batch, aux, candidates, clusters int
		dropAt                                   float64 // epoch of the first division by ten
		lr                                       float64
		variant                                  Variant
		stats                                    int
	}
	for _, w := range []struct {
		method  string
		classes int
		want
	}{
		{"greg", 10, want{20, 32, 32, 0, 0, 10, 1e-4, Paper, 1}},
		{"greg-code", 10, want{100, 64, 64, 0, 0, 50, 0.01, Code, 2}},
		{"dos", 10, want{100, 64, 64, 2953, 64, 50, 0.01, Paper, 1}},
		{"greg+", 10, want{15, 32, 64, 1476, 32, 10, 1e-4, Paper, 1}},
		{"greg+-code", 20, want{25, 32, 64, 1230, 32, 10, 1e-4, Code, 2}},
	} {
		c, err := ImageNetPreset(w.method, w.classes)
		if err != nil {
			t.Fatal(err)
		}
		got := want{c.Epochs, c.Batch, c.AuxBatch, c.Sampling.Candidates, c.Sampling.Clusters, c.Milestones[0] * float64(c.Epochs), c.LR, c.Loss.Variant, c.StatUpdates}
		if got != w.want {
			t.Errorf("%s: %+v, want %+v", w.method, got, w.want)
		}
		if c.Loss.UsesMargins() && (c.Loss.MarginIn != -25 || c.Loss.MarginAux != -7) {
			t.Errorf("%s: margins %g and %g", w.method, c.Loss.MarginIn, c.Loss.MarginAux)
		}
	}
	if _, err := ImageNetPreset("poem", 10); err == nil || !strings.Contains(err.Error(), "greg+-code") {
		t.Errorf("a method without settings: %v", err)
	}
}

// TestFewAuxiliaryImages trains with fewer auxiliary images than a step takes: an
// error, or every image comes in several augmentations.
func TestFewAuxiliaryImages(t *testing.T) {
	for _, method := range []string{"greg", "greg+"} {
		c := smallConfig(t, method)
		c.Epochs, c.AugmentAux = 1, datasets.RandomResizedCrop()
		id, few := drawn(t, "shapes", 60), drawn(t, "outliers", 7)
		if err := newTrainer(t, c).CheckSets(id, few); err == nil || !strings.Contains(err.Error(), "-with-replacement") {
			t.Errorf("%s: 7 auxiliary images for batches of 16: %v", method, err)
		}
		c.Replacement = true
		tr := newTrainer(t, c)
		n := 0
		for s, err := range tr.Steps(context.Background(), id, few) {
			if err != nil {
				t.Fatal(err)
			}
			if n = s.Step; s.Images != 32 && s.Step < 4 {
				t.Errorf("%s: step %d has %d images, not 32", method, s.Step, s.Images)
			}
		}
		if n != 4 {
			t.Errorf("%s: %d steps, not 4", method, n)
		}
		if n := tr.auxImages(few).Len(); n != 21 {
			t.Errorf("%s: 7 images stand for %d, not 21", method, n)
		}
	}
}

// huge is a set of more images than fit into memory. Each image is drawn when it is
// read, and reads are counted.
type huge struct {
	datasets.Set // of one image
	read         atomic.Int64
}

func (h *huge) Len() int { return 600000 }
func (h *huge) Read(i int, dst []uint8) (int, error) {
	h.read.Add(1)
	_, err := h.Set.Read(0, dst)
	dst[i%len(dst)] = uint8(i)
	return -1, err
}

// TestShards chooses among the candidates of the paper's ImageNet-10 and wants no
// more than two shards of them in memory: the one that the network looks at and the
// next. The shard has no influence on which candidates there are, but for rounding.
func TestShards(t *testing.T) {
	choose := func(shard int) (most int64, d Drawn) {
		c, err := ImageNetPreset("greg+", 10)
		if err != nil {
			t.Fatal(err)
		}
		c.Model.Arch, c.AugmentAux, c.Sampling.Shard = "wrn-10-1", datasets.CropThenFlip(), shard
		m, err := models.New(c.Model, kernels.CPU, 1)
		if err != nil {
			t.Fatal(err)
		}
		tr, err := NewTrainer(c, m, kernels.CPU)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.Close()
		set := &huge{Set: drawn(t, "outliers", 1)}
		tr.Looking = func(done, total int) { // what is done makes room for others at once
			if most = max(most, set.read.Load()-int64(done)); total != 1476 {
				t.Errorf("%d candidates, not 1476", total)
			}
		}
		f := newStepFeed(tr, set)
		defer f.close()
		b, drawn, err := f.next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if b.N != 64 {
			t.Errorf("%d images chosen, not 64", b.N)
		}
		return most, *drawn
	}
	most, few := choose(32)
	if most > 64 {
		t.Errorf("%d candidates in memory, more than two shards of 32", most)
	}
	if _, many := choose(500); math.Abs(few.All-many.All) > 1e-6 || math.Abs(few.Chosen-many.Chosen) > 1e-6 {
		t.Errorf("in shards of 32 %+v, of 500 %+v", few, many)
	}
}
