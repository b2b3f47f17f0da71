package report

import (
	"fmt"
	"slices"
	"strings"

	"gradgrad/ood"
)

// everySetting lists, by method, all settings that any results say, each with the
// method's own value.
func everySetting(inputs []Input) map[string]ood.Settings {
	all := map[string]ood.Settings{}
	for _, in := range inputs {
		m := in.Results.Method
		for _, s := range in.Results.Settings {
			if _, listed := all[m].Get(s.Name); !listed {
				all[m] = append(all[m], ood.Setting{Name: s.Name, Value: s.Own, Own: s.Own})
			}
		}
	}
	return all
}

// complete puts settings into the order of the list and adds those that results of
// another version do not have: with the method's own value, which every run had before
// there was something to set. No settings stay none.
func complete(s, list ood.Settings) ood.Settings {
	if len(s) == 0 {
		return nil
	}
	full := slices.Clone(list)
	for i := range full {
		if one, has := s.Get(full[i].Name); has {
			full[i] = one
		}
	}
	return full
}

// settingsKey tells the settings of trainings apart, whatever their presets.
func settingsKey(s ood.Settings) string {
	var key []string
	for _, one := range s {
		key = append(key, one.Name, one.Value)
	}
	return strings.Join(key, "\x01")
}

// method is the rows of a block that were trained by one method.
type method struct {
	name   string
	rows   []*Row
	kinds  []ood.Settings // the different settings of its runs, as far as they are known
	differ []string       // the names of those in which the kinds differ
}

// methods groups the rows of a block.
func (b *Block) methods() (all []*method) {
	of := map[string]*method{}
	for _, r := range b.Rows {
		name := MethodName(r.Method)
		if v := r.variantName(); v != "" {
			name += " (" + v + ")"
		}
		if of[name] == nil {
			of[name] = &method{name: name}
			all = append(all, of[name])
		}
		of[name].rows = append(of[name].rows, r)
	}
	for _, m := range all {
		m.compare()
	}
	return all
}

// compare finds the kinds of settings and where they differ.
func (m *method) compare() {
	for _, r := range m.rows {
		if len(r.Settings) > 0 && m.kind(r.Settings) == len(m.kinds) {
			m.kinds = append(m.kinds, r.Settings)
		}
	}
	if len(m.kinds) < 2 {
		return
	}
	for i, s := range m.kinds[0] {
		if slices.ContainsFunc(m.kinds, func(k ood.Settings) bool { return k[i].Value != s.Value }) {
			m.differ = append(m.differ, s.Name)
		}
	}
}

// kind is the number of the kind that has the settings; one past the last for none.
func (m *method) kind(s ood.Settings) int {
	key := settingsKey(s)
	for i, k := range m.kinds {
		if settingsKey(k) == key {
			return i
		}
	}
	return len(m.kinds)
}

// labelled is how many settings a label can hold and still be read. More have a line
// under the table.
const labelled = 3

// tellApart gives every row what tells its training from the others of the method.
func (m *method) tellApart() {
	for _, r := range m.rows {
		switch {
		case len(m.kinds) > 0 && len(r.Settings) == 0:
			r.training = "settings not recorded"
		case len(m.differ) > labelled:
			r.training = fmt.Sprintf("settings %d", 1+m.kind(r.Settings))
		case len(r.Settings) > 0:
			r.training = m.differences(r.Settings)
		}
	}
}

// differences are the settings that others of the method have otherwise.
func (m *method) differences(s ood.Settings) string {
	var parts []string
	for _, name := range m.differ {
		one, _ := s.Get(name)
		parts = append(parts, name+"="+m.brief(one))
	}
	return strings.Join(parts, ", ")
}

// brief is the beginning of a value of several parts, as the sets of images have,
// as far as it takes to tell the kinds apart.
func (m *method) brief(s ood.Setting) string {
	cut := func(value string, n int) string {
		parts := strings.Split(value, ", ")
		return strings.Join(parts[:min(n, len(parts))], ", ")
	}
	for n := 1; ; n++ {
		same := func(k ood.Settings) bool {
			other, _ := k.Get(s.Name)
			return other.Value != s.Value && cut(other.Value, n) == cut(s.Value, n)
		}
		if short := cut(s.Value, n); short == s.Value || !slices.ContainsFunc(m.kinds, same) {
			return short
		}
	}
}

// changed lists the settings that are not the method's own, without some.
func changed(s ood.Settings, without []string) string {
	var parts []string
	for _, one := range s {
		if one.Changed() && !slices.Contains(without, one.Name) {
			parts = append(parts, one.Name+"="+one.Value)
		}
	}
	return strings.Join(parts, ", ")
}

// settingNotes are the lines under a block about settings: those that all runs of a
// method share and that are not the method's own, methods with the same ones together;
// and those that are too many for labels.
func (b *Block) settingNotes() (notes []string) {
	var order []string
	names := map[string][]string{}
	for _, m := range b.methods() {
		if len(m.differ) > labelled {
			for i, k := range m.kinds {
				notes = append(notes, fmt.Sprintf("%s, settings %d: %s.", m.noteName(), i+1, m.differences(k)))
			}
		}
		if len(m.kinds) == 0 {
			continue
		}
		if c := changed(m.kinds[0], m.differ); c != "" {
			if names[c] == nil {
				order = append(order, c)
			}
			names[c] = append(names[c], m.noteName())
		}
	}
	if len(order) == 0 {
		return notes
	}
	for i, c := range order {
		order[i] = strings.Join(names[c], ", ") + ": " + c
	}
	return append(notes, "Settings other than the method's own: "+strings.Join(order, "; ")+".")
}

// noteName is the method for lines about its training, which post-hoc scores have no
// part in.
func (m *method) noteName() string {
	if m.rows[0].Method == "ce" {
		return "CE, which the post-hoc scores judge"
	}
	return m.name
}
