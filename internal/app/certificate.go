package app

import (
	"fmt"
	"strconv"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/ood"
	"gradgrad/report"
)

// printCertificates prints certificates in brief, if there are any, and what they
// claim.
func printCertificates(env *cli.Env, c *ood.CertificateResult) {
	if c == nil {
		return
	}
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Format.Header = text.FormatDefault
	w.AppendHeader(table.Row{"certificates", "images", "accepted, %", "radius", "estimate"})
	for _, s := range c.Sets {
		w.AppendRow(table.Row{s.Name, s.Images, fmt.Sprintf("%.2f", s.Accepted), radius(s.Radius), radius(s.Estimate)})
	}
	var columns []table.ColumnConfig
	for i := 2; i <= 5; i++ {
		columns = append(columns, table.ColumnConfig{Number: i, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	w.SetColumnConfigs(columns)
	fmt.Fprintf(env.Stdout, "%s\nMedians, %s, of the decision by the %s score at %.4f, which %g %% of the in-distribution images pass.\n%s\n",
		w.Render(), c.Unit, c.Score, c.Threshold, c.TPR, c.Claim)
}

func radius(r *float64) string {
	if r == nil {
		return "any"
	}
	return strconv.FormatFloat(*r, 'g', 4, 64)
}

// addCertificates adds a figure for each run that has certificates.
func addCertificates(page *report.Page, drawn drawings, runs []NamedRun) error {
	section := report.Section{Heading: "Certificates"}
	for _, r := range runs {
		f, err := certificateFigure(r)
		if err != nil {
			return err
		}
		if f != nil {
			section.Figures = append(section.Figures, f)
			drawn.add("certified-"+slugOf(r.Name), f)
		}
	}
	if len(section.Figures) > 0 {
		page.Sections = append(page.Sections, section)
	}
	return nil
}

// certificateFigure is the certified share of one evaluation against the radius;
// nil where it has no certificates.
func certificateFigure(r NamedRun) (*report.Figure, error) {
	dir := resultsIn(r.Dir)
	results, err := ood.ReadResults(dir)
	if err != nil || results.Certificate == nil {
		return nil, err
	}
	var known, unknown, estimate []float64 // positive where the decision is right
	for _, s := range results.Certificate.Sets {
		radii, err := ood.ReadNPY(greg.ScoreFile(dir, greg.RadiusFile, s.Name))
		if err != nil {
			return nil, err
		}
		if s.Name != results.ID {
			for _, v := range radii {
				unknown = append(unknown, -v)
			}
			continue
		}
		known = radii
		if estimate, err = ood.ReadNPY(greg.ScoreFile(dir, greg.EstimateFile, s.Name)); err != nil {
			return nil, err
		}
	}
	f, err := report.CertifiedShare(r.Name, results.Certificate.Unit,
		report.Scores{Name: "known, accepted", Values: known},
		report.Scores{Name: "unknown, rejected", Values: unknown},
		report.Scores{Name: "known, the paper's estimate", Values: estimate})
	if err == nil {
		f.Caption = fmt.Sprintf("%s: share of images whose decision is right and certified up to a radius. %s", r.Name, results.Certificate.Claim)
	}
	return f, err
}
