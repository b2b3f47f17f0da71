package app

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gradgrad/datasets"
	"gradgrad/greg"
)

// ownOfRun are the settings that are nobody's preset.
var ownOfRun = []string{"seed", "max-steps", "recompute", "conv"}

// changes are the settings in which a run differs from its method's, as flags with
// what the method has.
func (x *Experiment) changes(c greg.Config) (changes []string) {
	preset, err := x.Preset(c.Method, c.Model.Answers())
	if err != nil {
		return nil // the run is another program's
	}
	preset.SetNetwork(c.Model)
	for _, g := range settingGroups {
		for _, s := range g.settings {
			follows := s.name == "candidates" && c.Sampling.PerEpoch > 0
			was, is := valueOf(s.at(&preset)), valueOf(s.at(&c))
			if was != is && !follows && !slices.Contains(ownOfRun, s.name) {
				changes = append(changes, fmt.Sprintf("-%s %s instead of %s", s.name, is, was))
			}
		}
	}
	return changes
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
