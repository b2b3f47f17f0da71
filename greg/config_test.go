package greg

import (
	"strings"
	"testing"

	"gradgrad/models"
)

func TestPresetsAreSound(t *testing.T) {
	names, about := Methods()
	for i, name := range names {
		for _, classes := range []int{10, 100} {
			c, err := Preset(name, classes)
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Check(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if c.Model.Answers() != classes || about[i] == "" {
				t.Errorf("%s: %d classes, described as %q", name, c.Model.Classes, about[i])
			}
		}
	}
	ten, _ := Preset("greg", 10)
	hundred, _ := Preset("greg", 100)
	if ten.Loss.MarginIn != -23 || hundred.Loss.MarginIn != -27 || ten.Loss.MarginAux != -5 {
		t.Errorf("margins %+v and %+v", ten.Loss, hundred.Loss)
	}
	code, _ := Preset("greg-code", 100)
	if code.Loss.MarginIn != -25 || code.Loss.MarginAux != -7 || code.Loss.Variant != Code || code.StatUpdates != 2 {
		t.Errorf("greg-code is %+v with %d updates", code.Loss, code.StatUpdates)
	}
}

// TestDropoutIsTheMethods begins with a network that was trained with dropout 0.3 and
// with one that was trained without: it is the method that decides.
func TestDropoutIsTheMethods(t *testing.T) {
	fine := map[string]bool{"oe": true, "oe-grad": true, "energy": true, "balanced": true}
	names, _ := Methods()
	for _, name := range names {
		want := 0.0
		if fine[name] {
			want = 0.3
		}
		for _, before := range []float64{0, 0.3} {
			c, err := Preset(name, 10)
			if err != nil {
				t.Fatal(err)
			}
			c.SetNetwork(models.Config{Arch: "wrn-40-2", Dropout: before})
			if c.Model.Dropout != want {
				t.Errorf("%s after a network with dropout %g: %g, want %g", name, before, c.Model.Dropout, want)
			}
			if c.SetNetwork(models.Config{Arch: "densenet101"}); c.Model.Dropout != 0 {
				t.Errorf("%s: dropout %g in a DenseNet", name, c.Model.Dropout)
			}
		}
	}
}

func TestUnknownMethodListsTheKnown(t *testing.T) {
	_, err := Preset("gregg", 10)
	if err == nil || !strings.Contains(err.Error(), "greg-code") {
		t.Fatalf("got %v", err)
	}
}

func TestCheckNamesTheFault(t *testing.T) {
	for want, spoil := range map[string]func(c *Config){
		"batch":         func(c *Config) { c.Batch = 0 },
		"auxiliary":     func(c *Config) { c.AuxBatch = 0 },
		"variant":       func(c *Config) { c.Loss.Variant = "" },
		"optimiser":     func(c *Config) { c.Optimizer = "sgdd" },
		"milestones":    func(c *Config) { c.Schedule = "multistep" },
		"margin":        func(c *Config) { c.Loss.MarginIn = 0 },
		"learning rate": func(c *Config) { c.LR = -1 },
		"epochs":        func(c *Config) { c.Epochs = maxEpochs + 1 },
		"-1 steps":      func(c *Config) { c.MaxSteps = -1 },
		"0, 1 and 2":    func(c *Config) { c.StatUpdates = 3 },
		"below 1":       func(c *Config) { c.Momentum = 1 },
		"not be above":  func(c *Config) { c.MinLR = 1 },
		"0 or 1":        func(c *Config) { c.FirstStep = 7 },
		"warm-up":       func(c *Config) { c.Warmup = -3 },
		"a multistep":   func(c *Config) { c.Milestones = []float64{0.5} },
		"[0.5 0.2]":     func(c *Config) { c.Schedule, c.Milestones = "multistep", []float64{0.5, 0.2} },
		"[-1]":          func(c *Config) { c.Schedule, c.Milestones = "multistep", []float64{-1} },
		"nothing to do": func(c *Config) { c.Epochs = 0 },
	} {
		c, _ := Preset("greg", 10)
		spoil(&c)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
