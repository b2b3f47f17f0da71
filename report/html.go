package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"gradgrad/internal/atomicfile"
)

// Page is the content of a report.
type Page struct {
	Title    string
	Lead     []string // opening paragraphs: what was done and what came out
	Made     []Fact   // how it was made: command, seed, versions, times
	Sections []Section
}

// Fact is one line of provenance.
type Fact struct{ Name, Value string }

// Section is a heading with text and what it explains, in this order. All parts
// but the heading may be empty.
type Section struct {
	Heading  string
	Text     []string // paragraphs before the table and the figures
	Table    *Table
	Figures  []*Figure // side by side where there is room
	Pictures []Picture // one below the other
	Pre      string    // preformatted text, such as a command to type
}

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"grid": func(b *Block) htmlGrid { return htmlGrid{b} },
	"slug": slug,
}).Parse(pageSource))

// WriteHTML writes the page into one file, whole or not at all. All styles and
// drawings are in the file; it asks for nothing from the network.
func WriteHTML(path string, p Page) error {
	data := struct {
		Page
		Drawings map[*Figure]template.HTML
		Pixels   [][]htmlPicture // of each section
	}{p, map[*Figure]template.HTML{}, make([][]htmlPicture, len(p.Sections))}
	for i, s := range p.Sections {
		for _, f := range s.Figures {
			svg, err := f.SVG()
			if err != nil {
				return fmt.Errorf("report: draw %q for %s: %w", f.Title, path, err)
			}
			data.Drawings[f] = template.HTML(svg) // from our own writer, which escapes all text
		}
		for _, picture := range s.Pictures {
			h, err := picture.encode()
			if err != nil {
				return err
			}
			data.Pixels[i] = append(data.Pixels[i], h)
		}
	}
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, data); err != nil {
		return fmt.Errorf("report: %s: %w", path, err)
	}
	return atomicfile.WriteMaking(path, func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	})
}

// htmlGrid gives the template what a block's table needs.
type htmlGrid struct{ b *Block }

type htmlGroup struct {
	Title string
	Cols  []string
}

type htmlCell struct{ Text, Class string }

type htmlRow struct {
	Label string
	Cells []htmlCell
}

// Title is the table's caption.
func (h htmlGrid) Title() string { return h.b.title() }

// Notes are the lines under the table.
func (h htmlGrid) Notes() []string { return h.b.notes() }

// Groups are the headings of the first line with the columns they span.
func (h htmlGrid) Groups() []htmlGroup {
	var out []htmlGroup
	for _, g := range h.b.grid().groups {
		out = append(out, htmlGroup{g.title, g.cols})
	}
	return out
}

// Rows are the body; the class says best and second best, and where a group begins.
func (h htmlGrid) Rows() []htmlRow {
	g := h.b.grid()
	var first []bool
	for _, gr := range g.groups {
		for i := range gr.cols {
			first = append(first, i == 0)
		}
	}
	rows := make([]htmlRow, len(g.rows))
	for i, r := range g.rows {
		rows[i].Label = r.label
		for c, cell := range r.cells {
			class := [...]string{plain: "", best: "best", second: "second"}[cell.mark]
			if first[c] {
				class += " first"
			}
			rows[i].Cells = append(rows[i].Cells, htmlCell{cell.text, strings.TrimSpace(class)})
		}
	}
	return rows
}

// slug makes a heading an anchor.
func slug(heading string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(heading), func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9')
	}), "-")
}
