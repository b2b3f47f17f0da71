package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"

	"gradgrad/ood"
)

// Table compares evaluations in the paper's layout: a block for each pair of ID
// set and network, a row a method, FPR95 then AUROC for each OOD set, the
// average last. A block has one FPR convention; numbers of two conventions never
// stand in one block.
type Table struct {
	Blocks []*Block `json:"blocks"`
}

// Block is the part of a table that shares ID set, network and convention.
type Block struct {
	ID         string         `json:"id"`
	Arch       string         `json:"arch"`
	Convention ood.Convention `json:"fpr_convention"`
	Normalize  []string       `json:"normalize"` // presets that occur
	Precision  []string       `json:"precision"` // what the scores were computed in: fp32, tf32, bf16, fp64; those that occur and are known
	IDImages   []int          `json:"n_id"`      // numbers of ID images that occur
	Sets       []Set          `json:"sets"`
	Rows       []*Row         `json:"rows"`

	layout Layout
}

// Set is an OOD set, a pair of columns.
type Set struct {
	Key    string `json:"key"`
	Name   string `json:"name"`
	Images []int  `json:"n_ood"` // numbers of images that occur
}

// Row is one method with one score, over one or several seeds.
type Row struct {
	Label   string          `json:"label"`
	Method  string          `json:"method"`
	Variant string          `json:"variant,omitempty"`
	Score   string          `json:"score"`
	Params  json.RawMessage `json:"params"`
	// Settings are those of the training runs, which they share; empty where results
	// do not say. Preset is what the method has in the place of those that are changed.
	Settings ood.Settings      `json:"settings,omitempty"`
	Preset   map[string]string `json:"preset,omitempty"`
	Seeds    []uint64          `json:"seeds"`
	Sources  []string          `json:"sources"` // files that it is made of
	Accuracy Stat              `json:"id_accuracy"`
	Cells    []Cell            `json:"cells"` // one a column of the layout: each set, then the average
	Paper    *PaperValue       `json:"paper,omitempty"`
	// PaperAccuracy is the paper's accuracy of such a network, in percent, where it
	// prints one; every score of a network has the same.
	PaperAccuracy *float64 `json:"paper_id_accuracy,omitempty"`

	key      string
	training string // what tells the runs from others of their method, in the label
	apart    bool   // the source is part of the label
	results  []*ood.Results
	scores   []ood.ScoreResult
}

// Cell is a row's result on one OOD set, or its average.
type Cell struct {
	FPR95   Stat `json:"fpr95"`
	AUROC   Stat `json:"auroc"`
	AUPRIn  Stat `json:"aupr_in"`
	AUPROut Stat `json:"aupr_out"`
}

// Stat is a mean over seeds in percent with the population standard deviation.
type Stat struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
	N    int     `json:"n"` // seeds; 0: no value
}

func newStat(values []float64) Stat {
	s := Stat{N: len(values)}
	if s.N == 0 {
		return s
	}
	for _, v := range values {
		s.Mean += v / float64(s.N)
	}
	for _, v := range values {
		s.Std += (v - s.Mean) * (v - s.Mean) / float64(s.N)
	}
	s.Std = math.Sqrt(s.Std)
	return s
}

// Input is one results file for a table.
type Input struct {
	Source  string // where it is from, for messages and to tell apart what else is equal
	Results *ood.Results
}

// LoadTable reads results files (or directories that hold a results.json) and
// makes a table of them.
func LoadTable(paths ...string) (*Table, error) {
	var inputs []Input
	for _, path := range paths {
		r, err := ood.ReadResults(path)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, Input{path, r})
	}
	return NewTable(inputs...)
}

