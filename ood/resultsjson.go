package ood

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
)

// resultsJSON is the file's layout; Results keeps the two apart so that Go code
// need not deal with pointers and ordered maps.
type resultsJSON struct {
	ID          string             `json:"id"`
	IDAccuracy  *float64           `json:"id_accuracy"`
	Arch        string             `json:"arch"`
	Method      string             `json:"method"`
	Seed        uint64             `json:"seed"`
	Convention  Convention         `json:"fpr_convention"`
	Normalize   string             `json:"normalize"`
	IDN         int                `json:"id_n,omitempty"`
	Variant     string             `json:"variant,omitempty"`
	Epoch       int                `json:"epoch,omitempty"`
	Step        int64              `json:"step,omitempty"`
	Checkpoint  string             `json:"checkpoint,omitempty"`
	Command     string             `json:"command,omitempty"`
	Versions    map[string]string  `json:"versions,omitempty"`
	Digests     map[string]string  `json:"digests,omitempty"`
	Settings    Settings           `json:"settings,omitempty"`
	Preset      map[string]string  `json:"preset,omitempty"`
	Certificate *CertificateResult `json:"certificate,omitempty"`
	Scores      scoreMap           `json:"scores"`
}

// averageJSON is the mean over sets: the rates of Metrics without the counts.
type averageJSON struct {
	FPR95          float64 `json:"fpr95"`
	AUROC          float64 `json:"auroc"`
	AUPRIn         float64 `json:"aupr_in"`
	AUPROut        float64 `json:"aupr_out"`
	DetectionError float64 `json:"detection_error"`
}

// MarshalJSON writes the layout of results.json, scores and sets in order.
func (r Results) MarshalJSON() ([]byte, error) {
	return json.Marshal(resultsJSON{
		r.ID, nullable(r.IDAccuracy), r.Arch, r.Method, r.Seed, r.Convention, r.Normalize,
		r.IDN, r.Variant, r.Epoch, r.Step, r.Checkpoint, r.Command, r.Versions, r.Digests, r.Settings, r.Settings.Preset(), r.Certificate, r.Scores,
	})
}

// UnmarshalJSON reads the layout of results.json. Unknown fields are ignored;
// the averages are not read but computed from the sets.
func (r *Results) UnmarshalJSON(data []byte) error {
	var j resultsJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	if j.ID == "" || j.Scores == nil {
		return fmt.Errorf("ood: no id or no scores in it")
	}
	acc := math.NaN()
	if j.IDAccuracy != nil {
		acc = *j.IDAccuracy
	}
	j.Settings.changedFrom(j.Preset)
	*r = Results{
		j.ID, acc, j.Arch, j.Method, j.Seed, j.Convention, j.Normalize,
		j.IDN, j.Variant, j.Epoch, j.Step, j.Checkpoint, j.Command, j.Versions, j.Digests, j.Settings, j.Certificate, j.Scores,
	}
	return nil
}

// scoreMap is a JSON object whose keys keep their order.
type scoreMap []ScoreResult

func (m scoreMap) MarshalJSON() ([]byte, error) {
	var w objectWriter
	for _, s := range m {
		w.add(s.Name, s)
	}
	return w.finish()
}

func (m *scoreMap) UnmarshalJSON(data []byte) error {
	*m = scoreMap{}
	return eachKey(data, func(key string, value json.RawMessage) error {
		s := ScoreResult{Name: key}
		*m = append(*m, s)
		return json.Unmarshal(value, &(*m)[len(*m)-1])
	})
}

// MarshalJSON writes {"params": ..., SET: {...}, ..., "average": {...}}.
func (s ScoreResult) MarshalJSON() ([]byte, error) {
	var w objectWriter
	params := s.Params
	if params == nil {
		params = json.RawMessage("{}")
	}
	w.add("params", params)
	for _, set := range s.Sets {
		if err := CheckSetName(set.Name); err != nil {
			return nil, err
		}
		w.add(set.Name, set.Metrics)
	}
	if a := s.Average(); len(s.Sets) > 0 {
		w.add("average", averageJSON{a.FPR95, a.AUROC, a.AUPRIn, a.AUPROut, a.DetectionError})
	}
	return w.finish()
}

// UnmarshalJSON reads what MarshalJSON writes; it leaves Name alone.
func (s *ScoreResult) UnmarshalJSON(data []byte) error {
	return eachKey(data, func(key string, value json.RawMessage) error {
		switch key {
		case "params":
			s.Params = value
		case "average":
		default:
			var m Metrics
			if err := json.Unmarshal(value, &m); err != nil {
				return fmt.Errorf("set %q: %w", key, err)
			}
			s.Add(key, m)
		}
		return nil
	})
}

// objectWriter builds a JSON object with keys in the order of add.
type objectWriter struct {
	buf  bytes.Buffer
	seen map[string]bool
	err  error
}

func (w *objectWriter) add(key string, value any) {
	if w.seen[key] && w.err == nil {
		w.err = fmt.Errorf("ood: %q occurs twice in the results", key)
	}
	if w.err != nil {
		return
	}
	k, err := json.Marshal(key)
	if err != nil {
		w.err = err
		return
	}
	v, err := json.Marshal(value)
	if err != nil {
		w.err = fmt.Errorf("%s: %w", key, err)
		return
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	} else {
		w.buf.WriteByte(',')
	}
	w.seen[key] = true
	w.buf.Write(k)
	w.buf.WriteByte(':')
	w.buf.Write(v)
}

func (w *objectWriter) finish() ([]byte, error) {
	if w.err != nil {
		return nil, w.err
	}
	return append(append([]byte{'{'}, w.buf.Bytes()...), '}'), nil
}

// eachKey calls f for the members of a JSON object in their order. A key that
// occurs twice is an error: silently dropping results would be worse.
func eachKey(data []byte, f func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	open, err := d.Token()
	if err != nil {
		return err
	}
	if open != json.Delim('{') {
		return fmt.Errorf("want a JSON object, got %v", open)
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		key := token.(string) // the decoder allows nothing else before a colon
		if seen[key] {
			return fmt.Errorf("%q occurs twice", key)
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return err
		}
		if err := f(key, value); err != nil {
			return err
		}
	}
	return nil
}
