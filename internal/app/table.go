package app

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"gradgrad/internal/atomicfile"
	"gradgrad/internal/cli"
	"gradgrad/ood"
	"gradgrad/report"
)

const tableHelp = `Reads results.json files, or directories that hold one (or hold eval/results.json), and prints one table in the
paper's layout: a block for each in-distribution set, network and FPR convention; a row for each method and score;
mean and deviation where results differ in the seed alone; the paper's own average where there is one. Runs of one
method with other settings are rows of their own, named by what differs: GReg+ (clusters=16). What all runs of a
method have otherwise than the method itself stands under the table. Results of before settings were recorded take
them from the run directory that they lie in.

The layout paper has FPR95 and AUROC of each set and their average; openood has sets near the in-distribution set and far
ones apart, as OpenOOD groups them, with an average and AUPR of each.

Formats: text (box drawing), ansi (best bold, second underlined), markdown, csv (one line per number's set), json,
latex (booktabs).`

func (x *Experiment) setupTable(f *cli.Flags) cli.Action {
	format := f.String("format", "", "NAME: see above (default by the extension of -o, else what suits the terminal, or text)")
	out := f.String("o", "", "FILE: write there, not to standard output")
	layout := f.String("layout", "paper", "paper|openood: which columns")
	return func(_ context.Context, env *cli.Env, args []string) error {
		columns, err := report.ParseLayout(*layout)
		if err != nil {
			return cli.Wrong("-layout: %w", err)
		}
		if len(args) == 0 {
			return cli.Wrong("name results.json files or directories that hold one")
		}
		chosen, err := tableFormat(*format, *out)
		if err != nil {
			return err
		}
		paths := make([]string, len(args))
		for i, a := range args {
			paths[i] = resultsIn(a)
		}
		t, err := x.LoadTable(paths...)
		if err != nil {
			return err
		}
		t.Arrange(columns)
		if *out == "" && *format == "" {
			return PrintReadable(env, t)
		}
		if *out == "" {
			return t.Write(env.Stdout, chosen)
		}
		return atomicfile.WriteTo(*out, func(w io.Writer) error { return t.Write(w, chosen) })
	}
}

// tableFormat is the format that the flag or the file name calls for.
func tableFormat(name, file string) (report.Format, error) {
	ext := strings.TrimPrefix(filepath.Ext(file), ".")
	switch {
	case name != "":
		f, err := report.ParseFormat(name)
		return f, cli.AsWrong(err)
	case ext == "txt" || ext == "":
		return report.Text, nil
	}
	f, err := report.ParseFormat(ext)
	if err != nil {
		return f, cli.Wrong("-o %s: its extension is none of txt, md, csv, json, tex: say the -format", file)
	}
	return f, nil
}

// PrintReadable prints a table for whoever reads standard output: on a terminal
// fitted to its width and with the best values marked, elsewhere as plain text.
func PrintReadable(env *cli.Env, t *report.Table) error {
	if f, ok := env.Terminal(); ok {
		if columns, _, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 {
			return t.WriteWithin(env.Stdout, columns, os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb")
		}
	}
	return t.Write(env.Stdout, report.Text)
}

// resultsIn finds the results of a run directory.
func resultsIn(path string) string {
	if _, err := os.Stat(filepath.Join(path, ood.ResultsFile)); err == nil {
		return path
	}
	if inner := filepath.Join(path, EvalDir); IsFile(filepath.Join(inner, ood.ResultsFile)) {
		return inner
	}
	return path
}

func IsFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// EvalDir is where the evaluation of a run lies inside its directory.
const EvalDir = "eval"
