package app

import (
	"testing"

	"gradgrad/greg"
)

// TestSmallRate wants a learning rate below the default's end to be possible
// without naming that end too.
func TestSmallRate(t *testing.T) {
	s := &settings{}
	lr := &settingFlag{setting: setting{name: "lr", at: func(c *greg.Config) any { return &c.LR }}, all: s}
	if err := lr.Set("1e-9"); err != nil {
		t.Fatal(err)
	}
	c, err := greg.Preset("greg", 10)
	if err != nil {
		t.Fatal(err)
	}
	if s.apply(&c); c.LR != 1e-9 || c.Check() != nil {
		t.Errorf("learning rate %g to %g: %v", c.LR, c.MinLR, c.Check())
	}
}
