package main

import (
	"strings"
	"testing"

	"gradgrad/internal/testkit"
)

func TestWrongFlags(t *testing.T) {
	for _, c := range []struct {
		args string
		says string // in the one line on standard error
	}{
		{"fly", "there is no verb"},
		{"help fly", "there is no verb"},
		{"train -fly", "-fly"},
		{"train -out x", "-id is needed"},
		{"train -id shapes", "-out is needed"},
		{"train -id shapes -out x stray", "stray"},
		{"train -id shapes -out x -epochs many", "many"},
		{"train -id shapes -out x -variant neither", "paper or code"},
		{"train -id shapes#40 -out x -method none", "greg-code"},
		{"train -id shapes#40 -out x -method ce -arch vgg", "wrn-D-K"},
		{"train -id shapes#40 -out x -method ce -arch wrn-11-1", "6n+4"},
		{"train -id shapes#many -out x -method ce", "number of images"},
		{"train -id shapes#40 -out x -method greg", "-aux"},
		{"train -id shapes#40 -out x -method ce -aux outliers#40", "no auxiliary"},
		{"train -id shapes#40 -out x -method ce -batch 0", "at least 1"},
		{"train -id shapes#40 -out x -method ce -normalize bright", "dice"},
		{"train -id shapes#40 -out x -method ce -device abacus", "abacus"},
		{"train -id shapes#40 -out x -method ce -limit -3", "-limit"},
		{"train -id shapes#40 -out x -method ce -first-step 7", "0 or 1"},
		{"train -id shapes#40 -out x -method ce -schedule multistep -milestones 0.9,0.5", "[0.9 0.5]"},
		{"train -id shapes#40 -out x -method ce -milestones 0.5", "-milestones 0.5 would do nothing"},
		{"train -id shapes#40 -out x -method ce -warmup -3", "warm-up"},
		{"train -id shapes#40 -out x -method ce -stat-updates 3", "running statistics"},
		{"train -id shapes#40 -out x -method ce -max-steps -1", "-1 steps"},
		{"train -id shapes#40 -out x -method ce -epochs 9223372036854775807", "epochs"},
		{"train -id shapes#40 -out x -method ce -save-every 0", "-save-every 0"},
		{"train -resume -out x -save-every -1", "-save-every -1"},
		{"train -id shapes#40 -out x -method ce -momentum 1", "momentum"},
		{"train -id shapes#40 -out x -method ce -min-lr 1", "minimal learning rate"},
		{"train -id shapes#40 -out x -method ce -grad-every 3", "equation (3) needs both"},
		{"train -id shapes#40 -aux outliers#80 -out x -method dos -grad-every 3", "equation (3) needs both"},
		{"train -id shapes#40 -aux outliers#80 -out x -method energy -grad-every -1", "-grad-every -1"},
		{"train -id shapes#40 -out x -method ce -m-in -9", "-m-in -9 would do nothing"},
		{"train -id shapes#40 -out x -method ce -lambda-s Inf", "the method ce does not have an outlier term"},
		{"train -id shapes#40 -out x -method energy -aux outliers -lambda-grad 1", "gradient term"},
		{"train -id shapes#40 -out x -method energy -aux outliers -clusters 3", "clusters (greg+ and dos have)"},
		{"train -id shapes#40 -out x -method dos -aux outliers -m-in -9", "energy margins"},
		{"train -id shapes#40 -out x -method greg+ -aux outliers -candidates 100", "100 candidates for a batch of 128"},
		{"train -id shapes#40 -out x -method greg+ -aux outliers -represent pca", "norm-batch"},
		{"train -id shapes#40 -out x -method greg -aux outliers -grad-of luck", "energy, msp or loss"},
		{"train -id shapes#40 -out x -method poem -aux outliers -aux-order file", "an order of reading"},
		{"train -id shapes#40 -out x -method balanced -aux outliers", "-init"},
		{"train -id shapes#40 -out x -method ce -optimizer adam -momentum 0.5", "-optimizer sgd"},
		{"train -id shapes#40 -out x -method ce -arch wrn-10-99999", "out of range"},
		{"train -id nowhere -out . -method none", "greg-code"},
		{"eval -ood ood-noise", "-checkpoint"},
		{"eval -checkpoint x -ood a,,b", "empty"},
		{"eval -checkpoint x", "-ood"},
		{"eval -checkpoint x -ood ood-noise -scores luck", "luck"},
		{"eval -checkpoint x -ood ood-noise -convention mine", "openood"},
		{"table", "results.json"},
		{"table x -format pdf", "pdf"},
		{"table x -o y.pdf", "-format"},
		{"bench -cases all", "all"},
		{"bench -steps 0", "at least 1"},
		{"bench -threads 1,none", "none"},
		{"bench -conv fourier", "winograd2"},
		{"train -id shapes#40 -out x -method ce -conv fourier", "winograd2"},
		{"bench -cases gemm -n 99999999", "-n 99999999"},
		{"bench -infer-batch 9223372036854775807", "-infer-batch"},
		{"bench -cases machine,ce -arch foo", "foo"},
		{"eval -checkpoint . -ood x=a,x=b", "two sets are named x"},
		{"eval -checkpoint . -ood average=a", "average"},
		{"eval -checkpoint . -ood x=", "NAME=PATH"},
		{"eval -checkpoint . -id ood-noise -ood ood-noise#50", "two sets"},
		{"demo -seed -1", "negative"},
	} {
		t.Run(c.args, func(t *testing.T) {
			r := cifar(t, t.TempDir(), strings.Fields(c.args)...)
			if r.Code != 2 {
				t.Errorf("exit code %d, not 2", r.Code)
			}
			oneSentence(t, r, c.says)
		})
	}
}

// oneSentence wants a single line of error that says something, and no results.
func oneSentence(t *testing.T, r testkit.Result, says string) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(r.Err), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "cifar: ") || !strings.Contains(last, says) {
		t.Errorf("the error does not say %q:\n%s", says, r.Err)
	}
	if strings.Contains(r.Err, "goroutine ") || strings.Count(r.Err, "cifar: ") != 1 {
		t.Errorf("not one sentence:\n%s", r.Err)
	}
	if r.Out != "" {
		t.Errorf("results were printed:\n%s", r.Out)
	}
}

func TestHelp(t *testing.T) {
	for _, args := range []string{"help", "-h", "--help", "help train", "demo -h", "train -h", "eval -help", "table --help", "bench -h", "-version", "version"} {
		r := ok(t, t.TempDir(), strings.Fields(args)...)
		if len(r.Out) < 20 || r.Err != "" {
			t.Errorf("cifar %s: help belongs to standard output:\n%s\n%s", args, r.Out, r.Err)
		}
	}
	all := ok(t, t.TempDir(), "help").Out
	for _, verb := range []string{"demo", "train", "eval", "table", "bench"} {
		if !strings.Contains(all, verb) {
			t.Errorf("help does not name %s", verb)
		}
	}
	// The names of the contract with other programs.
	for verb, flags := range map[string]string{
		"train": "id aux aux-classes arch method variant init seed out resume device precision normalize data epochs batch lr quiet",
		"eval":  "checkpoint id ood scores convention normalize out device precision data limit fit",
		"bench": "arch cases device precision batch infer-batch steps warmup classes n",
	} {
		text := ok(t, t.TempDir(), verb, "-h").Out
		for _, f := range strings.Fields(flags) {
			if !strings.Contains(text, "\n  -"+f+" ") {
				t.Errorf("%s has no flag -%s", verb, f)
			}
		}
	}
}
