package greg

import (
	"context"
	"encoding/json"
	"flag"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gradgrad/datasets"
	"gradgrad/internal/testkit"
	"gradgrad/ood"
)

// Full is of the tests that take minutes, in both packages of this folder.
var Full = flag.Bool("full", false, "train by every method on the simulator, not only by those that do most between steps; judge ODIN on all sets of the reference")

// reference is what another implementation computed of the network on all lossless
// sets.
type reference struct {
	Rows map[string]map[string][2]float64 `json:"fpr95_auroc"`
	Top1 float64
	Q90  float64 `json:"react_q90"`
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	data, err := os.ReadFile(testkit.Shared(t, "specs/densenet_cifar10_ood_reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// compare wants FPR95 and AUROC of a score to be those of a row, on every set of the
// results.
func (r reference) compare(t *testing.T, row, score string, scored *Scored) {
	t.Helper()
	result, ok := scored.Results.Score(score)
	if !ok || len(result.Sets) == 0 {
		t.Fatalf("no score %s in the results", score)
	}
	for _, set := range result.Sets {
		ref, known := r.Rows[row][set.Name]
		if !known || math.Abs(set.FPR95-ref[0]) > 0.2 || math.Abs(set.AUROC-ref[1]) > 0.05 {
			t.Errorf("%s on %s: FPR95 %.3f AUROC %.3f, want %v", row, set.Name, set.FPR95, set.AUROC, ref)
		}
	}
}

// referenceRows are the rows of the reference as -scores takes them, but odin's.
func referenceRows(t *testing.T) map[string]string {
	return map[string]string{
		"msp": "msp", "maxlogit": "maxlogit", "energy": "energy", "react_c1": "react", "react_q90": "react:q=90",
		"dice_p90": "dice:stat=" + testkit.Shared(t, "checkpoints/dice-densenet101-cifar10-feat_stat.npy"),
		"gen":      "gen", "gradnorm": "gradnorm", "ash_s90": "ash-s", "scale85": "scale", "line_pa90_pw90_c1": "line",
	}
}

// TestPostHocReference compares FPR95 and AUROC with the reference on all lossless
// sets, but for ODIN: see [TestODINReference].
func TestPostHocReference(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a DenseNet over 11,302 images; not with -short")
	}
	want, keys := readReference(t), referenceRows(t)
	for row := range want.Rows {
		if _, known := keys[row]; !known && row != "odin" {
			t.Errorf("the reference has a row %s that is not compared", row)
		}
	}
	scored := evaluateReference(t, strings.Join(slices.Collect(maps.Values(keys)), ","))
	if got := scored.Results.IDAccuracy; math.Abs(got-want.Top1) > 0.1 {
		t.Errorf("accuracy %.3f, want %.3f", got, want.Top1)
	}
	for row, text := range keys {
		name, _, _ := strings.Cut(text, ":")
		if name == "react" { // twice in the list, so the whole text is the key
			name = text
		}
		want.compare(t, row, name, scored)
	}
	q90, _ := scored.Results.Score("react:q=90")
	var params struct{ Fitted struct{ C float64 } }
	if err := json.Unmarshal(q90.Params, &params); err != nil || math.Abs(params.Fitted.C-want.Q90) > 1e-4 {
		t.Errorf("ReAct's percentile: %s, want %g", q90.Params, want.Q90)
	}
}

// TestODINReference is the reference's row of ODIN, alone because it takes longer
// than all others together: each image goes through the network twice and back once.
// The ordinary run takes one set, over a minute of one core; -full all three, some four.
func TestODINReference(t *testing.T) {
	if testing.Short() {
		t.Skip("differentiates a DenseNet at 2,217 images; not with -short")
	}
	if end, ok := t.Deadline(); ok && time.Until(end) < 5*time.Minute {
		t.Skip("less than five minutes are left until -timeout: the tests after this one need them; make reference runs it alone")
	}
	sets := []string{"dtd"}
	if *Full {
		sets = nil
	}
	readReference(t).compare(t, "odin", "odin", evaluateReference(t, "odin", sets...))
}

// evaluateReference judges the network on the named sets, all without any.
func evaluateReference(t *testing.T, list string, sets ...string) *Scored {
	t.Helper()
	ctx := context.Background()
	open := func(name, file string, train bool) datasets.Set {
		s, err := datasets.Open(ctx, name+"="+testkit.Shared(t, "data/"+file), datasets.Options{Train: train, Size: 32})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	scores, err := ood.ParseScores(list)
	if err != nil {
		t.Fatal(err)
	}
	e := Evaluation{
		ID: open("cifar10", "cifar10-lossless.tar.zst", false), Fit: open("cifar10", "cifar10-lossless.tar.zst", true),
		Scores: scores, Convention: ood.Paper,
	}
	for _, set := range [][2]string{{"svhn", "svhn-test-2000.mat"}, {"dtd", "dtd32.tar.zst"}, {"places", "places32.tar.zst"}} {
		if len(sets) == 0 || slices.Contains(sets, set[0]) {
			e.OOD = append(e.OOD, open(set[0], set[1], false))
		}
	}
	scored, err := official(t).Evaluate(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	return scored
}
