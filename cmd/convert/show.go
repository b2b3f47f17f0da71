package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gradgrad/checkpoint"
	"gradgrad/internal/cli"
	"gradgrad/models"
)

const showHelp = `Prints the network that a checkpoint holds, what else it says, and the name, type and shape of every tensor, with how
many of its elements are NaN or infinite.`

func setupShow(*cli.Flags) cli.Action {
	return func(ctx context.Context, env *cli.Env, args []string) error {
		if len(args) != 1 {
			return cli.Wrong("name one file")
		}
		f, err := checkpoint.Open(ctx, args[0])
		if err != nil {
			return err
		}
		show(env, f)
		return nil
	}
}

func show(env *cli.Env, f *checkpoint.File) {
	if c, err := models.Guess(f); err == nil {
		fmt.Fprintf(env.Stdout, "network: %s, %d classes\n", c.Arch, c.Classes)
	} else {
		fmt.Fprintf(env.Stdout, "network: none that this project knows\n")
	}
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		fmt.Fprintf(env.Stdout, "%s: %s\n", key, f.Metadata[key])
	}
	for i := range f.Tensors {
		t := &f.Tensors[i]
		shape := make([]string, len(t.Shape))
		for i, n := range t.Shape {
			shape[i] = fmt.Sprint(n)
		}
		line := fmt.Sprintf("%-50s %-5s %s", t.Name, t.DType, strings.Join(shape, "x"))
		if what := describeNotFinite(notFinite(t)); what != "" {
			line += "  " + what
		}
		fmt.Fprintln(env.Stdout, line)
	}
}
