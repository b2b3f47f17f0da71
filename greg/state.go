package greg

import (
	"encoding/json"
	"fmt"
	"strconv"

	"gradgrad/checkpoint"
	"gradgrad/models"
)

// Metadata keys of our checkpoints.
const (
	metaConfig = "gradgrad.config" // Config as JSON
	metaStep   = "gradgrad.step"   // steps done
)

// Checkpoint returns everything that training needs to go on: weights and
// running statistics under their PyTorch names, the optimiser's state, the outliers
// that were chosen for the epoch, the config and the number of steps. The random state is the seed in the config with that
// number.
func (t *Trainer) Checkpoint() (*checkpoint.File, error) {
	f, err := models.State(t.Model)
	if err != nil {
		return nil, err
	}
	f.Tensors = append(f.Tensors, optimState(t.opt, t.tape.Device().DType())...)
	f.Tensors = append(f.Tensors, t.selectionState()...)
	f.Tensors = append(f.Tensors, t.priorState()...)
	f.Tensors = append(f.Tensors, t.dualState()...)
	config, err := json.Marshal(t.Config)
	if err != nil {
		return nil, err
	}
	f.Metadata[metaConfig] = string(config)
	f.Metadata[metaStep] = strconv.Itoa(t.done)
	return f, nil
}

// finite returns a [DivergedError] that names the first tensor with a NaN or an
// infinity, if there is one.
func (t *Trainer) finite(f *checkpoint.File) error {
	for i := range f.Tensors {
		tensor := &f.Tensors[i]
		if !tensor.DType.IsFloat() {
			continue
		}
		values, err := tensor.Float64s()
		if err != nil {
			return err
		}
		for _, x := range values {
			if x-x != 0 {
				return &DivergedError{Step: t.done, Tensor: tensor.Name}
			}
		}
	}
	return nil
}

// Restore goes back to a checkpoint of the same config.
func (t *Trainer) Restore(f *checkpoint.File) error {
	c, ok, err := StoredConfig(f)
	if err != nil {
		return err
	}
	if !ok {
		return fmt.Errorf("the checkpoint was not written by a training run; start a new run from it (-init)")
	}
	want, _ := json.Marshal(t.Config)
	if have, _ := json.Marshal(c); string(have) != string(want) {
		return fmt.Errorf("the checkpoint belongs to a run with another configuration; start a new run from it (-init)")
	}
	step, err := strconv.Atoi(f.Metadata[metaStep])
	if err != nil || step < 0 {
		return fmt.Errorf("the checkpoint's step count is damaged: %q", f.Metadata[metaStep])
	}
	if err := models.Load(t.Model, f); err != nil {
		return err
	}
	if err := loadOptimState(t.opt, f); err != nil {
		return err
	}
	if err := t.loadSelections(f); err != nil {
		return err
	}
	if err := t.loadPrior(f); err != nil {
		return err
	}
	if err := t.loadDual(f); err != nil {
		return err
	}
	t.done = step
	return nil
}

// StoredConfig returns the config that one of our checkpoints carries; ok is
// false for a checkpoint of another origin.
func StoredConfig(f *checkpoint.File) (c Config, ok bool, err error) {
	text, ok := f.Metadata[metaConfig]
	if !ok {
		return c, false, nil
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, false, fmt.Errorf("the checkpoint's configuration is damaged: %w", err)
	}
	return c, true, nil
}

// StoredStep is the number of steps that one of our checkpoints was trained for;
// 0 for a checkpoint of another origin.
func StoredStep(f *checkpoint.File) int64 {
	n, err := strconv.ParseInt(f.Metadata[metaStep], 10, 64)
	if err != nil {
		return 0
	}
	return n
}
