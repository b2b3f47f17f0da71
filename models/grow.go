package models

import (
	"fmt"
	"slices"
	"strings"

	"gradgrad/checkpoint"
)

// Grow prepares a checkpoint of a network without an output for "none of the
// classes" for a model that has one ([Config].Reject): it returns a copy whose head
// has that output more, with the weights that the model has there. (The authors'
// code throws the whole head away in that case.) Of another checkpoint it returns f
// itself.
func Grow(m Model, f *checkpoint.File) (*checkpoint.File, error) {
	c, head := m.Config(), m.Head()
	if !c.Reject {
		return f, nil
	}
	grown := &checkpoint.File{Metadata: f.Metadata, Tensors: slices.Clone(f.Tensors)}
	changed := false
	for i, t := range f.Tensors {
		layer, what, _ := strings.Cut(bare(t.Name), ".")
		if !slices.Contains(heads, layer) || len(t.Shape) == 0 || t.Shape[0] != c.Answers() {
			continue
		}
		own := head.Weight.Value.Float64s()
		if what == "bias" {
			own = head.Bias.Value.Float64s()
		}
		values, err := t.Float64s()
		if err != nil {
			return nil, fmt.Errorf("models: the head of the checkpoint cannot be read: %w", err)
		}
		if len(values) > len(own) {
			return f, nil // of another network: [Load] says so
		}
		shape := slices.Clone(t.Shape)
		shape[0]++
		grown.Tensors[i] = checkpoint.New(t.Name, shape, append(values, own[len(values):]...))
		changed = true
	}
	if !changed {
		return f, nil
	}
	return grown, nil
}

// KeepHead prepares a checkpoint of a network with other classes, such as the 1,000
// of ImageNet, for a model that is to keep its own head: it returns a copy that has
// the model's weights there.
func KeepHead(m Model, f *checkpoint.File) (*checkpoint.File, error) {
	head := m.Head()
	kept := &checkpoint.File{Metadata: f.Metadata, Tensors: slices.Clone(f.Tensors)}
	for i, t := range f.Tensors {
		layer, what, _ := strings.Cut(bare(t.Name), ".")
		if !slices.Contains(heads, layer) {
			continue
		}
		own := head.Weight.Value
		if what == "bias" {
			own = head.Bias.Value
		}
		kept.Tensors[i] = checkpoint.New(t.Name, slices.Clone(own.Shape()), own.Float64s())
	}
	return kept, nil
}
