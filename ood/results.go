package ood

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"gradgrad/internal/atomicfile"
)

// ResultsFile is the name of the file that an evaluation writes.
const ResultsFile = "results.json"

// Results is one evaluation of one model: the content of results.json.
// Percentages, in full precision.
type Results struct {
	ID         string     // key of the in-distribution set
	IDAccuracy float64    // top-1 on the ID set in percent; NaN (null in the file) when unknown
	Arch       string     // "densenet101"
	Method     string     // training method: "ce", "energy", "greg", ...
	Seed       uint64     // of the training run
	Convention Convention // "fpr_convention"
	Normalize  string     // name of the normalisation preset

	// Optional: left out of the file where zero.
	IDN        int               // "id_n": ID images
	Variant    string            // reading of equation (3): "paper" or "code"
	Epoch      int               // of the checkpoint
	Step       int64             // of the checkpoint
	Checkpoint string            // path as given
	Command    string            // command line that made the file
	Versions   map[string]string // of the program, Go, ...
	Digests    map[string]string // SHA-256 of data and checkpoint

	// Settings are those of the training run: "settings", and in "preset" what the method
	// has where a run changed it. They are nil where they are not known, as in files of
	// before they were recorded. Runs whose settings differ are not seeds of one another.
	Settings Settings

	// Certificate is nil where none was computed.
	Certificate *CertificateResult

	Scores []ScoreResult // in the order of the file
}

// ScoreResult holds one score's metrics on every OOD set.
type ScoreResult struct {
	Name   string          // key: "energy", or "energy:t=2" when one file has several
	Params json.RawMessage // JSON object of hyper-parameters, see Detector.Params; nil is {}
	Sets   []SetResult     // in the order of the file
}

// SetResult is one OOD set's metrics.
type SetResult struct {
	Name string
	Metrics
}

// Average is the unweighted mean over the OOD sets.
func (s ScoreResult) Average() Metrics {
	ms := make([]Metrics, len(s.Sets))
	for i, set := range s.Sets {
		ms[i] = set.Metrics
	}
	return Average(ms)
}

// Set returns the metrics on an OOD set.
func (s ScoreResult) Set(name string) (Metrics, bool) {
	for _, set := range s.Sets {
		if set.Name == name {
			return set.Metrics, true
		}
	}
	return Metrics{}, false
}

// Score returns the result of a score.
func (r *Results) Score(name string) (ScoreResult, bool) {
	for _, s := range r.Scores {
		if s.Name == name {
			return s, true
		}
	}
	return ScoreResult{}, false
}

// AddScore appends a score with the detector's parameters and no sets yet. Add
// sets to the returned value; it is valid until the next AddScore.
func (r *Results) AddScore(s Score) (*ScoreResult, error) {
	params, err := json.Marshal(s.Params())
	if err != nil {
		return nil, fmt.Errorf("ood: parameters of %s: %w", s.Key, err)
	}
	r.Scores = append(r.Scores, ScoreResult{Name: s.Key, Params: params})
	return &r.Scores[len(r.Scores)-1], nil
}

// SettingsOf returns parameters without "fitted": equal for two models that were
// judged with the same settings. What is no object is returned as {}.
func SettingsOf(params json.RawMessage) json.RawMessage {
	var w objectWriter
	err := eachKey(params, func(key string, value json.RawMessage) error {
		if key != "fitted" {
			w.add(key, value)
		}
		return nil
	})
	settings, bad := w.finish()
	if err != nil || bad != nil {
		return json.RawMessage("{}")
	}
	return settings
}

// Add appends an OOD set.
func (s *ScoreResult) Add(set string, m Metrics) {
	s.Sets = append(s.Sets, SetResult{set, m})
}

// CheckSetName reports whether a name can be the key of an OOD set: not empty,
// and not one of the other keys beside it in results.json.
func CheckSetName(name string) error {
	if name == "" || name == "params" || name == "average" {
		return fmt.Errorf("ood: %q cannot name a data set: results.json uses it; write name=PATH", name)
	}
	return nil
}

// WriteResults writes results.json into directory dir, whole or not at all.
func WriteResults(dir string, r *Results) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("ood: results for %s: %w", dir, err)
	}
	return atomicfile.WriteMaking(filepath.Join(dir, ResultsFile), func(w io.Writer) error {
		_, err := w.Write(append(data, '\n'))
		return err
	})
}

// ReadResults reads a results file, or the one in a directory.
func ReadResults(path string) (*Results, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, ResultsFile)
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("ood: no results at %s: run eval first, or give its -out directory: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("ood: read results: %w", err)
	}
	r := new(Results)
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("ood: %s is not a results file: %w", path, err)
	}
	return r, nil
}

func nullable(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
