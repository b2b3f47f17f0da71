package datasets

import (
	"fmt"
	"slices"
	"strings"
)

// Normalization holds the constants that turn a pixel into a network input:
// (pixel/255 - Mean[c]) / Std[c] for channel c of red, green, blue. All images
// of an experiment, out-of-distribution ones included, are normalised with the
// constants of the in-distribution set.
//
// The zero value leaves pixels in [0, 1].
type Normalization struct {
	// Name is the preset the constants came from, such as "greg"; empty for
	// constants of one's own.
	Name      string
	Mean, Std [3]float32
}

// preset is one row of published constants. A row without CIFAR-100 constants
// of its own (zero cifar100) uses those of CIFAR-10 for both, as its code does.
type preset struct {
	name              string
	cifar10, cifar100 Normalization
}

// presets are the constants of the published code bases. They differ because
// some rounded them, some divided bytes, and some took the mean of each image's
// deviation in place of the deviation over all pixels (the .20 of "dice").
var presets = []preset{
	{
		name:     "greg", // also DOS
		cifar10:  constants(.4914, .4822, .4465, .2470, .2435, .2616),
		cifar100: constants(.5071, .4865, .4409, .2673, .2564, .2762),
	},
	{
		name:    "dice", // also LINe and ReAct
		cifar10: constants(.4914, .4822, .4465, .2023, .1994, .2010),
	},
	{
		name:    "energy", // also OE, Balanced, POEM, NTOM and ODIN
		cifar10: constants(125.3/255., 123.0/255., 113.9/255., 63.0/255., 62.1/255., 66.7/255.),
	},
	{
		name:     "openmix",
		cifar10:  constants(.491, .482, .447, .247, .243, .262),
		cifar100: constants(.507, .487, .441, .267, .256, .276),
	},
	{
		name:     "openood",
		cifar10:  constants(.4914, .4822, .4465, .2470, .2435, .2616),
		cifar100: constants(.5071, .4867, .4408, .2675, .2565, .2761),
	},
	{
		name:    "imagenet", // every ImageNet code base
		cifar10: constants(.485, .456, .406, .229, .224, .225),
	},
}

func constants(mr, mg, mb, sr, sg, sb float32) Normalization {
	return Normalization{Mean: [3]float32{mr, mg, mb}, Std: [3]float32{sr, sg, sb}}
}

// PresetNames lists the names that [Preset] knows.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	return names
}

// Preset returns the normalisation constants that a published code base uses
// for the in-distribution set id:
//
//	greg      GReg and DOS
//	dice      DICE, LINe and ReAct
//	energy    energy_ood, OE, Balanced, POEM, NTOM and ODIN
//	openmix   OpenMix
//	openood   OpenOOD
//	imagenet  every ImageNet experiment
//
// The rows greg, openmix and openood have constants of their own for
// CIFAR-100, which an id that reads cifar100 selects, whatever its case and
// punctuation ("CIFAR-100", "cifar100-binary"). Every other id, sets that are
// no CIFAR included, gets the row's CIFAR-10 constants. An unknown name is an
// error that lists the known ones.
func Preset(name, id string) (Normalization, error) {
	at := slices.IndexFunc(presets, func(p preset) bool { return p.name == name })
	if at < 0 {
		return Normalization{}, fmt.Errorf("no normalisation is called %q: choose one of %s", name, strings.Join(PresetNames(), ", "))
	}
	row := presets[at]
	n := row.cifar10
	if row.cifar100 != (Normalization{}) && isCIFAR100(id) {
		n = row.cifar100
	}
	n.Name = name
	return n, nil
}

func isCIFAR100(id string) bool {
	bare := strings.Map(func(r rune) rune {
		if strings.ContainsRune("-_ .", r) {
			return -1
		}
		return r
	}, strings.ToLower(id))
	return strings.HasPrefix(bare, "cifar100")
}

// lookup gives the network input of every byte value in every channel. A batch
// has thousands of times more pixels than 3*256, so dividing happens here only.
type lookup [3][256]float32

// lookup fails when a deviation is not a positive number.
func (n Normalization) lookup() (*lookup, error) {
	mean, std := n.Constants()
	t := new(lookup)
	for c := range t {
		if !(std[c] > 0) {
			return nil, fmt.Errorf("normalisation %q divides channel %d by %v: a standard deviation must be positive", n.Name, c, std[c])
		}
		for v := range t[c] {
			// The order of PyTorch's ToTensor and Normalize, for the same bits.
			t[c][v] = (float32(v)/255 - mean[c]) / std[c]
		}
	}
	return t, nil
}

// Constants are what the formula is computed with: Mean and Std, or 0 and 1 of the
// zero value.
func (n Normalization) Constants() (mean, std [3]float32) {
	if n.Mean == [3]float32{} && n.Std == [3]float32{} {
		return n.Mean, [3]float32{1, 1, 1}
	}
	return n.Mean, n.Std
}
