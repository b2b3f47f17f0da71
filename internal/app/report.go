package app

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/report"
)

const reportHelp = `Writes one self-contained HTML page about runs that were trained and judged: the table, the curves of training
(energy loss and gradient norm as in the paper's Figure 3, cross-entropy, accuracy), histograms of the scores as in
Figure 4, and how it all was made. Everything comes from the files in the run directories.`

// otherCurves are drawn beside the paper's two.
var otherCurves = []quantity{
	{"ce", "Cross-entropy", "CE of the batch", "Cross-entropy of the in-distribution images of every step."},
	{"accuracy", "Accuracy", "% of the batch", "Share of the in-distribution images of every step that are classified right."},
}

func (x *Experiment) setupReport(f *cli.Flags) cli.Action {
	out := f.String("o", "report.html", "FILE: the page")
	figures := f.String("figures", "", "DIR: write every figure there too, as SVG")
	return func(_ context.Context, env *cli.Env, args []string) error {
		if len(args) == 0 {
			return cli.Wrong("name run directories")
		}
		page, drawn, err := x.runsPage(env, args)
		if err != nil {
			return err
		}
		if err := report.WriteHTML(*out, *page); err != nil {
			return err
		}
		fmt.Fprintf(env.Stdout, "%s\n", *out)
		if *figures == "" {
			return nil
		}
		for name, fig := range drawn {
			if err := fig.Write(filepath.Join(*figures, name+".svg")); err != nil {
				return err
			}
		}
		return nil
	}
}

// runsPage is the report on runs; it also returns the figures by file name.
func (x *Experiment) runsPage(env *cli.Env, dirs []string) (*report.Page, drawings, error) {
	var paths []string
	for _, d := range dirs {
		paths = append(paths, resultsIn(d))
	}
	table, err := x.LoadTable(paths...)
	if err != nil {
		return nil, nil, err
	}
	drawn := drawings{}
	runs, facts, err := describeRuns(dirs)
	if err != nil {
		return nil, nil, err
	}
	facts = append([]report.Fact{{Name: "command", Value: env.Invocation(x.Package) + " " + cli.Quote(env.Argv[1:]...)}}, facts...)
	page := &report.Page{Title: "Runs", Lead: []string{fmt.Sprintf("%d runs, made from the files in their directories.", len(runs))}, Made: facts}
	page.Sections = append(page.Sections, report.Section{Heading: "Results", Table: table})
	curves, err := TrainingFigures(runs, append(append([]quantity{}, Penalties...), otherCurves...))
	if err != nil {
		return nil, nil, err
	}
	page.Sections = append(page.Sections, report.Section{Heading: "Training", Figures: curves})
	for _, f := range curves {
		drawn.add(slugOf(f.Title), f)
	}
	scores := report.Section{Heading: "Scores"}
	for _, r := range runs {
		f, err := ScoreFigure(r)
		if err != nil {
			return nil, nil, err
		}
		scores.Figures = append(scores.Figures, f)
		drawn.add("scores-"+slugOf(r.Name), f)
	}
	page.Sections = append(page.Sections, scores)
	if err := addCertificates(page, drawn, runs); err != nil {
		return nil, nil, err
	}
	return page, drawn, nil
}

// drawings are figures by the name of their file, without extension.
type drawings map[string]*report.Figure

// add gives a figure a name that none has yet, and returns it.
func (d drawings) add(name string, f *report.Figure) string {
	free := name
	for n := 2; d[free] != nil; n++ {
		free = fmt.Sprintf("%s-%d", name, n)
	}
	d[free] = f
	return free
}

// describeRuns names the runs by their methods, and by their directories where
// methods repeat, and says how each was made.
func describeRuns(dirs []string) (runs []NamedRun, facts []report.Fact, err error) {
	count := map[string]int{}
	var records []greg.Record
	for _, d := range dirs {
		rec, err := greg.ReadRecord(d)
		if err != nil {
			return nil, nil, err
		}
		records = append(records, rec)
		count[rec.Config.Method]++
	}
	places := tellApart(dirs)
	for i, rec := range records {
		name := report.MethodName(rec.Config.Method)
		if count[rec.Config.Method] > 1 {
			name += " " + places[i]
		}
		runs = append(runs, NamedRun{name, dirs[i]})
		how := "not recorded"
		if len(rec.Command) > 0 {
			how = strings.Join(append([]string{filepath.Base(rec.Command[0])}, rec.Command[1:]...), " ")
		}
		facts = append(facts, report.Fact{Name: name, Value: how})
	}
	return runs, facts, nil
}

// tellApart shortens directories to their last elements, as many as tell different
// ones apart.
func tellApart(dirs []string) []string {
	names := make([]string, len(dirs))
	for n := 1; ; n++ {
		seen, all := map[string]bool{}, map[string]bool{}
		for i, d := range dirs {
			whole := filepath.ToSlash(filepath.Clean(d))
			parts := strings.Split(whole, "/")
			names[i] = strings.Join(parts[max(0, len(parts)-n):], "/")
			seen[names[i]], all[whole] = true, true
		}
		if len(seen) == len(all) {
			return names
		}
	}
}

// slugOf makes a file name: GReg+ is greg-plus, so that it is not GReg.
func slugOf(title string) string {
	words := strings.FieldsFunc(strings.ToLower(strings.ReplaceAll(title, "+", "-plus-")), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	return strings.Join(words, "-")
}
