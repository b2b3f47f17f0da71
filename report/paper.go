package report

import (
	"slices"
	"strings"
)

// paperSets are the OOD sets that the paper's averages are over, beside an
// in-distribution set; number is how many they are, in words.
func paperSets(id string) (sets []string, number string) {
	if strings.HasPrefix(id, "imagenet") {
		return []string{"inaturalist", "sun", "places", "textures"}, "four"
	}
	return []string{"textures", "svhn", "places365", "lsun-c", "lsun-r", "isun"}, "six"
}

// PaperSource says where the values of [PaperAverage] for an in-distribution set
// are from.
func PaperSource(id string) string {
	_, number := paperSets(id)
	return "Gradient-Regularized Out-of-Distribution Detection: average over its " + number + " OOD sets"
}

// PaperValue is an average that the paper prints, in percent.
type PaperValue struct {
	FPR95 float64 `json:"fpr95"`
	AUROC float64 `json:"auroc,omitempty"` // 0: not printed
}

// The paper's columns: in-distribution set and network.
var paperColumns = [7][2]string{
	{"cifar10", "resnet18"}, {"cifar10", "wrn-40-2"}, {"cifar10", "densenet101"},
	{"cifar100", "resnet18"}, {"cifar100", "wrn-40-2"}, {"cifar100", "densenet101"},
	{"imagenet10", "densenet121"},
}

// The paper's rows, FPR95 and AUROC a column; a zero means not printed. Post-hoc
// scores (on a network trained with CE) are keyed "ce/score", training methods
// by their name.
var paperRows = map[string][7]PaperValue{
	"ce/msp":    {{58.04, 90.49}, {51.52, 90.80}, {52.56, 91.70}, {74.66, 80.10}, {80.39, 75.37}, {85.87, 68.78}, {66.87, 83.87}},
	"ce/odin":   {{34.46, 91.59}, {35.23, 89.82}, {24.88, 94.42}, {64.00, 84.33}, {67.95, 79.86}, {69.97, 81.55}, {55.32, 88.66}},
	"ce/energy": {{39.32, 92.24}, {33.40, 91.76}, {28.99, 94.09}, {68.46, 84.15}, {74.15, 79.26}, {78.91, 76.12}, {56.55, 87.59}},
	"ce/react":  {{39.44, 92.30}, {37.54, 91.49}, {25.83, 95.27}, {59.38, 87.59}, {70.65, 80.20}, {76.27, 80.10}, {54.63, 89.25}},
	"ce/dice":   {{42.40, 91.25}, {34.12, 91.74}, {26.37, 94.61}, {77.29, 80.35}, {72.32, 79.62}, {69.80, 80.50}, {46.30, 89.17}},
	"ce/line":   {{45.25, 90.59}, {36.27, 90.20}, {14.84, 96.95}, {72.09, 82.93}, {67.50, 80.97}, {35.16, 88.72}, {39.48, 91.29}},
	"oe":        {{19.92, 95.71}, {21.12, 95.55}, {21.76, 95.80}, {77.32, 63.89}, {74.22, 65.70}, {60.52, 84.21}, {55.06, 86.78}},
	"energy":    {{11.14, 97.53}, {13.11, 97.14}, {11.26, 97.43}, {62.77, 84.05}, {65.62, 80.18}, {64.37, 83.86}, {45.23, 88.63}},
	"poem":      {{39.76, 92.58}, {38.61, 92.38}, {29.15, 94.18}, {61.11, 82.43}, {62.58, 79.74}, {59.33, 79.81}, {}},
	"openmix":   {{22.24, 96.26}, {21.92, 96.00}, {22.86, 95.65}, {59.64, 88.09}, {73.12, 79.23}, {67.29, 84.47}, {}},
	"dos":       {{11.12, 97.91}, {6.63, 98.47}, {2.41, 99.16}, {54.62, 88.30}, {45.26, 90.76}, {34.92, 93.22}, {49.31, 91.97}},
	"greg":      {{7.90, 97.95}, {7.95, 98.10}, {7.93, 98.12}, {59.60, 82.92}, {58.26, 86.56}, {56.29, 87.35}, {47.26, 90.13}},
	"greg+":     {{12.79, 97.44}, {5.76, 98.20}, {11.27, 97.54}, {50.78, 88.75}, {48.12, 91.02}, {30.55, 93.38}, {35.08, 92.06}},
	"oe-grad":   {2: {18.79, 96.32}, 5: {62.54, 84.71}},
	"poem-grad": {2: {23.87, 95.41}, 5: {47.94, 86.63}},

	"energy-cluster": {5: {31.77, 93.20}},
}

