package greg

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"testing"

	"gradgrad/kernels"
)

// TestGradEveryIsForTheRecordOnly trains with and without the measurement: L_gradS stands
// in the metrics of the steps that measure, also after a resumption, and the weights,
// running statistics and optimiser are the same bits, dropout and chosen outliers included.
func TestGradEveryIsForTheRecordOnly(t *testing.T) {
	for _, method := range []string{"energy", "balanced", "poem", "energy-cluster", "greg"} {
		c := smallConfig(t, method)
		plain := newTrainer(t, c)
		trainAll(t, plain)

		dir := filepath.Join(t.TempDir(), "run")
		tr := newTrainer(t, c)
		tr.GradEvery = 5
		r, err := NewRun(dir, Record{Every: 1}, tr)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		err = r.Train(ctx, drawn(t, "shapes", 60), drawn(t, "outliers", 40), func(s Step) {
			if s.Step == 7 {
				cancel()
			}
		})
		if err == nil || tr.Done() == 12 {
			t.Fatalf("%s: not interrupted after step %d: %v", method, tr.Done(), err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		again, err := OpenRun(context.Background(), dir, kernels.CPU, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Trainer.Close()
		if again.Record.GradEvery != 5 || again.Trainer.GradEvery != 5 {
			t.Errorf("%s: the run goes on with a measurement every %d steps, its record says %d", method, again.Trainer.GradEvery, again.Record.GradEvery)
		}
		if err := again.Train(context.Background(), drawn(t, "shapes", 60), drawn(t, "outliers", 40), nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(encoded(t, plain), encoded(t, again.Trainer)) {
			t.Errorf("%s: measuring changed the bits", method)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		steps, err := ReadMetrics(dir)
		if err != nil || len(steps) != 12 {
			t.Fatalf("%s: %d steps in the metrics: %v", method, len(steps), err)
		}
		for _, s := range steps {
			want := (s.Step-1)%5 == 0 || c.Loss.LambdaGrad != 0
			if (s.LGrad != nil) != want || s.Step == 1 && *s.LGrad <= 0 {
				t.Errorf("%s: step %d has the L_gradS %v", method, s.Step, s.LGrad)
			}
		}
	}
}

// TestWhereGradEveryCanMeasure: equation (3) needs outliers, and margins that say what
// is detected.
func TestWhereGradEveryCanMeasure(t *testing.T) {
	cannot := []string{"ce", "oe", "openmix", "ntom", "dos", "dos-greg"}
	names, _ := Methods()
	for _, name := range names {
		c, err := Preset(name, 10)
		if err != nil {
			t.Fatal(err)
		}
		if not := slices.Contains(cannot, name); c.Loss.Measurable() == not {
			t.Errorf("%s: that it can be measured is %t", name, not)
		}
	}
}
