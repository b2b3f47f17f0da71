package models

import (
	"encoding/json"
	"fmt"

	"gradgrad/autograd"
	"gradgrad/checkpoint"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// configKey is the key of the config in the metadata of our checkpoints.
const configKey = "gradgrad.model"

// Reserved lists the prefixes of tensors in a checkpoint that do not belong to
// the network and that [Load] leaves to others.
func Reserved() []string { return []string{"optim.", "train."} }

// State returns the config, parameters and running statistics of a model as a
// checkpoint with PyTorch's names, order and layout (convolution weights
// [Cout, Cin, KH, KW]), in the element type of the device. Others may append
// tensors under the [Reserved] prefixes.
func State(m Model) (*checkpoint.File, error) {
	config, err := json.Marshal(m.Config())
	if err != nil {
		return nil, fmt.Errorf("models: the config of %s cannot be stored: %w", m.Config().Arch, err)
	}
	f := &checkpoint.File{Metadata: map[string]string{configKey: string(config)}}
	for _, e := range m.Entries() {
		f.Tensors = append(f.Tensors, tensorOf(e))
	}
	return f, nil
}

func tensorOf(e layers.Entry) checkpoint.Tensor {
	v := valueOf(e)
	if v == nil {
		return checkpoint.New(e.Name(), nil, []int64{e.Buffer.Count})
	}
	data, shape := toTorch(v.Float64s(), v.Shape())
	if v.Device().DType() == kernels.Float64 {
		return checkpoint.New(e.Name(), shape, data)
	}
	short := make([]float32, len(data))
	for i, x := range data {
		short[i] = float32(x)
	}
	return checkpoint.New(e.Name(), shape, short)
}

// valueOf is the array of an entry, nil for a counter.
func valueOf(e layers.Entry) *autograd.Value {
	if e.Param != nil {
		return e.Param.Value
	}
	return e.Buffer.Value
}

// Convolution weights are [KH, KW, Cin, Cout] here and [Cout, Cin, KH, KW] in
// PyTorch; all other arrays are the same. These two are the only place that knows.
func toTorch(data []float64, shape []int) ([]float64, []int) {
	if len(shape) != 4 {
		return data, shape
	}
	return permuted(data, shape, [4]int{3, 2, 0, 1}), torchShape(shape)
}

// fromTorch is the reverse of toTorch; shape is ours.
func fromTorch(data []float64, shape []int) []float64 {
	if len(shape) != 4 {
		return data
	}
	return permuted(data, torchShape(shape), [4]int{2, 3, 1, 0})
}

// torchShape is the shape that PyTorch gives to an array of ours.
func torchShape(shape []int) []int {
	if len(shape) != 4 {
		return shape
	}
	return []int{shape[3], shape[2], shape[0], shape[1]}
}

// permuted reorders the axes of an array of rank 4: axis i of the result is axis
// perm[i] of the operand.
func permuted(data []float64, shape []int, perm [4]int) []float64 {
	var n, step [4]int
	stride := [4]int{shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1}
	for i, p := range perm {
		n[i], step[i] = shape[p], stride[p]
	}
	out := make([]float64, 0, len(data))
	for a := range n[0] {
		for b := range n[1] {
			for c := range n[2] {
				for d := range n[3] {
					out = append(out, data[a*step[0]+b*step[1]+c*step[2]+d*step[3]])
				}
			}
		}
	}
	return out
}
