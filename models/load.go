package models

import (
	"fmt"
	"slices"
	"strings"

	"gradgrad/checkpoint"
	"gradgrad/layers"
)

// Load fills a model from a checkpoint in PyTorch's names and layout. It accepts
// the names that published code gives to the same things: heads called fc, linear
// or classifier, shortcuts called shortcut or downsample, norm.1 for norm1, and
// the prefixes "module." and "resnet.". Counters of batches may be missing, as in
// files of old PyTorch. Tensors under [Reserved] prefixes are left alone.
//
// Anything else that is missing, unexpected or of another shape is an error, and
// then the model is unchanged.
func Load(m Model, f *checkpoint.File) error {
	plan, err := match(m, f)
	if err != nil {
		return err
	}
	data := make([][]float64, len(plan))
	for i, a := range plan {
		if data[i], err = a.read(); err != nil {
			return fmt.Errorf("models: loading %s: %w", m.Config().Arch, err)
		}
	}
	for i, a := range plan {
		v := valueOf(a.entry)
		if v == nil {
			a.entry.Buffer.Count = int64(data[i][0])
			continue
		}
		v.Device().Write64(v.Buffer(), fromTorch(data[i], v.Shape()))
		v.Changed()
	}
	return nil
}

// assignment is an entry of the model and the tensor that fills it; the tensor is
// nil for a counter that the file lacks.
type assignment struct {
	entry  layers.Entry
	tensor *checkpoint.Tensor
}

func (a assignment) read() ([]float64, error) {
	switch {
	case a.tensor == nil:
		return []float64{0}, nil
	case valueOf(a.entry) != nil:
		return a.tensor.Float64s()
	}
	n, err := a.tensor.Int64s()
	if err != nil {
		return nil, err
	}
	return []float64{float64(n[0])}, nil // far below 2^53
}

// match finds the tensor of every entry, or says what does not fit.
func match(m Model, f *checkpoint.File) ([]assignment, error) {
	entries := m.Entries()
	at := make(map[string]int, len(entries))
	plan := make([]assignment, len(entries))
	for i, e := range entries {
		at[e.Name()], plan[i].entry = i, e
	}
	var d differences
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if reserved(t.Name) {
			continue
		}
		k, known := find(t.Name, at)
		switch {
		case !known:
			d.unexpected = append(d.unexpected, t.Name)
		case plan[k].tensor != nil:
			return nil, fmt.Errorf("models: loading %s: the checkpoint's tensors %s and %s are both %s", m.Config().Arch, plan[k].tensor.Name, t.Name, plan[k].entry.Name())
		default:
			plan[k].tensor = t
			d.compare(plan[k])
		}
	}
	for _, a := range plan {
		if a.tensor == nil && valueOf(a.entry) != nil {
			d.missing = append(d.missing, a.entry.Name())
		}
	}
	return plan, d.err(m.Config(), f)
}

func reserved(name string) bool {
	return slices.ContainsFunc(Reserved(), func(p string) bool { return strings.HasPrefix(name, p) })
}

// find looks a name of a file up among ours, under all names that published code
// uses for the same thing.
func find(name string, ours map[string]int) (int, bool) {
	name = bare(name)
	for _, n := range []string{name, oldNorm.Replace(name), shortcuts.Replace(name)} {
		if i, ok := ours[n]; ok {
			return i, true
		}
	}
	if head, rest, ok := strings.Cut(name, "."); ok && slices.Contains(heads, head) {
		for _, h := range heads {
			if i, ok := ours[h+"."+rest]; ok {
				return i, true
			}
		}
	}
	return 0, false
}

// bare strips what wrappers put before names.
func bare(name string) string {
	for _, p := range []string{"module.", "resnet."} {
		name = strings.TrimPrefix(name, p)
	}
	return name
}

var (
	heads     = []string{"fc", "linear", "classifier"}
	shortcuts = strings.NewReplacer(".shortcut.", ".downsample.", ".downsample.", ".shortcut.")
	oldNorm   = strings.NewReplacer(".norm.1.", ".norm1.", ".norm.2.", ".norm2.", ".conv.1.", ".conv1.", ".conv.2.", ".conv2.")
)

// differences are what keeps a checkpoint from fitting a model.
type differences struct {
	missing, unexpected, shapes []string
}

func (d *differences) compare(a assignment) {
	v := valueOf(a.entry)
	if v == nil {
		if a.tensor.Len() != 1 {
			d.shapes = append(d.shapes, fmt.Sprintf("%s is %v, not a single number", a.tensor.Name, a.tensor.Shape))
		}
		return
	}
	if want := torchShape(v.Shape()); !slices.Equal(a.tensor.Shape, want) {
		d.shapes = append(d.shapes, fmt.Sprintf("%s is %v, not %v", a.tensor.Name, a.tensor.Shape, want))
	}
}

// err says it in one sentence, the plainest that is true.
func (d *differences) err(c Config, f *checkpoint.File) error {
	if len(d.missing)+len(d.unexpected)+len(d.shapes) == 0 {
		return nil
	}
	if g, err := Guess(f); err == nil && g.Arch != c.Arch {
		return fmt.Errorf("models: the checkpoint is of another architecture: it holds %s with %d classes, not %s", g.Arch, g.Classes, c.Arch)
	} else if err == nil && g.Classes != c.Classes {
		return fmt.Errorf("models: the checkpoint is of a %s with %d classes, not %d", g.Arch, g.Classes, c.Classes)
	}
	var parts []string
	for _, p := range []struct {
		what  string
		names []string
	}{{"lacks", d.missing}, {"has unexpected", d.unexpected}, {"has other shapes:", d.shapes}} {
		if len(p.names) > 0 {
			parts = append(parts, p.what+" "+few(p.names))
		}
	}
	return fmt.Errorf("models: the checkpoint does not fit %s with %d classes: it %s", c.Arch, c.Classes, strings.Join(parts, "; it "))
}

// few names the first of a list.
func few(names []string) string {
	const most = 3
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
