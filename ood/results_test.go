package ood

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gradgrad/internal/testkit"
)

func sample() *Results {
	return &Results{
		ID: "cifar10", IDAccuracy: 94.10029498525073, Arch: "densenet101", Method: "ce", Seed: 1, Normalize: "dice",
		IDN: 1017, Versions: map[string]string{"go": "1.26"},
		Scores: []ScoreResult{
			{"energy", json.RawMessage(`{}`), []SetResult{
				{"svhn", Metrics{43.65, 93.83, 90, 91, 12, 1017, 2000}},
				{"dtd", Metrics{59.5, 86.93, 80, 81, 14, 1017, 1200}},
			}},
			{"energy:t=2", json.RawMessage(`{"t":2}`), []SetResult{{"svhn", Metrics{1, 2, 3, 4, 5, 6, 7}}}},
		},
	}
}

// The bytes of the contract, in its order.
func TestResultsJSON(t *testing.T) {
	got, err := json.Marshal(sample())
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"cifar10","id_accuracy":94.10029498525073,"arch":"densenet101","method":"ce","seed":1,"fpr_convention":"paper","normalize":"dice",` +
		`"id_n":1017,"versions":{"go":"1.26"},"scores":{"energy":{"params":{},` +
		`"svhn":{"fpr95":43.65,"auroc":93.83,"aupr_in":90,"aupr_out":91,"detection_error":12,"n_id":1017,"n_ood":2000},` +
		`"dtd":{"fpr95":59.5,"auroc":86.93,"aupr_in":80,"aupr_out":81,"detection_error":14,"n_id":1017,"n_ood":1200},` +
		`"average":{"fpr95":51.575,"auroc":90.38,"aupr_in":85,"aupr_out":86,"detection_error":13}},` +
		`"energy:t=2":{"params":{"t":2},"svhn":{"fpr95":1,"auroc":2,"aupr_in":3,"aupr_out":4,"detection_error":5,"n_id":6,"n_ood":7},` +
		`"average":{"fpr95":1,"auroc":2,"aupr_in":3,"aupr_out":4,"detection_error":5}}}}`
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestResultsFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "runs", "x")
	want := sample()
	if err := WriteResults(dir, want); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, ResultsFile)} {
		got, err := ReadResults(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got.Scores { // indentation is no difference
			var b bytes.Buffer
			if err := json.Compact(&b, got.Scores[i].Params); err != nil {
				t.Fatal(err)
			}
			got.Scores[i].Params = b.Bytes()
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	}
	if _, err := ReadResults(filepath.Join(dir, "none.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}

func TestResultsUnknownAccuracy(t *testing.T) {
	r := sample()
	r.IDAccuracy = math.NaN()
	data, err := json.Marshal(r)
	if err != nil || !bytes.Contains(data, []byte(`"id_accuracy":null`)) {
		t.Fatalf("%s, %v", data, err)
	}
	var back Results
	if err := json.Unmarshal(data, &back); err != nil || !math.IsNaN(back.IDAccuracy) {
		t.Errorf("%v, %v", back.IDAccuracy, err)
	}
}

func TestResultsBadInput(t *testing.T) {
	for name, spoil := range map[string]func(*Results){
		"set average": func(r *Results) { r.Scores[0].Add("average", Metrics{}) },
		"set params":  func(r *Results) { r.Scores[0].Add("params", Metrics{}) },
		"set twice":   func(r *Results) { r.Scores[0].Add("svhn", Metrics{}) },
		"score twice": func(r *Results) { r.Scores = append(r.Scores, r.Scores[0]) },
		"NaN":         func(r *Results) { r.Scores[0].Add("x", Metrics{FPR95: math.NaN()}) },
		"convention":  func(r *Results) { r.Convention = 9 },
	} {
		r := sample()
		spoil(r)
		if _, err := json.Marshal(r); err == nil {
			t.Errorf("%s: written without an error", name)
		}
	}
	for _, text := range []string{
		``, `{}`, `[]`, `{"id":"a"}`, `{"id":"a","scores":[]}`, `{"id":"a","scores":{"e":{"svhn":3}}}`,
		`{"id":"a","fpr_convention":"mine","scores":{}}`, `{"id":"a","scores":{"e":{},"e":{}}}`, `{"id":"a","scores":{"e":{"s":{},"s":{}}}}`,
	} {
		if err := json.Unmarshal([]byte(text), new(Results)); err == nil {
			t.Errorf("%s: read without an error", text)
		}
	}
}

func TestAddScore(t *testing.T) {
	r := &Results{ID: "a"}
	scores, err := ParseScores("msp,energy:t=10")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scores {
		res, err := r.AddScore(s)
		if err != nil {
			t.Fatal(err)
		}
		res.Add("svhn", Metrics{FPR95: 1})
	}
	e, ok := r.Score("energy")
	if m, has := e.Set("svhn"); !ok || !has || m.FPR95 != 1 || string(e.Params) != `{"t":10}` {
		t.Errorf("%+v", e)
	}
	if _, has := e.Set("dtd"); has {
		t.Error("a set that was not added")
	}
	if _, ok := r.Score("odin"); ok {
		t.Error("a score that was not added")
	}
}

func TestNPYRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 100, 9000} {
		v := make([]float64, n)
		v32 := make([]float32, n)
		for i := range v {
			v[i] = math.Sqrt(float64(i)) - 3
			v32[i] = float32(v[i])
		}
		path := filepath.Join(t.TempDir(), "s.npy")
		if err := WriteNPY(path, v); err != nil {
			t.Fatal(err)
		}
		got, err := ReadNPY(path)
		if err != nil || !slices.Equal(got, v) {
			t.Errorf("n=%d: %v", n, err)
		}
		if data, _ := os.ReadFile(path); (len(data)-8*n)%64 != 0 {
			t.Errorf("n=%d: header of %d bytes is not aligned", n, len(data)-8*n)
		}
		var b bytes.Buffer
		if err := EncodeNPY(&b, v32); err != nil {
			t.Fatal(err)
		}
		got, err = DecodeNPY(&b)
		if err != nil || len(got) != n || (n > 0 && got[n-1] != float64(v32[n-1])) {
			t.Errorf("float32 n=%d: %v", n, err)
		}
	}
}

// A file that NumPy wrote.
func TestNPYFromNumPy(t *testing.T) {
	v, err := ReadNPY(filepath.Join(testkit.Shared(t, "."), "checkpoints", "dice-densenet101-cifar10-feat_stat.npy"))
	if err != nil {
		t.Fatal(err)
	}
	if len(v) != 342 {
		t.Errorf("%d values, want 342", len(v))
	}
	for _, x := range v { // means of features after a ReLU
		if !(x >= 0 && x < 10) {
			t.Fatalf("value %v", x)
		}
	}
}

func npyFile(version byte, header, data string) string {
	length := string([]byte{byte(len(header)), byte(len(header) >> 8)})
	if version > 1 {
		length += "\x00\x00"
	}
	return npyMagic + string([]byte{version, 0}) + length + header + data
}

func TestNPYHeaders(t *testing.T) {
	const one = "\x00\x00\x80\x3f"
	good := map[string]string{
		"v1":  npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", one),
		"v2":  npyFile(2, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", one),
		"v3":  npyFile(3, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }  \n", one),
		"big": npyFile(1, "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }\n", "\x3f\x80\x00\x00"),
	}
	for name, file := range good {
		if v, err := DecodeNPY(strings.NewReader(file)); err != nil || len(v) != 1 || v[0] != 1 {
			t.Errorf("%s: %v, %v", name, v, err)
		}
	}
	bad := map[string]string{
		"empty":     "",
		"png":       "\x89PNG\r\n\x1a\n",
		"version":   npyFile(9, "", ""),
		"truncated": npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", one),
		"lying":     npyFile(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n", one),
		"overflow":  npyFile(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,), }\n", one),
		"2-D":       npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1), }\n", one),
		"int":       npyFile(1, "{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }\n", one),
		"object":    npyFile(1, "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", one),
		"trailing":  good["v1"] + "x",
		"header":    npyMagic + "\x02\x00\xff\xff\xff\xff",
		"cut":       npyMagic + "\x01\x00\x40\x00{'de",
	}
	for name, file := range bad {
		if v, err := DecodeNPY(strings.NewReader(file)); err == nil {
			t.Errorf("%s: read %v without an error", name, v)
		}
	}
}

func FuzzDecodeNPY(f *testing.F) {
	f.Add([]byte(npyFile(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n", "abcd")))
	f.Add([]byte(npyFile(2, "{'descr': '>f8', 'fortran_order': False, 'shape': (2,), }\n", "abcdefgh")))
	f.Add([]byte(npyMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeNPY(bytes.NewReader(data))
		if err == nil && 4*len(v) > len(data) {
			t.Fatalf("%d values from %d bytes", len(v), len(data))
		}
	})
}

func FuzzResults(f *testing.F) {
	seed, err := json.Marshal(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"id":"a","scores":{"e":{"params":{},"s":{"fpr95":1}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var r, again Results
		if json.Unmarshal(data, &r) != nil {
			return
		}
		out, err := json.Marshal(r)
		if err != nil { // names and numbers that only a reader tolerates
			return
		}
		if err := json.Unmarshal(out, &again); err != nil {
			t.Fatalf("cannot read back %s: %v", out, err)
		}
	})
}