// The order of the paper's rows; the names shown for them, and for what else
// this project computes.
var methodNames = []struct{ key, name string }{
	{"ce/msp", "MSP"}, {"ce/maxlogit", "MaxLogit"}, {"ce/odin", "ODIN"}, {"ce/energy", "Energy score"},
	{"ce/react", "ReAct"}, {"ce/dice", "DICE"}, {"ce/dice+react", "DICE+ReAct"}, {"ce/line", "LINe"},
	{"ce/entropy", "Entropy"}, {"ce/gen", "GEN"}, {"ce/gradnorm", "GradNorm"},
	{"ce/ash-p", "ASH-P"}, {"ce/ash-b", "ASH-B"}, {"ce/ash-s", "ASH-S"}, {"ce/scale", "SCALE"},
	{"ce/mahalanobis", "Mahalanobis"}, {"ce/knn", "KNN"}, {"ce/vim", "ViM"},
	{"ce", "CE"}, {"oe", "OE"}, {"energy", "Energy loss"}, {"balanced", "Balanced Energy"}, {"poem", "POEM"}, {"openmix", "OpenMix"}, {"ntom", "NTOM"}, {"dos", "DOS"},
	{"dos-greg", "DOS, GReg's code"}, {"greg", "GReg"}, {"greg-code", "GReg, authors' code"}, {"energy-cluster", "Energy-only clustering"},
	{"greg+", "GReg+"}, {"greg+-code", "GReg+, authors' code"}, {"oe-grad", "OE + Grad"}, {"poem-grad", "POEM + Grad"},
}

// The paper's names and order of OOD sets, in its tables of CIFAR and of ImageNet.
var (
	setNames = []struct{ key, name string }{
		{"textures", "Textures"}, {"dtd", "dtd"}, {"svhn", "SVHN"}, {"places365", "Places"}, {"places", "places"},
		{"lsun-c", "LSUN-c"}, {"lsun-r", "LSUN-r"}, {"isun", "iSUN"},
	}
	setNamesImageNet = []struct{ key, name string }{
		{"inaturalist", "iNaturalist"}, {"sun", "SUN"}, {"places", "Places"}, {"textures", "Textures"},
	}
)

// setNamesFor are those beside an in-distribution set.
func setNamesFor(id string) []struct{ key, name string } {
	if strings.HasPrefix(id, "imagenet") {
		return setNamesImageNet
	}
	return setNames
}

// PaperAverage returns the paper's average FPR95 and AUROC over its OOD sets (six
// beside CIFAR, four beside ImageNet-10) for a network of ours, by the keys of
// results.json. Post-hoc scores are those
// on a network trained with method "ce"; a trained method has its own score, so
// score is not looked at.
func PaperAverage(id, arch, method, score string) (PaperValue, bool) {
	key := method
	if method == "ce" {
		key = "ce/" + score
	}
	id = strings.ReplaceAll(id, "imagenet-", "imagenet")
	for c, col := range paperColumns {
		if col[0] == id && col[1] == arch {
			v := paperRows[key][c]
			return v, v != PaperValue{}
		}
	}
	return PaperValue{}, false
}

// PaperClusters returns the paper's average FPR95 for a number of clusters other than
// the method's own, from its Table 7.
func PaperClusters(id, arch, method string, clusters int) (PaperValue, bool) {
	if id != "cifar100" || arch != "densenet101" || method != "greg+" {
		return PaperValue{}, false
	}
	fpr, printed := map[int]float64{16: 58.97, 32: 46.41, 64: 30.55}[clusters]
	return PaperValue{FPR95: fpr}, printed
}

// The paper's top-1 accuracies on CIFAR-10 (its Table 6) for wrn-40-2 and densenet101.
var paperAccuracies = map[string][2]float64{
	"ce":     {94.84, 94.03},
	"energy": {88.15, 91.82},
	"dos":    {78.90, 87.06},
	"greg":   {89.55, 92.14},
	"greg+":  {83.06, 89.89},
}

// PaperAccuracy returns the accuracy in percent that the paper prints (in its Table 6)
// for a network trained by a method, by the keys of results.json.
func PaperAccuracy(id, arch, method string) (percent float64, known bool) {
	column := slices.Index([]string{"wrn-40-2", "densenet101"}, arch)
	if a, printed := paperAccuracies[method]; printed && id == "cifar10" && column >= 0 {
		return a[column], true
	}
	return 0, false
}

// MethodName is a training method as people write it; a name that is not known
// stays as it is.
func MethodName(key string) string {
	if i := rank(methodNames, key); i < len(methodNames) {
		return methodNames[i].name
	}
	return key
}
