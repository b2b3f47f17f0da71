package app

import (
	"path/filepath"
	"testing"

	"gradgrad/greg"
	"gradgrad/ood"
)

// gregPlus is the record of a GReg+ run as train leaves it.
func gregPlus(t *testing.T) greg.Record {
	t.Helper()
	c, err := small.Preset("greg+", 10)
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Arch, c.Size, c.Seed, c.Normalize.Name = "wrn-40-2", 32, 1, "greg"
	return greg.Record{Config: c, Sets: map[string]greg.SetID{
		"id":  {Spec: "cifar10", Name: "cifar10", Images: 50000, SHA256: "0123456789abcdef"},
		"aux": {Spec: "tiny=/data/tiny", Name: "tiny", Images: 100000, SHA256: "fedcba9876543210"},
	}}
}

// differing are the settings in which a record, changed by f, differs from itself.
func differing(t *testing.T, f func(r *greg.Record)) (names []string) {
	t.Helper()
	was := small.settingsOf(gregPlus(t))
	rec := gregPlus(t)
	f(&rec)
	is := small.settingsOf(rec)
	if len(is) != len(was) {
		t.Fatalf("%d settings and %d", len(is), len(was))
	}
	for i := range is {
		if is[i].Value != was[i].Value {
			names = append(names, is[i].Name)
		}
	}
	return names
}

// TestSettingsOf wants what makes another training, and only that, to be another
// setting.
func TestSettingsOf(t *testing.T) {
	aux := func(f func(s *greg.SetID)) func(r *greg.Record) {
		return func(r *greg.Record) {
			s := r.Sets["aux"]
			f(&s)
			r.Sets["aux"] = s
		}
	}
	for name, change := range map[string]func(r *greg.Record){
		"epochs":       func(r *greg.Record) { r.Config.Epochs = 4 },
		"max-steps":    func(r *greg.Record) { r.Config.MaxSteps = 100 },
		"batch":        func(r *greg.Record) { r.Config.Batch = 8 },
		"aux-batch":    func(r *greg.Record) { r.Config.AuxBatch = 8 },
		"lr":           func(r *greg.Record) { r.Config.LR = 0.01 },
		"weight-decay": func(r *greg.Record) { r.Config.Decay = 5e-4 },
		"dropout":      func(r *greg.Record) { r.Config.Model.Dropout = 0.3 },
		"clusters":     func(r *greg.Record) { r.Config.Sampling.Clusters = 16 },
		"lambda-grad":  func(r *greg.Record) { r.Config.Loss.LambdaGrad = 0 },
		"augment-aux":  func(r *greg.Record) { r.Config.AugmentAux = nil },
		"init":         func(r *greg.Record) { r.Init = "runs/base" },
		"precision":    func(r *greg.Record) { r.Precision = "tf32" },
		"normalize":    func(r *greg.Record) { r.Config.Normalize.Name = "dice" },
		"size":         func(r *greg.Record) { r.Config.Size = 64 },
		"aux":          aux(func(s *greg.SetID) { s.SHA256 = "00" }),
	} {
		if got := differing(t, change); len(got) != 1 || got[0] != name {
			t.Errorf("%s: %q", name, got)
		}
	}
	for what, change := range map[string]func(r *greg.Record){
		"seed":      func(r *greg.Record) { r.Config.Seed = 2 },
		"conv":      func(r *greg.Record) { r.Config.Conv = 1 },
		"recompute": func(r *greg.Record) { r.Config.Recompute = true },
		"shard":     func(r *greg.Record) { r.Config.Sampling.Shard = 7 },
		"device":    func(r *greg.Record) { r.Device = "cuda" },
		"path":      aux(func(s *greg.SetID) { s.Spec = "tiny=/mnt/tiny" }),
		"command":   func(r *greg.Record) { r.Command = []string{"cifar", "train", "-out=x", "-threads=4"} },
		"precision": func(r *greg.Record) { r.Precision = "fp32" }, // records of version 0.1 do not say it
	} {
		if got := differing(t, change); len(got) != 0 {
			t.Errorf("another %s is another %q", what, got)
		}
	}
	weights := func(init string) func(r *greg.Record) { return func(r *greg.Record) { r.Init = init } }
	first, second := gregPlus(t), gregPlus(t)
	weights("runs/base-1")(&first)
	weights("runs/base-2")(&second)
	one, _ := small.settingsOf(first).Get("init")
	two, _ := small.settingsOf(second).Get("init")
	if one != two {
		t.Errorf("weights of another seed are other settings: %v, %v", one, two)
	}
}

// TestSettingsOwn: a run has the method's own values beside its own.
func TestSettingsOwn(t *testing.T) {
	rec := gregPlus(t)
	if own := small.settingsOf(rec).Preset(); len(own) > 0 {
		t.Errorf("nothing was changed, but %v", own)
	}
	rec.Config.Epochs, rec.Config.Sampling.Clusters = 4, 16
	if own := small.settingsOf(rec).Preset(); len(own) != 2 || own["epochs"] != "60" || own["clusters"] != "64" {
		t.Errorf("the method has %v", own)
	}
	rec.Config.Method = "of another program"
	if own := small.settingsOf(rec).Preset(); len(own) > 0 {
		t.Errorf("an unknown method has %v", own)
	}
}

// TestLoadTable: results that do not say their settings have those of the run directory
// around them, if it is theirs.
func TestLoadTable(t *testing.T) {
	dir := t.TempDir()
	judged := func(name string, seed uint64, clusters int, recorded bool) string {
		rec := gregPlus(t)
		rec.Config.Seed, rec.Config.Sampling.Clusters = seed, clusters
		run := record(t, filepath.Join(dir, name), rec)
		r := &ood.Results{ID: "cifar10", Arch: "wrn-40-2", Method: "greg+", Seed: seed, Scores: []ood.ScoreResult{{Name: "energy"}}}
		r.Scores[0].Add("svhn", ood.Metrics{FPR95: 30, AUROC: 90, NID: 10, NOOD: 10})
		if recorded {
			r.Settings = small.settingsOf(rec)
		}
		if err := ood.WriteResults(filepath.Join(run, EvalDir), r); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(run, EvalDir)
	}
	table, err := small.LoadTable(judged("a", 1, 64, false), judged("b", 2, 64, true), filepath.Join(judged("c", 3, 16, false), ood.ResultsFile))
	if err != nil {
		t.Fatal(err)
	}
	rows := table.Blocks[0].Rows
	if len(rows) != 2 || rows[0].Label != "GReg+ (clusters=64)" || len(rows[0].Seeds) != 2 || rows[1].Label != "GReg+ (clusters=16)" {
		t.Errorf("%d rows, %+v", len(rows), rows[0])
	}
	other := judged("d", 4, 16, false)
	rec := gregPlus(t)
	rec.Config.Method = "dos"
	record(t, filepath.Dir(other), rec)
	if table, err = small.LoadTable(other); err != nil || len(table.Blocks[0].Rows[0].Settings) > 0 {
		t.Errorf("settings of another run: %v", err)
	}
	if _, err := small.LoadTable(filepath.Join(dir, "none")); err == nil {
		t.Error("no results: no error")
	}
}
