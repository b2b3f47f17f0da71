package ood

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

type entry struct {
	about string
	build func(*Options) (Detector, error)
}

var registry = struct {
	sync.RWMutex
	entries map[string]entry
}{entries: map[string]entry{}}

// Register makes a detector available to [ParseScores] under a name of
// lower-case letters, digits and hyphens. about is one line for help texts:
// what it is and its defaults. build returns a new detector. Register panics if
// the name is taken or malformed, so call it from an init function.
func Register(name, about string, build func(*Options) (Detector, error)) {
	registry.Lock()
	defer registry.Unlock()
	if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-+") != "" {
		panic(fmt.Sprintf("ood: score name %q: want lower-case letters, digits, hyphens", name))
	}
	if _, taken := registry.entries[name]; taken {
		panic(fmt.Sprintf("ood: score %q is registered twice", name))
	}
	registry.entries[name] = entry{about, build}
}

// published are the detectors of this package in the order of help and "all":
// by what they look at.
var published = []string{
	"msp", "maxlogit", "energy", "entropy", "gen", "odin", "gradnorm",
	"react", "dice", "dice+react", "line", "ash-p", "ash-b", "ash-s", "scale",
	"mahalanobis", "knn", "vim",
}

// names returns what is registered: the published ones, then others by name.
func names() []string {
	registry.RLock()
	defer registry.RUnlock()
	all := sortedKeys(registry.entries)
	place := func(name string) int {
		if i := slices.Index(published, name); i >= 0 {
			return i
		}
		return len(published)
	}
	slices.SortStableFunc(all, func(a, b string) int { return place(a) - place(b) })
	return all
}

// everyNetwork names the scores that any network has.
func everyNetwork() []string {
	return slices.DeleteFunc(names(), func(name string) bool {
		d, err := parseScore(name)
		return err != nil || d.Needs()&NeedAbsent != 0
	})
}

// ScoreHelp returns the registered names, each with its one line.
func ScoreHelp() []string {
	var lines []string
	for _, name := range names() {
		registry.RLock()
		lines = append(lines, fmt.Sprintf("%-12s %s", name, registry.entries[name].about))
		registry.RUnlock()
	}
	return lines
}

// Score is a detector with the key that it has in results.json: its name, or
// the whole text ("energy:t=2") where the list names the score more than once.
type Score struct {
	Key string
	Detector
}

// ParseScores reads a list of scores as -scores takes it: names separated by
// commas, each with parameters after a colon, separated by semicolons, for
// example "energy,msp,energy:t=2". "all" stands for every registered score with
// its defaults, those aside that only networks with an output for none of the
// classes have. The value "auto", where a parameter has a grid, leaves the choice
// to [Tuned], which looks at ID data and at images made of them and of noise.
// Errors name the part that is wrong and what is accepted.
func ParseScores(list string) ([]Score, error) {
	var parts []string
	count := map[string]int{}
	for _, part := range strings.Split(list, ",") {
		part = strings.TrimSpace(part)
		if part == "all" {
			parts = append(parts, everyNetwork()...)
		} else {
			parts = append(parts, part)
		}
	}
	for _, part := range parts {
		name, _, _ := strings.Cut(part, ":")
		count[name]++
	}
	var scores []Score
	for _, part := range parts {
		d, err := parseScore(part)
		if err != nil {
			return nil, err
		}
		key := d.Name()
		if count[key] > 1 {
			key = part
		}
		for _, s := range scores {
			if s.Key == key {
				return nil, fmt.Errorf("ood: the list of scores names %s twice", key)
			}
		}
		scores = append(scores, Score{key, d})
	}
	return scores, nil
}

func parseScore(part string) (Detector, error) {
	name, params, hasParams := strings.Cut(part, ":")
	registry.RLock()
	e, ok := registry.entries[name]
	registry.RUnlock()
	if !ok {
		return nil, fmt.Errorf("ood: unknown score %q: want %s", name, strings.Join(append(names(), "all"), ", "))
	}
	values := map[string]string{}
	if hasParams {
		for _, p := range strings.Split(params, ";") {
			key, value, ok := strings.Cut(p, "=")
			if _, twice := values[key]; !ok || key == "" || twice {
				return nil, fmt.Errorf("ood: score %q: want name:key=value;key=value, each key once", part)
			}
			values[key] = value
		}
	}
	d, err := e.make(values)
	if err != nil {
		return nil, fmt.Errorf("ood: score %q: %w", part, err)
	}
	if t, ok := d.(*Tuned); ok {
		t.Choice = params
	}
	return d, nil
}

// make builds a detector; where parameters are "auto", one that chooses among
// all combinations of their grids.
func (e entry) make(values map[string]string) (Detector, error) {
	o := &Options{values: values}
	d, err := e.build(o)
	if bad := o.check(); bad != nil { // a misspelt number explains more than its consequences
		err = bad
	}
	if err != nil || len(o.grids) == 0 {
		return d, err
	}
	var candidates []Detector
	key := sortedKeys(o.grids)[0]
	for _, v := range o.grids[key] {
		one := maps.Clone(values)
		one[key] = strconv.FormatFloat(v, 'g', -1, 64)
		c, err := e.make(one)
		if err != nil {
			return nil, err
		}
		if t, ok := c.(*Tuned); ok {
			candidates = append(candidates, t.Candidates...)
		} else {
			candidates = append(candidates, c)
		}
	}
	return &Tuned{Candidates: candidates}, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
