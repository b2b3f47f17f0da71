package ood

import (
	"reflect"
	"strings"
	"testing"
)

// TestResultsSettings: settings come back in their order, with what the method has in
// the place of those that were changed.
func TestResultsSettings(t *testing.T) {
	dir, want := t.TempDir(), sample()
	want.Settings = Settings{{"epochs", "4", "20"}, {"milestones", "", "0.5,0.75"}, {"batch", "64", "64"}}
	if err := WriteResults(dir, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadResults(dir)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Settings, want.Settings) {
		t.Errorf("%+v, want %+v", got.Settings, want.Settings)
	}
	if own := got.Settings.Preset(); !reflect.DeepEqual(own, map[string]string{"epochs": "20", "milestones": "0.5,0.75"}) {
		t.Errorf("the method's own values %v", own)
	}
	if epochs, is := got.Settings.Get("epochs"); !is || !epochs.Changed() {
		t.Errorf("epochs %v, %v", epochs, is)
	}
	if batch, is := got.Settings.Get("batch"); !is || batch.Changed() {
		t.Errorf("batch %v, %v", batch, is)
	}
	want.Settings = append(want.Settings, want.Settings[0])
	if err := WriteResults(dir, want); err == nil || !strings.Contains(err.Error(), "epochs") {
		t.Errorf("a setting twice: %v", err)
	}
}
