package ood

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gradgrad/internal/number"
)

// auto is the value that asks for a choice among a parameter's grid.
const auto = "auto"

// Options are the parameters written after a score's name: "t=2;eps=0.0014".
// A constructor asks for each by name, with the value it has where it is not
// given, and possibly with the grid that "auto" chooses from ([Tuned]). What it
// did not ask for is an error, and so is a value out of range; [ParseScores]
// reports both.
type Options struct {
	values map[string]string
	asked  []string
	grids  map[string][]float64
	err    error
}

// Given tells whether a parameter is given.
func (o *Options) Given(key string) bool {
	_, ok := o.values[key]
	return ok
}

// Float returns a parameter, or def where it is not given.
func (o *Options) Float(key string, def float64, grid ...float64) float64 {
	text, ok := o.ask(key)
	if !ok {
		return def
	}
	if text == auto && len(grid) > 0 {
		if o.grids == nil {
			o.grids = map[string][]float64{}
		}
		o.grids[key] = grid
		return grid[0]
	}
	v, err := number.Parse(text)
	if err == nil && math.IsNaN(v) {
		err = fmt.Errorf("%q: want a number", text)
	}
	if err != nil {
		o.fail("%s: %w", key, err)
		return def
	}
	return v
}

// Positive is Float above 0 and finite.
func (o *Options) Positive(key string, def float64, grid ...float64) float64 {
	v := o.Float(key, def, grid...)
	if !(v > 0) || math.IsInf(v, 0) {
		o.fail("%s=%v: it must be positive", key, v)
	}
	return v
}

// NonNegative is Float of at least 0 and finite.
func (o *Options) NonNegative(key string, def float64, grid ...float64) float64 {
	v := o.Float(key, def, grid...)
	if !(v >= 0) || math.IsInf(v, 0) {
		o.fail("%s=%v: it must be 0 or more", key, v)
	}
	return v
}

// Percentile is Float from 0 to 100.
func (o *Options) Percentile(key string, def float64, grid ...float64) float64 {
	v := o.Float(key, def, grid...)
	if !(v >= 0 && v <= 100) {
		o.fail("%s=%v: it must be a percentage, 0 to 100", key, v)
	}
	return v
}

// Count is a whole number of at least 1.
func (o *Options) Count(key string, def int, grid ...float64) int {
	n := o.Natural(key, def, grid...)
	if n < 1 {
		o.fail("%s=%d: it must be 1 or more", key, n)
	}
	return n
}

// Natural is a whole number of at least 0.
func (o *Options) Natural(key string, def int, grid ...float64) int {
	v := o.Float(key, float64(def), grid...)
	if v != math.Trunc(v) || v < 0 || v > math.MaxInt32 {
		o.fail("%s=%v: it must be a whole number, 0 or more", key, v)
		return def
	}
	return int(v)
}

// Bool is 0 or 1.
func (o *Options) Bool(key string, def bool) bool {
	text, ok := o.ask(key)
	switch {
	case !ok:
		return def
	case text == "0" || text == "1":
		return text == "1"
	}
	o.fail("%s=%s: want 0 or 1", key, text)
	return def
}

// Text is any text without commas and semicolons.
func (o *Options) Text(key, def string) string {
	if text, ok := o.ask(key); ok {
		return text
	}
	return def
}

func (o *Options) ask(key string) (text string, ok bool) {
	o.asked = append(o.asked, key)
	text, ok = o.values[key]
	return text, ok
}

func (o *Options) fail(format string, args ...any) {
	if o.err == nil {
		o.err = fmt.Errorf(format, args...)
	}
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
