package report

import (
	"fmt"
	"slices"

	"gradgrad/ood"
)

// Layout is which columns a table has.
type Layout string

// The layouts.
const (
	// PaperLayout has FPR95 and AUROC of every OOD set and of their average, and the
	// paper's own average where there is one.
	PaperLayout Layout = "paper"
	// OpenOODLayout is that of OpenOOD (arXiv:2306.09301): sets near the ID set, their
	// average, far sets, their average; FPR95, AUROC and both AUPR of each.
	OpenOODLayout Layout = "openood"
)

// ParseLayout reads a layout's name.
func ParseLayout(name string) (Layout, error) {
	switch l := Layout(name); l {
	case PaperLayout, OpenOODLayout:
		return l, nil
	}
	return "", fmt.Errorf("report: unknown table layout %q: want %s or %s", name, PaperLayout, OpenOODLayout)
}

// Arrange gives the table another layout; a new table has the paper's.
func (t *Table) Arrange(l Layout) {
	for _, b := range t.Blocks {
		b.layout = l
		b.fill()
	}
}

// column is an OOD set or an average of several.
type column struct {
	title string
	sets  []string // keys
}

// nearSets are the sets that OpenOOD counts as near an ID set; all others are far.
var nearSets = map[string][]string{
	"cifar10":     {"cifar100", "tin", "tiny-imagenet"},
	"cifar100":    {"cifar10", "tin", "tiny-imagenet"},
	"imagenet":    {"ssb-hard", "ninco"},
	"imagenet200": {"ssb-hard", "ninco"},
}

func (b *Block) columns() []column {
	if b.layout != OpenOODLayout {
		return b.withAverage("Average", b.Sets)
	}
	var near, far []Set
	for _, s := range b.Sets {
		if slices.Contains(nearSets[b.ID], s.Key) {
			near = append(near, s)
		} else {
			far = append(far, s)
		}
	}
	return append(b.withAverage("Near-OOD", near), b.withAverage("Far-OOD", far)...)
}

func (b *Block) withAverage(title string, sets []Set) (columns []column) {
	if len(sets) == 0 {
		return nil
	}
	average := column{title: title}
	for _, s := range sets {
		columns = append(columns, column{s.Name, []string{s.Key}})
		average.sets = append(average.sets, s.Key)
	}
	return append(columns, average)
}

// metric is a number that a layout shows of every column.
type metric struct {
	title  string
	value  func(c Cell) Stat
	better float64 // 1: smaller is better, -1: larger
}

func (b *Block) metrics() []metric {
	fpr := metric{"FPR95 ↓", func(c Cell) Stat { return c.FPR95 }, 1}
	auroc := metric{"AUROC ↑", func(c Cell) Stat { return c.AUROC }, -1}
	if b.layout != OpenOODLayout {
		return []metric{fpr, auroc}
	}
	return []metric{fpr, auroc,
		{"AUPR_IN ↑", func(c Cell) Stat { return c.AUPRIn }, -1},
		{"AUPR_OUT ↑", func(c Cell) Stat { return c.AUPROut }, -1}}
}

// fill computes the cells of all rows.
func (b *Block) fill() {
	for _, row := range b.Rows {
		row.Cells = nil
		for _, c := range b.columns() {
			row.Cells = append(row.Cells, row.cell(c.sets))
		}
	}
}

// cell is a row's result on a set, or its mean over several. A seed that lacks one
// of them counts for nothing: a mean over other sets would not compare.
func (r *Row) cell(sets []string) Cell {
	var values [4][]float64
	for _, s := range r.scores {
		var ms []ood.Metrics
		for _, key := range sets {
			if m, ok := s.Set(key); ok {
				ms = append(ms, m)
			}
		}
		if len(ms) < len(sets) {
			continue
		}
		m := ood.Average(ms)
		for i, v := range []float64{m.FPR95, m.AUROC, m.AUPRIn, m.AUPROut} {
			values[i] = append(values[i], v)
		}
	}
	return Cell{newStat(values[0]), newStat(values[1]), newStat(values[2]), newStat(values[3])}
}
