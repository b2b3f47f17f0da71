package app

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/ood"
)

// ownOfRun are the settings that are nobody's preset.
var ownOfRun = []string{"seed", "max-steps", "recompute", "conv"}

// changes are the settings in which a run differs from its method's, as flags with
// what the method has.
func (x *Experiment) changes(c greg.Config) (changes []string) {
	for _, s := range x.besideOwn(c) {
		if s.Changed() && !slices.Contains(ownOfRun, s.Name) {
			changes = append(changes, fmt.Sprintf("-%s %s instead of %s", s.Name, s.Value, s.Own))
		}
	}
	return changes
}

// besideOwn are the settings of a run, each with its method's own; with their own
// values where the method is another program's.
func (x *Experiment) besideOwn(c greg.Config) (settings ood.Settings) {
	own := c
	if preset, err := x.Preset(c.Method, c.Model.Answers()); err == nil {
		preset.SetNetwork(c.Model)
		own = preset
	}
	for _, g := range settingGroups {
		for _, s := range g.settings {
			if follows := s.name == "candidates" && c.Sampling.PerEpoch > 0; !follows {
				settings = append(settings, ood.Setting{Name: s.name, Value: valueOf(s.at(&c)), Own: valueOf(s.at(&own))})
			}
		}
	}
	return settings
}

// valueOf is a field of a config as its flag would be written.
func valueOf(field any) string {
	switch p := field.(type) {
	case *[]float64:
		return strings.ReplaceAll(strings.Trim(fmt.Sprint(*p), "[]"), " ", ",")
	case **datasets.Augment:
		for name, make := range augmentations {
			if reflect.DeepEqual(make(), *p) {
				return name
			}
		}
	}
	data, _ := json.Marshal(field)
	return strings.Trim(string(data), `"`)
}

// notes are those on a method.
func (x *Experiment) notes(method string) []string {
	if x.Notes == nil {
		return nil
	}
	return x.Notes(method)
}
