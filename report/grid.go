package report

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// mark is how a cell stands out in its column.
type mark uint8

const (
	plain mark = iota
	best
	second
)

// grid is a block laid out as text: what all the formats share.
type grid struct {
	groups []group
	rows   []gridRow
}

// group is a heading over one or two columns.
type group struct {
	title string
	cols  []string
}

type gridRow struct {
	label string
	cells []gridCell
}

type gridCell struct {
	text string
	mark mark
}

const missing = "–"

func (b *Block) grid() grid {
	g := grid{groups: []group{{"", []string{"ID acc ↑"}}}}
	columns, metrics := b.columns(), b.metrics()
	var heads []string
	for _, m := range metrics {
		heads = append(heads, m.title)
	}
	for _, c := range columns {
		g.groups = append(g.groups, group{c.title, heads})
	}
	paper := b.layout != OpenOODLayout && slices.ContainsFunc(b.Rows, func(r *Row) bool { return r.Paper != nil })
	if paper {
		g.groups = append(g.groups,
			group{"Paper avg", []string{"FPR95", "AUROC"}}, group{"Δ to paper", []string{"FPR95", "AUROC"}})
	}
	accuracy := b.layout != OpenOODLayout && slices.ContainsFunc(b.Rows, func(r *Row) bool { return r.PaperAccuracy != nil })
	if accuracy {
		g.groups = append(g.groups, group{"ID acc", []string{"Paper", "Δ"}})
	}
	several := slices.ContainsFunc(b.Rows, func(r *Row) bool { return len(r.Seeds) > 1 })
	for _, r := range b.Rows {
		row := gridRow{label: r.Label, cells: []gridCell{{text: r.Accuracy.String()}}}
		if several {
			row.label += fmt.Sprintf(", %d seed%s", len(r.Seeds), plural(len(r.Seeds)))
		}
		for _, c := range r.Cells {
			for _, m := range metrics {
				row.cells = append(row.cells, gridCell{text: m.value(c).String()})
			}
		}
		if paper {
			row.cells = append(row.cells, paperCells(r)...)
		}
		if accuracy {
			row.cells = append(row.cells, accuracyCells(r)...)
		}
		g.rows = append(g.rows, row)
	}
	for c := range columns {
		for i, m := range metrics {
			b.mark(g, 1+len(metrics)*c+i, func(r *Row) Stat { return m.value(r.Cells[c]) }, m.better)
		}
	}
	return g
}

func paperCells(r *Row) []gridCell {
	cells := []gridCell{{text: missing}, {text: missing}, {text: missing}, {text: missing}}
	if r.Paper == nil {
		return cells
	}
	avg := r.Cells[len(r.Cells)-1]
	for i, v := range []struct {
		paper float64
		here  Stat
	}{{r.Paper.FPR95, avg.FPR95}, {r.Paper.AUROC, avg.AUROC}} {
		if v.paper == 0 {
			continue
		}
		cells[i].text = fmt.Sprintf("%.2f", v.paper)
		if v.here.N > 0 {
			cells[2+i].text = fmt.Sprintf("%+.2f", v.here.Mean-v.paper)
		}
	}
	return cells
}

func accuracyCells(r *Row) []gridCell {
	cells := []gridCell{{text: missing}, {text: missing}}
	if r.PaperAccuracy != nil {
		cells[0].text = fmt.Sprintf("%.2f", *r.PaperAccuracy)
		if r.Accuracy.N > 0 {
			cells[1].text = fmt.Sprintf("%+.2f", r.Accuracy.Mean-*r.PaperAccuracy)
		}
	}
	return cells
}

