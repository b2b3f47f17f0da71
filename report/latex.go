package report

import (
	"fmt"
	"strings"
)

// latex writes a table environment that wants booktabs and graphicx and nothing else.
// A table that is wider than the text is scaled down to it.
func (b *Block) latex() string {
	g := b.grid()
	var s strings.Builder
	columns := 0
	for _, gr := range g.groups {
		columns += len(gr.cols)
	}
	s.WriteString("% needs \\usepackage{booktabs,graphicx}\n\\begin{table}\n\\centering\n")
	fmt.Fprintf(&s, "\\caption{%s %s}\n", latexText(b.title()), latexText(strings.Join(b.notes(), " ")))
	s.WriteString("\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n")
	fmt.Fprintf(&s, "\\begin{tabular}{l%s}\n\\toprule\n", strings.Repeat("r", columns))
	var rules strings.Builder
	col := 2
	for _, gr := range g.groups {
		s.WriteString(" & ")
		if n := len(gr.cols); n > 1 {
			fmt.Fprintf(&s, "\\multicolumn{%d}{c}{%s}", n, latexText(gr.title))
			fmt.Fprintf(&rules, "\\cmidrule(lr){%d-%d}", col, col+n-1)
		}
		col += len(gr.cols)
	}
	s.WriteString(" \\\\\n" + rules.String() + "\nMethod")
	for _, gr := range g.groups {
		for _, c := range gr.cols {
			s.WriteString(" & " + latexText(c))
		}
	}
	s.WriteString(" \\\\\n\\midrule\n")
	for _, r := range g.rows {
		s.WriteString(latexText(r.label))
		for _, c := range r.cells {
			s.WriteString(" & " + latexCell(c))
		}
		s.WriteString(" \\\\\n")
	}
	s.WriteString("\\bottomrule\n\\end{tabular}}\n\\end{table}\n")
	return s.String()
}

func latexCell(c gridCell) string {
	t := latexText(c.text)
	if strings.HasPrefix(c.text, "-") { // a minus sign, not a hyphen
		t = "$-$" + t[1:]
	}
	switch c.mark {
	case best:
		return `\textbf{` + t + `}`
	case second:
		return `\underline{` + t + `}`
	}
	return t
}

var latexText = strings.NewReplacer(
	`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`, "{", `\{`, "}", `\}`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "[", "{[}", "]", "{]}", "<", `\textless{}`, ">", `\textgreater{}`,
	"±", `$\pm$`, "↑", `$\uparrow$`, "↓", `$\downarrow$`, "Δ", `$\Delta$`, "–", "--",
).Replace
