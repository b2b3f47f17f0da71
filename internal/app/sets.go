package app

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"

	"gradgrad/datasets"
	"gradgrad/datasets/fetch"
	"gradgrad/internal/cli"
)

const setsHelp = `Lists the sets that can be named, whether each is there, and where it would be looked for: in -data, $GRADGRAD_DATA
and gradgrad in the user's cache folder. With names, tells more about these: their files, the digests published for them,
and what as=PROTOCOL stands for.`

func setupSets(f *cli.Flags) cli.Action {
	f.Group("Flags")
	data := f.String("data", "", "DIR: look there first")
	return func(_ context.Context, env *cli.Env, args []string) error {
		folders, err := datasets.DataFolders(*data)
		if err != nil {
			return err
		}
		if len(args) == 0 {
			return listSets(env, *data, folders)
		}
		for _, name := range args {
			i := slices.IndexFunc(datasets.KnownSets(), func(k datasets.KnownSet) bool { return k.Name == name })
			if i < 0 {
				return cli.Wrong("there is no set %q; there are %s", name, strings.Join(datasets.Known(), ", "))
			}
			tellSet(env, *data, datasets.KnownSets()[i])
		}
		return nil
	}
}

// listSets prints a line for each set.
func listSets(env *cli.Env, data string, folders []string) error {
	w := table.NewWriter()
	w.SetStyle(table.StyleLight)
	w.Style().Options = table.OptionsNoBordersAndSeparators
	w.AppendHeader(table.Row{"set", "train", "test", "pixels", "normalise", "there", "what"})
	for _, k := range datasets.KnownSets() {
		w.AppendRow(table.Row{k.Name, count(k.Train), count(k.Test), count(k.Side), dash(k.Normalize), whereIs(k, data), k.About})
	}
	fmt.Fprintf(env.Stdout, "%s\n", w.Render())
	fmt.Fprintf(env.Stdout, "\nlooked for in %s\nsynthetic sets, which need no files: %s\n", strings.Join(folders, ", "), strings.Join(datasets.SyntheticNames(), ", "))
	return nil
}

// whereIs is what there is of a set: both splits where they lie apart.
func whereIs(k datasets.KnownSet, data string) string {
	var found []string
	for _, train := range []bool{false, true} {
		if path, err := datasets.Locate(k.Name, datasets.Options{Root: data, Train: train}); err == nil && !slices.Contains(found, filepath.Base(path)) {
			found = append(found, filepath.Base(path))
		}
	}
	return dash(strings.Join(found, ", "))
}

func count(n int) string {
	if n == 0 {
		return "-"
	}
	return Thousands(n)
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// tellSet prints all that is known of a set.
func tellSet(env *cli.Env, data string, k datasets.KnownSet) {
	say := func(name, format string, a ...any) {
		fmt.Fprintf(env.Stdout, "  %-10s %s\n", name, fmt.Sprintf(format, a...))
	}
	fmt.Fprintf(env.Stdout, "%s: %s\n", k.Name, k.About)
	say("images", "train %s, test %s, of %s pixels", count(k.Train), count(k.Test), count(k.Side))
	if path, err := datasets.Locate(k.Name, datasets.Options{Root: data}); err == nil {
		say("there", "%s", path)
	} else {
		say("missing", "%v", err)
	}
	if k.Normalize != "" {
		say("normalise", "%s, as the in-distribution set", k.Normalize)
	}
	for _, name := range slices.Sorted(maps.Keys(k.Protocols)) {
		what := "all images, read as usual"
		if options := k.Protocols[name]; options != "" {
			what = "#" + options
		}
		say("#as="+name, "%s", what)
	}
	for _, s := range fetch.For(k.Name) {
		digest := "no digest published"
		if s.SHA256 != "" {
			digest = "SHA-256 " + s.SHA256
		} else if s.MD5 != "" {
			digest = "MD5 " + s.MD5
		}
		say("file", "%s, %s", s.File, digest)
		for _, url := range s.URLs {
			say("", "%s", url)
		}
		if s.Note != "" {
			say("", "%s", s.Note)
		}
	}
	if k.Needs != "" {
		say("needs", "%s", k.Needs)
	}
}
