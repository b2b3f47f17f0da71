package datasets

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// The published constants, for CIFAR-10 and for CIFAR-100.
func TestPresets(t *testing.T) {
	type row struct{ mean, std [3]float64 }
	tenths := [3]float64{.4914, .4822, .4465}
	bytes := row{[3]float64{.491373, .482353, .446667}, [3]float64{.247059, .243529, .261569}}
	dice := row{tenths, [3]float64{.2023, .1994, .2010}}
	imagenet := row{[3]float64{.485, .456, .406}, [3]float64{.229, .224, .225}}
	all := map[string][2]row{
		"greg":     {{tenths, [3]float64{.2470, .2435, .2616}}, {[3]float64{.5071, .4865, .4409}, [3]float64{.2673, .2564, .2762}}},
		"dice":     {dice, dice},
		"energy":   {bytes, bytes},
		"openmix":  {{[3]float64{.491, .482, .447}, [3]float64{.247, .243, .262}}, {[3]float64{.507, .487, .441}, [3]float64{.267, .256, .276}}},
		"openood":  {{tenths, [3]float64{.2470, .2435, .2616}}, {[3]float64{.5071, .4867, .4408}, [3]float64{.2675, .2565, .2761}}},
		"imagenet": {imagenet, imagenet},
	}
	if len(PresetNames()) != len(all) {
		t.Errorf("presets %v, want %d of them", PresetNames(), len(all))
	}
	for _, name := range PresetNames() {
		for i, id := range []string{"cifar10", "cifar100"} {
			n, err := Preset(name, id)
			if err != nil {
				t.Fatal(err)
			}
			want := all[name][i]
			for c := range 3 {
				if math.Abs(float64(n.Mean[c])-want.mean[c]) > 5e-7 || math.Abs(float64(n.Std[c])-want.std[c]) > 5e-7 || n.Name != name {
					t.Errorf("%s for %s, channel %d: %+v, want %v", name, id, c, n, want)
				}
			}
		}
	}
}

func TestPresetChoosesByID(t *testing.T) {
	ten, _ := Preset("greg", "cifar10")
	hundred, _ := Preset("greg", "cifar100")
	for id, want := range map[string]Normalization{
		"CIFAR-100": hundred, "cifar-100-binary": hundred, "cifar100-train": hundred,
		"CIFAR-10": ten, "cifar-10-binary": ten, "shapes": ten, "": ten,
	} {
		if got, err := Preset("greg", id); err != nil || got != want {
			t.Errorf("greg for %q is %+v (%v), want %+v", id, got, err, want)
		}
	}
}

func TestUnknownPresetListsTheKnown(t *testing.T) {
	_, err := Preset("gerg", "cifar10")
	if err == nil || slices.ContainsFunc(PresetNames(), func(name string) bool { return !strings.Contains(err.Error(), name) }) {
		t.Errorf("the error does not list the presets: %v", err)
	}
}

func TestLookup(t *testing.T) {
	n, _ := Preset("energy", "cifar10")
	table, err := n.lookup()
	if err != nil {
		t.Fatal(err)
	}
	for c := range 3 {
		for v := range 256 {
			want := (float64(v)/255 - float64(n.Mean[c])) / float64(n.Std[c])
			if math.Abs(float64(table[c][v])-want) > 1e-6 {
				t.Fatalf("channel %d, byte %d: %v, want %v", c, v, table[c][v], want)
			}
		}
	}
	zero, err := Normalization{}.lookup()
	if err != nil || zero[1][0] != 0 || zero[1][51] != .2 || zero[1][255] != 1 {
		t.Errorf("without constants: %v, %v, %v (%v), want 0, 0.2, 1", zero[1][0], zero[1][51], zero[1][255], err)
	}
}