// mark finds the best and, of three rows or more, the second best value of a
// column. Values that print alike are marked alike.
func (b *Block) mark(g grid, col int, value func(*Row) Stat, sign float64) {
	var printed []float64
	for _, r := range b.Rows {
		if s := value(r); s.N > 0 {
			printed = append(printed, sign*math.Round(100*s.Mean))
		}
	}
	if len(printed) < 2 {
		return
	}
	many := len(printed) > 2
	slices.Sort(printed)
	printed = slices.Compact(printed)
	for i, r := range b.Rows {
		s := value(r)
		switch v := sign * math.Round(100*s.Mean); {
		case s.N == 0:
		case v == printed[0]:
			g.rows[i].cells[col].mark = best
		case many && v == printed[1]:
			g.rows[i].cells[col].mark = second
		}
	}
}

// String prints two decimals, with the deviation where there are several seeds.
func (s Stat) String() string {
	switch s.N {
	case 0:
		return missing
	case 1:
		return fmt.Sprintf("%.2f", s.Mean)
	}
	return fmt.Sprintf("%.2f ± %.2f", s.Mean, s.Std)
}

// title says what a block's numbers are of.
func (b *Block) title() string {
	t := fmt.Sprintf("%s, %s. FPR convention: %s (%s).", b.ID, b.Arch, b.Convention, b.Convention.Describe())
	if n := strings.Join(b.Normalize, ", "); n != "" {
		t += " Normalisation: " + n + "."
	}
	if p := strings.Join(b.Precision, ", "); p != "" {
		t += " Computed in " + p + "."
	}
	return t
}

// notes are the lines under a block.
func (b *Block) notes() []string {
	sets := make([]string, len(b.Sets))
	for i, s := range b.Sets {
		sets[i] = s.Name + " " + counts(s.Images)
	}
	notes := []string{fmt.Sprintf("Percent. Images: %s in distribution; %s.", counts(b.IDImages), strings.Join(sets, ", "))}
	if slices.ContainsFunc(b.Rows, func(r *Row) bool { return len(r.Seeds) > 1 }) {
		notes = append(notes, "Mean ± population standard deviation over the seeds given in the row; the average's is over seeds, not over sets.")
	}
	if slices.ContainsFunc(b.Rows, func(r *Row) bool { return r.incomplete() }) {
		notes = append(notes, "An average needs every OOD set of the block; evaluations without one are left out of it.")
	}
	notes = append(notes, b.settingNotes()...)
	if b.layout == OpenOODLayout {
		return append(notes, "Near-OOD and Far-OOD are means over the sets before them, grouped as OpenOOD does.")
	}
	if slices.ContainsFunc(b.Rows, func(r *Row) bool { return r.Paper != nil }) {
		note := "Paper: " + PaperSource(b.ID) + "."
		if want, number := paperSets(b.ID); !b.hasSets(want) {
			note += " The OOD sets here are not those " + number + ", so the difference is no measure of the reproduction."
		}
		if slices.ContainsFunc(b.Rows, func(r *Row) bool { return r.Paper != nil && len(r.Preset) > 0 }) {
			note += " Where settings are changed, it is that of the method's own."
		}
		notes = append(notes, note)
	}
	if slices.ContainsFunc(b.Rows, func(r *Row) bool { return r.PaperAccuracy != nil }) {
		notes = append(notes, "Accuracies of the paper: its Table 6, of the network, whatever the score.")
	}
	return notes
}

// incomplete reports whether a seed lacks one of the sets.
func (r *Row) incomplete() bool {
	return slices.ContainsFunc(r.Cells, func(c Cell) bool { return c.FPR95.N < len(r.Seeds) })
}

// hasSets reports whether the columns are these sets.
func (b *Block) hasSets(want []string) bool {
	return len(b.Sets) == len(want) && !slices.ContainsFunc(b.Sets, func(s Set) bool { return !slices.Contains(want, s.Key) })
}

func counts(n []int) string {
	n = slices.Clone(n)
	slices.Sort(n)
	parts := make([]string, len(n))
	for i, v := range n {
		parts[i] = fmt.Sprint(v)
	}
	return strings.Join(parts, " or ")
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
