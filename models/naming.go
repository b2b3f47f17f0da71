package models

import (
	"fmt"
	"regexp"
	"strings"

	"gradgrad/checkpoint"
)

// Naming is how a public repository names the parts of networks, where it differs
// from [State]: the same tensors under other names.
type Naming struct {
	Name  string
	About string
	// Key is the entry of the outermost dictionary that holds the state dict in its
	// PyTorch files; "" where the state dict is the whole file.
	Key string

	head     string // of a DenseNet for small images; "" leaves all heads
	shortcut string // of ResNets; "" leaves them
	oldNorm  bool   // norm.1 for norm1 in densenet121
}

// Namings lists the naming conventions that [Rename] knows. What they leave open
// is named as the papers' own code does: wide ResNets have the same names
// everywhere.
func Namings() []Naming {
	return []Naming{
		{Name: "gradgrad", About: "as this project writes them", Key: "state_dict"},
		{Name: "greg", About: "the authors' repository, and DOS: a DenseNet's head is linear, shortcuts are shortcut", Key: "state_dict", head: "linear", shortcut: "shortcut"},
		{Name: "dice", About: "DICE, POEM, LINe: a DenseNet's head is fc", Key: "state_dict", head: "fc"},
		{Name: "energy", About: "OE and energy_ood: the state dict is the whole file", head: "fc"},
		{Name: "openood", About: "OpenOOD: the state dict is the whole file, shortcuts are shortcut", head: "fc", shortcut: "shortcut"},
		{Name: "torchvision", About: "torchvision: the state dict is the whole file, shortcuts are downsample", head: "fc", shortcut: "downsample"},
		{Name: "torchvision-old", About: "torchvision before 0.3: densenet121 has norm.1 and conv.1 for norm1 and conv1", head: "fc", shortcut: "downsample", oldNorm: true},
	}
}

// FindNaming returns the convention of that name.
func FindNaming(name string) (Naming, error) {
	var names []string
	for _, n := range Namings() {
		if n.Name == name {
			return n, nil
		}
		names = append(names, n.Name)
	}
	return Naming{}, fmt.Errorf("models: no naming convention is called %q: choose one of %s", name, strings.Join(names, ", "))
}

// newNorm matches the names that old torchvision wrote with a dot before the number.
var newNorm = regexp.MustCompile(`(denselayer\d+\.(?:norm|conv))([12])\.`)

// Rename returns the network's tensors of a file that [State] made, in the same
// order, under a convention's names. It shares the data.
func Rename(f *checkpoint.File, n Naming) *checkpoint.File {
	out := &checkpoint.File{Metadata: f.Metadata}
	_, small := f.Lookup("trans1.conv1.weight") // a DenseNet for small images
	for _, t := range f.Tensors {
		if reserved(t.Name) {
			continue
		}
		t.Name = n.rename(t.Name, small)
		out.Tensors = append(out.Tensors, t)
	}
	return out
}

func (n Naming) rename(name string, smallDenseNet bool) string {
	if rest, ok := strings.CutPrefix(name, "fc."); ok && smallDenseNet && n.head != "" {
		return n.head + "." + rest
	}
	if n.shortcut != "" {
		name = strings.NewReplacer(".shortcut.", "."+n.shortcut+".", ".downsample.", "."+n.shortcut+".").Replace(name)
	}
	if n.oldNorm {
		name = newNorm.ReplaceAllString(name, "$1.$2.")
	}
	return name
}
