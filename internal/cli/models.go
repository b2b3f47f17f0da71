package cli

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/models"
)

// Weights are the content of a checkpoint file and what is known about it.
type Weights struct {
	Path   string
	File   *checkpoint.File
	Model  models.Config
	Config *greg.Config // of the training run, nil for a file of another origin
	// NewHead leaves out the last layer: models keep their own.
	NewHead bool
}

// ReadWeights reads the checkpoint at path (a run directory, .safetensors or a
// PyTorch file). arch names the architecture where the file does not tell, and is
// checked where it does; classes is then the number of outputs.
func ReadWeights(ctx context.Context, path, arch string, classes int) (*Weights, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if _, err := os.Stat(filepath.Join(path, checkpoint.RunFile)); err != nil {
			return nil, fmt.Errorf("the directory %s holds no %s: it is not a run, or one that ended before its first checkpoint", path, checkpoint.RunFile)
		}
	}
	f, err := checkpoint.Open(ctx, path)
	if err != nil {
		return nil, err
	}
	w := &Weights{Path: path, File: f}
	if c, ok, err := greg.StoredConfig(f); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	} else if ok {
		w.Config = &c
	}
	w.Model, err = models.Guess(f)
	switch {
	case errors.Is(err, models.ErrUnknown) && arch != "":
		w.Model = models.Config{Arch: arch, Classes: classes}
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	case arch != "" && arch != w.Model.Arch:
		return nil, fmt.Errorf("%s: the checkpoint is of another architecture: it holds %s, and -arch says %s", path, w.Model.Arch, arch)
	}
	return w, nil
}

// Load puts the weights into a model, which may have an output for none of the
// classes where the weights have none.
func (w *Weights) Load(m models.Model) error {
	prepare := models.Grow
	if w.NewHead {
		prepare = models.KeepHead
	}
	f, err := prepare(m, w.File)
	if err == nil {
		err = models.Load(m, f)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", w.Path, err)
	}
	return nil
}

// Network is the network on a device, with these weights.
func (w *Weights) Network(dev kernels.Device) (models.Model, error) {
	m, err := models.New(w.Model, dev, 0)
	if err != nil {
		return nil, AsWrong(err)
	}
	return m, w.Load(m)
}

// FitSet makes the weights those of a network that tells the classes of a set apart,
// and is an error where they are not. A file that no run has written may have one
// output more than the set has classes: it is taken for that of none of them, and the
// user is told. spec is the set as the user named it. Call it before Network.
func (w *Weights) FitSet(env *Env, spec string, classes int) error {
	if classes == 0 {
		return fmt.Errorf("the set %s has no classes: a folder of a folder for each class has them", spec)
	}
	if w.Config == nil && w.Model.Classes == classes+1 {
		env.Say("the network of %s has one output more than %s has classes: it is taken for that of none of them", w.Path, spec)
		w.Model.Reject = true
	}
	if w.Model.Classes == 0 { // of an architecture that only the user knows
		w.Model.Classes = classes
	}
	if w.Model.Answers() != classes {
		return fmt.Errorf("the network of %s has %d classes and the set %s %d: it was trained on another set", w.Path, w.Model.Answers(), spec, classes)
	}
	return nil
}

// Normalize is the normalisation that the weights were trained with: the stored
// one or, for a file of another origin, the preset that -normalize names.
func (w *Weights) Normalize(flag, id string) (datasets.Normalization, error) {
	if w.Config == nil && flag == "" {
		return datasets.Normalization{}, Wrong("%s does not say how its images were normalised: choose -normalize %s", w.Path, strings.Join(datasets.PresetNames(), ", "))
	}
	if w.Config == nil {
		n, err := datasets.Preset(flag, id)
		return n, AsWrong(err)
	}
	stored := w.Config.Normalize
	if flag != "" && flag != stored.Name {
		return stored, Wrong("%s was trained with -normalize %s, not %s: leave the flag out", w.Path, stored.Name, flag)
	}
	return stored, nil
}

// Step is the number of steps that the weights were trained for, 0 when unknown.
func (w *Weights) Step() int64 { return greg.StoredStep(w.File) }

// FileDigest is the SHA-256 of a checkpoint file, or of the one in a run
// directory, in hexadecimal.
func FileDigest(path string) (string, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, checkpoint.RunFile)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
