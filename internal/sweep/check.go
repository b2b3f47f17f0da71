package sweep

import (
	"fmt"
	"path"
	"strings"
)

// placed are the flags that follow from the place of a run.
var placed = []string{"out", "init", "resume", "checkpoint"}

// check looks at the names of runs and what they ask for.
func (s *Sweep) check() error {
	seen := map[string]bool{}
	for _, r := range s.Runs {
		clean := path.Clean(r.Name)
		switch {
		case r.Name == "" || clean != r.Name || path.IsAbs(clean) || clean == "." || strings.HasPrefix(clean, ".."):
			return fmt.Errorf("the run's name %q is not a directory below the sweep's", r.Name)
		case seen[r.Name]:
			return fmt.Errorf("two runs are called %s: put the variables that differ into the name, as in %s-{seed}", r.Name, r.Name)
		case r.Init != "" && r.InitFile != "":
			return fmt.Errorf("%s begins with the run %s and with the file %s: leave one out", r.Name, r.Init, r.InitFile)
		case r.Init != "" && !seen[r.Init]:
			return fmt.Errorf("%s begins with the run %s, which does not stand before it", r.Name, r.Init)
		}
		for other := range seen {
			if strings.HasPrefix(other, r.Name+"/") || strings.HasPrefix(r.Name, other+"/") {
				return fmt.Errorf("the run %s lies inside the run %s", max(r.Name, other), min(r.Name, other))
			}
		}
		seen[r.Name] = true
		for _, name := range placed {
			_, train := r.Train[name]
			if _, eval := r.Eval[name]; train || eval {
				return fmt.Errorf("%s: -%s follows from the place of the run; leave it out (init, a run, and init-file are keys of the run itself)", r.Name, name)
			}
		}
	}
	for _, t := range s.Tables {
		if t == "" || path.IsAbs(t) || strings.HasPrefix(path.Clean(t), "..") {
			return fmt.Errorf("the table %q is not a file below the sweep's directory", t)
		}
	}
	return nil
}

// Choose keeps the runs whose names match one of the patterns, with those that they
// begin with. Patterns are those of path.Match, but * stands for slashes as well. No
// pattern keeps all.
func (s *Sweep) Choose(patterns []string) error {
	if len(patterns) == 0 {
		return nil
	}
	keep := map[string]bool{}
	for i := len(s.Runs) - 1; i >= 0; i-- { // a run stands behind what it begins with
		r := s.Runs[i]
		for _, p := range patterns {
			ok, err := path.Match(flat(p), flat(r.Name))
			if err != nil {
				return fmt.Errorf("the pattern %q: %w", p, err)
			}
			keep[r.Name] = keep[r.Name] || ok
		}
		if keep[r.Name] && r.Init != "" {
			keep[r.Init] = true
		}
	}
	var kept []Run
	for _, r := range s.Runs {
		if keep[r.Name] {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return fmt.Errorf("no run's name matches %s", strings.Join(patterns, " or "))
	}
	s.Runs = kept
	return nil
}

// flat is a name without levels.
func flat(name string) string { return strings.ReplaceAll(name, "/", "\x00") }
