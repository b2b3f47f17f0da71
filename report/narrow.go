package report

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// WriteWithin writes the table for a screen of so many columns: as [Text] or, with
// colour, [ANSI], but a block that is too wide is turned, with sets down and
// methods across.
func (t *Table) WriteWithin(w io.Writer, columns int, colour bool) error {
	for i, b := range t.Blocks {
		s := b.text(colour)
		if boxWidth(s) > columns {
			s = b.turned(colour)
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

// boxWidth is the width of the drawn box; text around it may be folded.
func boxWidth(s string) int {
	for line := range strings.Lines(s) {
		if strings.HasPrefix(line, "┌") {
			return utf8.RuneCountInString(strings.TrimSpace(line))
		}
	}
	return 0
}

// turned is the block with its rows as columns.
func (b *Block) turned(colour bool) string {
	g := b.grid()
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	head := table.Row{"", ""}
	configs := []table.ColumnConfig{}
	for _, r := range g.rows {
		head = append(head, narrow(r.label))
		configs = append(configs, table.ColumnConfig{Number: len(head), Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	w.SetColumnConfigs(configs)
	w.AppendHeader(head)
	at := 0
	for _, gr := range g.groups {
		for i, name := range gr.cols {
			row := table.Row{"", name}
			if i == 0 {
				row[0] = gr.title
			}
			for _, r := range g.rows {
				row = append(row, ansi(r.cells[at], colour))
			}
			w.AppendRow(row)
			at++
		}
		w.AppendSeparator()
	}
	return b.title() + "\n" + w.Render() + "\n" + strings.Join(b.notes(), "\n") + "\n"
}

// narrow breaks a label into lines of about ten characters, between words.
func narrow(label string) string {
	const wide = 10
	var lines []string
	for _, word := range strings.Fields(label) {
		if n := len(lines); n > 0 && utf8.RuneCountInString(lines[n-1]+" "+word) <= wide {
			lines[n-1] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return strings.Join(lines, "\n")
}
