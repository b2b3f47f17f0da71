package sweep

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// Run is one training with its evaluation. Train and Eval lack the flags that
// follow from the place of the run: -out, -init, -checkpoint.
type Run struct {
	Name     string // its directory below the sweep's
	Init     string // the name of the run whose weights it begins with, or ""
	InitFile string // a file or directory whose weights it begins with instead, or "": see [Sweep.Path]
	Train    Flags
	Eval     Flags // nil: nothing to evaluate
}

// Sweep is a sweep file with its loops written out.
type Sweep struct {
	Title  string
	Out    string   // directory of the runs, relative to where the program runs
	Tables []string // files below Out
	Runs   []Run    // a run that another begins with stands before it
	// Merged are the names of runs that settings of the user made the same as an
	// earlier one, whose flags hold.
	Merged []string

	dir string // of the sweep file
}

// Path is where a file lies that a sweep file names: relative to the sweep file.
func (s *Sweep) Path(file string) string {
	if file = filepath.FromSlash(file); filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(s.dir, file)
}

// file is the content of a sweep file.
type file struct {
	Title string         `toml:"title"`
	Out   string         `toml:"out"`
	Table []string       `toml:"table"`
	Train map[string]any `toml:"train"`
	Eval  map[string]any `toml:"eval"`
	Run   []entry        `toml:"run"`
}

// entry is a [[run]] with its loops.
type entry struct {
	Name     string           `toml:"name"`
	For      map[string][]any `toml:"for"`
	Init     string           `toml:"init"`
	InitFile string           `toml:"init-file"`
	Train    map[string]any   `toml:"train"`
	Eval     map[string]any   `toml:"eval"`
	Judge    *bool            `toml:"evaluate"` // false: training only
}

// Read reads a sweep file. set replaces flags of train in every run, loops over
// them included.
func Read(path string, set Flags) (*Sweep, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("sweep file %w", err)
	}
	s, err := Parse(data, set)
	if err != nil {
		return nil, fmt.Errorf("sweep file %s: %w", path, err)
	}
	s.dir = filepath.Dir(path)
	if s.Out == "" {
		base := filepath.Base(path)
		s.Out = filepath.Join("runs", strings.TrimSuffix(base, filepath.Ext(base)))
	}
	return s, nil
}

// Parse is Read on the content of a file.
func Parse(data []byte, set Flags) (*Sweep, error) {
	var f file
	meta, err := toml.NewDecoder(bytes.NewReader(data)).Decode(&f)
	if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("the key %s means nothing here", unknown[0])
	}
	seen := map[string]bool{}
	s := &Sweep{Title: f.Title, Out: f.Out, Tables: f.Table}
	for i, e := range f.Run {
		if n := e.count(); n > maxRuns {
			return nil, fmt.Errorf("run %d (%s): its loops make %g runs; %d are possible", i+1, e.Name, n, maxRuns)
		}
		for _, vars := range e.combinations(set) {
			r, err := f.one(e, vars, set)
			if err != nil {
				return nil, fmt.Errorf("run %d (%s): %w", i+1, e.Name, err)
			}
			if seen[r.Name] && e.loopsOver(set) {
				s.Merged = append(s.Merged, r.Name)
				continue
			}
			seen[r.Name] = true
			s.Runs = append(s.Runs, r)
		}
	}
	if len(s.Runs) == 0 {
		return nil, fmt.Errorf("it lists no [[run]]")
	}
	return s, s.check()
}

// maxRuns bounds what a loop can make.
const maxRuns = 10000

func (e entry) count() float64 {
	n := 1.
	for _, values := range e.For {
		n *= float64(len(values))
	}
	return n
}

// loopsOver says whether one of the entry's loops was replaced.
func (e entry) loopsOver(set Flags) bool {
	for name := range e.For {
		if _, ok := set[name]; ok {
			return true
		}
	}
	return false
}

// combinations are the values of an entry's variables, the last name fastest.
func (e entry) combinations(set Flags) []map[string]any {
	all := []map[string]any{{}}
	for _, name := range slices.Sorted(maps.Keys(e.For)) {
		values := e.For[name]
		if v, ok := set[name]; ok {
			values = []any{v}
		}
		var next []map[string]any
		for _, before := range all {
			for _, v := range values {
				one := maps.Clone(before)
				one[name] = v
				next = append(next, one)
			}
		}
		all = next
	}
	return all
}

// one is the run of an entry with those variables.
func (f *file) one(e entry, vars map[string]any, set Flags) (r Run, err error) {
	values, err := flags(vars)
	if err != nil {
		return r, err
	}
	if r.Train, err = flags(vars, f.Train, e.Train); err != nil {
		return r, err
	}
	maps.Copy(r.Train, set)
	if e.Judge == nil || *e.Judge {
		if r.Eval, err = flags(f.Eval, e.Eval); err != nil {
			return r, err
		}
	}
	var pairs []string
	for name, value := range values {
		pairs = append(pairs, "{"+name+"}", value)
	}
	fill := strings.NewReplacer(pairs...).Replace
	r.Name, r.Init, r.InitFile = fill(e.Name), fill(e.Init), fill(e.InitFile)
	all := []string{r.Name, r.Init, r.InitFile}
	for _, fs := range []Flags{r.Train, r.Eval} {
		for name, value := range fs {
			fs[name] = fill(value)
			all = append(all, fs[name])
		}
	}
	for _, s := range all {
		if open := strings.IndexByte(s, '{'); open >= 0 {
			return r, fmt.Errorf("%s: no variable of for is called that", s[open:])
		}
	}
	return r, nil
}