// NewTable makes a table. Evaluations that differ in the seed alone are one row,
// as mean and population standard deviation. Runs with other settings (the
// Settings of their results) are other rows, labelled with what tells them from the
// rest of their method; so are those that say nothing of theirs beside those that
// do. Evaluations of the same seed stay rows of their own, labelled with their
// source. It is an error to give none.
func NewTable(inputs ...Input) (*Table, error) {
	t := &Table{}
	all := everySetting(inputs)
	for _, in := range inputs {
		settings := complete(in.Results.Settings, all[in.Results.Method])
		for _, s := range in.Results.Scores {
			t.block(in.Results).collect(in, s, settings)
		}
	}
	if len(t.Blocks) == 0 {
		return nil, fmt.Errorf("report: no scores to make a table of")
	}
	for _, b := range t.Blocks {
		b.finish()
	}
	return t, nil
}

func (t *Table) block(r *ood.Results) *Block {
	for _, b := range t.Blocks {
		if b.ID == r.ID && b.Arch == r.Arch && b.Convention == r.Convention {
			return b
		}
	}
	b := &Block{ID: r.ID, Arch: r.Arch, Convention: r.Convention}
	t.Blocks = append(t.Blocks, b)
	return b
}

// collect files one score of one evaluation under its row and its sets.
func (b *Block) collect(in Input, s ood.ScoreResult, settings ood.Settings) {
	r := in.Results
	b.Normalize = include(b.Normalize, r.Normalize)
	if p := r.Versions["precision"]; p != "" {
		b.Precision = include(b.Precision, p)
	}
	for _, set := range s.Sets {
		b.IDImages = include(b.IDImages, set.NID)
		i := slices.IndexFunc(b.Sets, func(x Set) bool { return x.Key == set.Name })
		if i < 0 {
			i = len(b.Sets)
			b.Sets = append(b.Sets, Set{Key: set.Name, Name: setName(b.ID, set.Name)})
		}
		b.Sets[i].Images = include(b.Sets[i].Images, set.NOOD)
	}
	score, _, _ := strings.Cut(s.Name, ":")
	key := strings.Join([]string{r.Method, r.Variant, score, compact(s.Params), settingsKey(settings)}, "\x00")
	i := slices.IndexFunc(b.Rows, func(x *Row) bool { return x.key == key })
	if i < 0 {
		i = len(b.Rows)
		b.Rows = append(b.Rows, &Row{Method: r.Method, Variant: r.Variant, Score: score, Params: json.RawMessage(compact(s.Params)),
			Settings: settings, Preset: settings.Preset(), key: key})
	}
	row := b.Rows[i]
	row.Seeds = append(row.Seeds, r.Seed)
	row.Sources = append(row.Sources, in.Source)
	row.results = append(row.results, r)
	row.scores = append(row.scores, s)
}

// split makes a row of each evaluation where a seed occurs twice: something that
// the results file does not say must differ between them.
func (b *Block) split() {
	var rows []*Row
	for _, r := range b.Rows {
		seeds := slices.Clone(r.Seeds)
		slices.Sort(seeds)
		if len(slices.Compact(seeds)) == len(r.Seeds) {
			rows = append(rows, r)
			continue
		}
		for i := range r.Seeds {
			one := *r
			one.apart = true
			one.Seeds, one.Sources = r.Seeds[i:i+1], r.Sources[i:i+1]
			one.results, one.scores = r.results[i:i+1], r.scores[i:i+1]
			rows = append(rows, &one)
		}
	}
	b.Rows = rows
}

// finish computes the cells once all rows and sets are known.
func (b *Block) finish() {
	b.split()
	names := setNamesFor(b.ID)
	slices.SortStableFunc(b.Sets, func(x, y Set) int { return rank(names, x.Key) - rank(names, y.Key) })
	slices.SortStableFunc(b.Rows, func(x, y *Row) int { return rank(methodNames, x.methodKey()) - rank(methodNames, y.methodKey()) })
	for _, m := range b.methods() {
		m.tellApart()
	}
	for _, row := range b.Rows {
		var acc []float64
		for _, r := range row.results {
			if !math.IsNaN(r.IDAccuracy) {
				acc = append(acc, r.IDAccuracy)
			}
		}
		row.Accuracy = newStat(acc)
		row.Label = b.label(row)
		b.besidePaper(row)
	}
	b.fill()
}

