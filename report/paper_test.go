package report

import (
	"slices"
	"strings"
	"testing"
)

func TestPaperAverage(t *testing.T) {
	for _, v := range []struct {
		id, arch, method, score string
		want                    PaperValue
		ok                      bool
	}{
		{"cifar10", "densenet101", "ce", "line", PaperValue{14.84, 96.95}, true},
		{"cifar100", "densenet101", "greg+", "energy", PaperValue{30.55, 93.38}, true},
		{"cifar100", "resnet18", "energy", "energy", PaperValue{62.77, 84.05}, true},
		{"imagenet-10", "densenet121", "greg+", "energy", PaperValue{35.08, 92.06}, true},
		{"imagenet10", "densenet121", "poem", "energy", PaperValue{}, false},
		{"cifar10", "wrn-40-2", "oe-grad", "msp", PaperValue{}, false},
		{"cifar10", "densenet101", "oe-grad", "msp", PaperValue{18.79, 96.32}, true},
		{"cifar10", "wrn-16-1", "greg", "energy", PaperValue{}, false},
		{"cifar10", "wrn-40-2", "unheard", "energy", PaperValue{}, false},
	} {
		got, ok := PaperAverage(v.id, v.arch, v.method, v.score)
		if got != v.want || ok != v.ok {
			t.Errorf("%v: %v, %v", v, got, ok)
		}
	}
}

// TestPaperAccuracy has the numbers of Table 6, and they stand beside every score of
// a network, in the paper's layout alone.
func TestPaperAccuracy(t *testing.T) {
	for _, v := range []struct {
		id, arch, method string
		want             float64
	}{
		{"cifar10", "wrn-40-2", "ce", 94.84}, {"cifar10", "densenet101", "ce", 94.03}, {"cifar10", "wrn-40-2", "energy", 88.15},
		{"cifar10", "densenet101", "energy", 91.82}, {"cifar10", "wrn-40-2", "greg", 89.55}, {"cifar10", "densenet101", "greg", 92.14},
		{"cifar10", "wrn-40-2", "dos", 78.90}, {"cifar10", "densenet101", "dos", 87.06}, {"cifar10", "wrn-40-2", "greg+", 83.06},
		{"cifar10", "densenet101", "greg+", 89.89},
		{"cifar10", "resnet18", "greg+", 0}, {"cifar100", "wrn-40-2", "ce", 0}, {"cifar10", "wrn-40-2", "poem", 0},
	} {
		if got, known := PaperAccuracy(v.id, v.arch, v.method); got != v.want || known != (v.want != 0) {
			t.Errorf("%v: %v, %v", v, got, known)
		}
	}
	tab := sampleTable(t)
	md := write(t, tab, Markdown)
	if row := cells(t, md, " | ", "GReg, MSP score (code), 2 seeds"); !slices.Equal(row[len(row)-2:], []string{"89.55", "+0.54"}) {
		t.Errorf("no accuracy of the paper beside another score: %q", row)
	}
	tab.Arrange(OpenOODLayout)
	if strings.Contains(write(t, tab, Markdown), "89.55") {
		t.Error("the paper's accuracy in OpenOOD's layout")
	}
}
