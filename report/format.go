package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Format is a way to write a [Table].
type Format string

// The formats.
const (
	Text     Format = "text"     // box drawing; best and second best are not marked
	ANSI     Format = "ansi"     // as Text, best bold and second best underlined, for terminals
	Markdown Format = "markdown" // best bold, second best underlined with <u>
	CSV      Format = "csv"      // long form: one line per evaluation, score and OOD set
	JSON     Format = "json"     // the table's structure, full precision
	LaTeX    Format = "latex"    // booktabs; best bold, second best underlined
)

// ParseFormat reads a format's name; md and tex are accepted as in file names.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Text, ANSI, Markdown, CSV, JSON, LaTeX:
		return f, nil
	case "md":
		return Markdown, nil
	case "tex":
		return LaTeX, nil
	}
	return "", fmt.Errorf("report: unknown table format %q: want text, ansi, markdown, csv, json or latex", name)
}

// Write writes the table.
func (t *Table) Write(w io.Writer, f Format) error {
	switch f {
	case CSV:
		return t.writeCSV(w)
	case JSON:
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(t)
	}
	for i, b := range t.Blocks {
		var s string
		switch f {
		case Text, ANSI:
			s = b.text(f == ANSI)
		case Markdown:
			s = b.markdown()
		case LaTeX:
			s = b.latex()
		default:
			return fmt.Errorf("report: unknown table format %q", f)
		}
		if i > 0 {
			s = "\n" + s
		}
		if _, err := io.WriteString(w, s); err != nil {
			return err
		}
	}
	return nil
}

func (b *Block) text(colour bool) string {
	g := b.grid()
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	head := table.Row{""}
	configs := []table.ColumnConfig{}
	for _, gr := range g.groups {
		title := gr.title
		for _, c := range gr.cols {
			// Two lines in one cell: merged header cells make go-pretty 6.8.3 divide
			// by zero at some widths (reBalanceMaxMergedColumnLengths).
			head = append(head, title+"\n"+c)
			title = ""
			configs = append(configs, table.ColumnConfig{
				Number: len(head), Align: text.AlignRight, AlignHeader: text.AlignRight,
			})
		}
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(head)
	for _, r := range g.rows {
		row := table.Row{r.label}
		for _, c := range r.cells {
			row = append(row, ansi(c, colour))
		}
		w.AppendRow(row)
	}
	return b.title() + "\n" + w.Render() + "\n" + strings.Join(b.notes(), "\n") + "\n"
}

// ansi writes the escapes itself: go-pretty's colours obey a global switch.
func ansi(c gridCell, colour bool) string {
	switch {
	case colour && c.mark == best:
		return "\x1b[1m" + c.text + "\x1b[0m"
	case colour && c.mark == second:
		return "\x1b[4m" + c.text + "\x1b[0m"
	}
	return c.text
}

func (b *Block) markdown() string {
	g := b.grid()
	w := table.NewWriter()
	head := table.Row{"Method"}
	configs := []table.ColumnConfig{}
	for _, gr := range g.groups {
		for _, c := range gr.cols {
			head = append(head, strings.TrimSpace(markdownText(gr.title)+" "+c))
			configs = append(configs, table.ColumnConfig{Number: len(head), Align: text.AlignRight})
		}
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(head)
	for _, r := range g.rows {
		row := table.Row{markdownText(r.label)}
		for _, c := range r.cells {
			switch c.mark {
			case best:
				c.text = "**" + c.text + "**"
			case second:
				c.text = "<u>" + c.text + "</u>"
			}
			row = append(row, c.text)
		}
		w.AppendRow(row)
	}
	notes := make([]string, 0, 4)
	for _, n := range b.notes() {
		notes = append(notes, markdownText(n))
	}
	return markdownText(b.title()) + "\n\n" + w.RenderMarkdown() + "\n\n" + strings.Join(notes, "  \n") + "\n"
}

// markdownText keeps names of files and sets from being read as markup.
var markdownText = strings.NewReplacer(`\`, `\\`, "_", `\_`, "*", `\*`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "`", "\\`").Replace

var csvHead = []string{"id", "arch", "method", "variant", "score", "params", "seed", "fpr_convention", "normalize", "id_accuracy",
	"set", "fpr95", "auroc", "aupr_in", "aupr_out", "detection_error", "n_id", "n_ood", "source", "precision", "changed"}

func (t *Table) writeCSV(w io.Writer) error {
	c := csv.NewWriter(w)
	lines := [][]string{csvHead}
	num := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	for _, b := range t.Blocks {
		for _, r := range b.Rows {
			for i, res := range r.results {
				acc := ""
				if !math.IsNaN(res.IDAccuracy) {
					acc = num(res.IDAccuracy)
				}
				for _, s := range r.scores[i].Sets {
					m := s.Metrics
					lines = append(lines, []string{b.ID, b.Arch, r.Method, r.Variant, r.Score, string(r.Params),
						strconv.FormatUint(res.Seed, 10), b.Convention.String(), res.Normalize, acc,
						s.Name, num(m.FPR95), num(m.AUROC), num(m.AUPRIn), num(m.AUPROut), num(m.DetectionError),
						strconv.Itoa(m.NID), strconv.Itoa(m.NOOD), r.Sources[i], res.Versions["precision"], changed(r.Settings, nil)})
				}
			}
		}
	}
	return c.WriteAll(lines)
}
