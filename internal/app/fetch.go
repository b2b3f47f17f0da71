package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"gradgrad/datasets"
	"gradgrad/datasets/fetch"
	"gradgrad/internal/cli"
	"gradgrad/report/progress"
)

const fetchHelp = `Downloads the files of known sets into the data folder: -data, else $GRADGRAD_DATA, else gradgrad in the user's cache
folder. Name sets (the verb sets lists them) or single files. What is there and right is not downloaded again, what was cut
off goes on where it was, and a file has its name only once it is whole and has the published digest. Where nobody
published a digest, that of the first download is recorded, and -verify compares with it.

Files that nobody may publish, and dead links: the error says where to put the file by hand.`

// fetchFlags is what fetch was asked for.
type fetchFlags struct {
	data   *string
	from   *[]string
	verify *bool
}

func setupFetch(f *cli.Flags) cli.Action {
	c := new(fetchFlags)
	f.Group("Flags")
	c.data = f.String("data", "", "DIR: the data folder (default $GRADGRAD_DATA, else the user's cache folder)")
	c.from = f.List("from", "URL,...: mirrors to try first, as URL/FILE")
	c.verify = f.Bool("verify", false, "read the files that are there and compare their digests; use no network")
	return c.run
}

func (c *fetchFlags) run(ctx context.Context, env *cli.Env, args []string) error {
	sources, err := wantedFiles(args)
	if err != nil {
		return err
	}
	folders, err := datasets.DataFolders(*c.data)
	if err != nil {
		return err
	}
	f := &fetch.Fetcher{Dir: folders[0], Mirrors: *c.from, Log: env.Say}
	var failed []error
	for _, s := range sources {
		if err := c.one(ctx, env, f, s); err != nil {
			if ctx.Err() != nil || len(sources) == 1 {
				return err
			}
			env.Say("%v", err)
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d files are missing or wrong", len(failed), len(sources))
	}
	return nil
}

// wantedFiles are the files of the named sets, and those named themselves.
func wantedFiles(names []string) ([]fetch.Source, error) {
	var out []fetch.Source
	var sets []string
	for _, s := range fetch.Sources() {
		if !slices.Contains(sets, s.Set) {
			sets = append(sets, s.Set)
		}
		if slices.Contains(names, s.Set) || slices.Contains(names, s.File) {
			out = append(out, s)
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(out, func(s fetch.Source) bool { return s.Set == name || s.File == name }) {
			return nil, cli.Wrong("there is no set or file %q to fetch; there are %s", name, strings.Join(sets, ", "))
		}
	}
	if len(out) == 0 {
		return nil, cli.Wrong("name sets to fetch: %s", strings.Join(sets, ", "))
	}
	return out, nil
}

// one makes a file be there, or verifies it, and prints a line about it.
func (c *fetchFlags) one(ctx context.Context, env *cli.Env, f *fetch.Fetcher, s fetch.Source) error {
	verb := "fetching "
	if *c.verify {
		verb = "reading "
	}
	var line *progress.Line
	f.Progress = func(file string, done, total int64) {
		const mb = 1_000_000
		if line == nil {
			line = env.Progress(progress.Options{Label: verb + file, Total: total / mb, Unit: "MB"})
		}
		line.Update(done/mb, done/mb)
	}
	work := f.Get
	if *c.verify {
		work = f.Verify
	}
	got, err := work(ctx, s)
	if line != nil {
		line.Finish()
	}
	if err != nil {
		return err
	}
	how := "no digest is published for it; recorded SHA-256 " + got.SHA256
	if got.Published && s.SHA256 != "" {
		how = "has the published SHA-256 " + got.SHA256
	} else if got.Published {
		how = "has the published MD5 " + got.MD5
	}
	did := "was there"
	if got.Downloaded > 0 {
		did = fmt.Sprintf("%d bytes downloaded", got.Downloaded)
	}
	fmt.Fprintf(env.Stdout, "%s: %d bytes, %s; %s\n", filepath.ToSlash(got.Path), got.Bytes, did, how)
	return nil
}