// besidePaper finds what the paper prints for a row. A row of another number of
// clusters than the method's has what the paper prints for that number; settings that
// the paper does not vary leave the method's values, and a note says so.
func (b *Block) besidePaper(r *Row) {
	clusters, _ := r.Settings.Get("clusters")
	if a, known := PaperAccuracy(b.ID, b.Arch, r.Method); known && !clusters.Changed() {
		r.PaperAccuracy = &a
	}
	if b.Convention != ood.Paper || !r.native() || r.Score == "energy" && string(r.Params) != "{}" {
		return
	}
	v, known := PaperAverage(b.ID, b.Arch, r.Method, r.Score)
	if clusters.Changed() {
		n, _ := strconv.Atoi(clusters.Value)
		v, known = PaperClusters(b.ID, b.Arch, r.Method, n)
	}
	if known {
		r.Paper = &v
	}
}

// methodKey is the key of paperRows and methodNames.
func (r *Row) methodKey() string {
	if r.Method == "ce" {
		return "ce/" + r.Score
	}
	return r.Method
}

// native reports whether the row's score is the one that its training method is
// judged by: always for CE, whose rows are the scores themselves.
func (r *Row) native() bool {
	switch r.Method {
	case "ce":
		return true
	case "oe", "openmix", "oe-grad":
		return r.Score == "msp"
	case "dos", "dos-greg", "ntom":
		return r.Score == "absent"
	}
	return r.Score == "energy"
}

// label names a row: the paper's name, the variant, the score where it is not
// the method's own, hyper-parameters, the settings that other runs of the method in
// this block have otherwise, and the source where nothing else differs.
func (b *Block) label(r *Row) string {
	name := r.Method
	if r.Method == "ce" {
		name = r.Score
	}
	if i := rank(methodNames, r.methodKey()); i < len(methodNames) {
		name = methodNames[i].name
	}
	if !r.native() {
		score := Row{Method: "ce", Score: r.Score}
		name += ", " + strings.TrimSuffix(b.label(&score), " score") + " score"
	}
	var more []string
	if v := r.variantName(); v != "" {
		more = append(more, v)
	}
	if p := paramText(r.Params); p != "" {
		more = append(more, p)
	}
	if r.training != "" {
		more = append(more, r.training)
	}
	if len(more) > 0 {
		name += " (" + strings.Join(more, "; ") + ")"
	}
	if r.apart {
		name += " [" + r.Sources[0] + "]"
	}
	return name
}

// variantName is the reading of equation (3), where it is not the method's.
func (r *Row) variantName() string {
	own := "paper"
	if strings.HasSuffix(r.Method, "-code") {
		own = "code"
	}
	if r.Variant == own {
		return ""
	}
	return r.Variant
}

// paramText writes {"t":1000,"eps":0.0014} as "t=1000, eps=0.0014", in the
// file's order.
func paramText(params json.RawMessage) string {
	d := json.NewDecoder(bytes.NewReader(params))
	d.UseNumber()
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return ""
	}
	var parts []string
	for d.More() {
		key, err := d.Token()
		var value json.RawMessage
		if err != nil || d.Decode(&value) != nil {
			return string(params)
		}
		text := strings.Trim(string(value), `"`)
		if strings.HasPrefix(string(value), `"`) {
			text = path.Base(text) // of a file
		}
		if key != "choice" { // which says it all: q=auto
			text = fmt.Sprintf("%v=%s", key, text)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, ", ")
}

// compact is what tells settings apart: parameters without spaces, and without
// what fitting found, which differs from model to model.
func compact(params json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, ood.SettingsOf(params)) != nil {
		return "{}"
	}
	return b.String()
}

// setName is an OOD set as the table of an in-distribution set calls it.
func setName(id, key string) string {
	names := setNamesFor(id)
	if i := rank(names, key); i < len(names) {
		return names[i].name
	}
	return key
}

// rank is the position of a key, or one past the last.
func rank(names []struct{ key, name string }, key string) int {
	for i, n := range names {
		if n.key == key {
			return i
		}
	}
	return len(names)
}

func include[T comparable](set []T, v T) []T {
	if slices.Contains(set, v) {
		return set
	}
	return append(set, v)
}
