package ood

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// Options are the parameters written after a score's name: "t=2;eps=0.0014".
// A constructor asks for each by name; what it did not ask for is an error.
type Options struct {
	values map[string]string
	asked  []string
	err    error
}

// Float returns a parameter, or def where it is not given. A value that is no
// number is reported by [ParseScores].
func (o *Options) Float(key string, def float64) float64 {
	o.asked = append(o.asked, key)
	text, ok := o.values[key]
	if !ok {
		return def
	}
	v, err := strconv.ParseFloat(text, 64)
	if (err != nil || math.IsNaN(v)) && o.err == nil {
		o.err = fmt.Errorf("%s=%s: want a number", key, text)
	}
	return v
}

func (o *Options) check() error {
	if o.err != nil {
		return o.err
	}
	for _, key := range sortedKeys(o.values) {
		if slices.Contains(o.asked, key) {
			continue
		}
		if len(o.asked) == 0 {
			return fmt.Errorf("unknown parameter %s: this score has none", key)
		}
		return fmt.Errorf("unknown parameter %s: want %s", key, strings.Join(o.asked, ", "))
	}
	return nil
}

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

// ScoreHelp returns the registered names in order, each with its one line.
func ScoreHelp() []string {
	registry.RLock()
	defer registry.RUnlock()
	lines := make([]string, 0, len(registry.entries))
	for _, name := range sortedKeys(registry.entries) {
		lines = append(lines, fmt.Sprintf("%-10s %s", name, registry.entries[name].about))
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
// example "energy,msp,energy:t=2". Errors name the part that is wrong and what
// is accepted.
func ParseScores(list string) ([]Score, error) {
	parts := strings.Split(list, ",")
	count := map[string]int{}
	for i, part := range parts {
		parts[i] = strings.TrimSpace(part)
		name, _, _ := strings.Cut(parts[i], ":")
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
	known := sortedKeys(registry.entries)
	registry.RUnlock()
	if !ok {
		return nil, fmt.Errorf("ood: unknown score %q: want %s", name, strings.Join(known, ", "))
	}
	o := &Options{values: map[string]string{}}
	if hasParams {
		for _, p := range strings.Split(params, ";") {
			key, value, ok := strings.Cut(p, "=")
			if _, twice := o.values[key]; !ok || key == "" || twice {
				return nil, fmt.Errorf("ood: score %q: want name:key=value;key=value, each key once", part)
			}
			o.values[key] = value
		}
	}
	d, err := e.build(o)
	if bad := o.check(); bad != nil { // a misspelt number explains more than its consequences
		err = bad
	}
	if err != nil {
		return nil, fmt.Errorf("ood: score %q: %w", part, err)
	}
	return d, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
