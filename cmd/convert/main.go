// Command convert turns checkpoints of PyTorch into safetensors files and back,
// under the names of the public repositories.
//
//	convert densenet.pth.tar densenet.safetensors
//	convert -names dice runs/greg densenet.pth.tar
//
// Exit codes are those of package internal/cli.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"gradgrad/checkpoint"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/models"
)

func main() { os.Exit(program().Main(os.Args, os.Stdout, os.Stderr)) }

func program() *cli.Program {
	return &cli.Program{
		Name:     "convert",
		About:    "turn checkpoints of PyTorch into safetensors files and back",
		Default:  "help",
		Implicit: "file",
		Verbs: []cli.Verb{
			{Name: "file", About: "convert a checkpoint", Args: "IN OUT", Help: fileHelp(), Setup: setupFile},
			{Name: "show", About: "what a checkpoint holds", Args: "FILE", Help: showHelp, Setup: setupShow},
		},
		Version: func() string { return greg.ThisProgram().Line("convert") },
	}
}

func fileHelp() string {
	var b strings.Builder
	b.WriteString("Reads the weights of a network (a run directory, a .safetensors or a PyTorch file; nothing in it is executed),\n" +
		"makes sure that they are complete and of a network that this project knows, and writes them as OUT's extension says:\n" +
		".safetensors, or .pth, .pt, .tar for a file that torch.load reads. Only weights and running statistics are kept,\n" +
		"with what the file says about them; an optimiser's state is not. Weights that are NaN or infinite are converted as they\n" +
		"are, with a warning.\n\nNames, which -names chooses:\n")
	for _, n := range models.Namings() {
		fmt.Fprintf(&b, "  %-16s %s\n", n.Name, n.About)
	}
	b.WriteString("\nArchitectures: " + strings.Join(models.Known(), ", ") + ".\n\n" +
		"Example: convert densenet.pth.tar densenet.safetensors\n" +
		"         convert -names greg runs/greg densenet.pth")
	return b.String()
}

type fileFlags struct {
	names, arch *string
	classes     *int
	force       *bool
}

func setupFile(f *cli.Flags) cli.Action {
	c := new(fileFlags)
	c.names = f.String("names", "gradgrad", "NAME: how OUT names the tensors, see above")
	c.arch = f.String("arch", "", "NAME: architecture, where the file does not tell")
	c.classes = f.Int("classes", 10, "N: number of logits, where the file does not tell")
	c.force = f.Bool("force", false, "replace OUT if it is there")
	return c.run
}

func (c *fileFlags) run(ctx context.Context, env *cli.Env, args []string) error {
	if len(args) != 2 {
		return cli.Wrong("name two files: the one to read and the one to write")
	}
	in, out := args[0], args[1]
	naming, err := models.FindNaming(*c.names)
	if err != nil {
		return cli.AsWrong(err)
	}
	write, err := writer(out, naming)
	if err != nil {
		return err
	}
	if _, err := os.Stat(out); err == nil && !*c.force {
		return fmt.Errorf("%s is there already: choose another name, or -force to replace it", out)
	}
	w, err := cli.ReadWeights(ctx, in, *c.arch, *c.classes)
	if err != nil {
		return err
	}
	m, err := w.Network(kernels.CPU)
	if err != nil {
		return err
	}
	f, err := models.State(m)
	if err != nil {
		return err
	}
	for key, value := range w.File.Metadata {
		if _, set := f.Metadata[key]; !set {
			f.Metadata[key] = value
		}
	}
	if err := write(out, models.Rename(f, naming)); err != nil {
		return err
	}
	if w := warning(f); w != "" {
		env.Complain("%s: %s", out, w)
	}
	env.Say("%s: %s, %d classes, %d tensors with the names of %s", out, w.Model.Arch, w.Model.Classes, len(f.Tensors), naming.Name)
	return nil
}

// writer is how a file of that name is written.
func writer(path string, n models.Naming) (func(string, *checkpoint.File) error, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".safetensors":
		return checkpoint.Write, nil
	case ".pth", ".pt", ".tar":
		return func(path string, f *checkpoint.File) error { return checkpoint.WritePyTorch(path, f, n.Key) }, nil
	default:
		return nil, cli.Wrong("%s: the extension of the file to write must be .safetensors, .pth, .pt or .tar", path)
	}
}
