package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/term"

	"gradgrad/report/progress"
)

// Program is a command-line program: a list of verbs.
type Program struct {
	Name    string
	About   string // one line
	Default string // the verb when there are no arguments; "help" for the list of verbs
	// Implicit is the verb that is meant when the first argument is no verb, so that
	// it can be left out; "" where a verb must be named.
	Implicit string
	Verbs    []Verb
	Version  func() string // one line
}

// Verb is one thing that a program does.
type Verb struct {
	Name  string
	About string // one line
	Args  string // what stands after the flags, such as "DIR..."; "" for nothing
	Help  string // paragraphs above the flags
	// Setup defines the verb's flags and returns what to do once they are read.
	Setup func(f *Flags) Action
}

// Action does the work of a verb. It ends early, in good order, when ctx is
// cancelled.
type Action func(ctx context.Context, env *Env, args []string) error

// Env is the world as a verb sees it.
type Env struct {
	Stdout, Stderr io.Writer
	Argv           []string // the whole command line
	Quiet          bool     // no progress and no messages
}

// Say writes a message line to standard error.
func (e *Env) Say(format string, a ...any) {
	if !e.Quiet {
		fmt.Fprintf(e.Stderr, format+"\n", a...)
	}
}

// Complain writes a line to standard error that -quiet does not silence.
func (e *Env) Complain(format string, a ...any) { fmt.Fprintf(e.Stderr, format+"\n", a...) }

// Progress begins a progress line on standard error.
func (e *Env) Progress(o progress.Options) *progress.Line {
	if e.Quiet {
		o.Mode = progress.Quiet
	}
	return progress.New(e.Stderr, o)
}

// Main runs the verb that argv names and returns the exit code.
func (p *Program) Main(argv []string, stdout, stderr io.Writer) int {
	out := &output{w: stdout}
	env := &Env{Stdout: out, Stderr: stderr, Argv: argv}
	err := p.run(env, argv[1:])
	if out.err != nil && (err == nil || errors.Is(err, flag.ErrHelp)) {
		err = fmt.Errorf("cannot write to standard output: %w", cause(out.err))
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) && !errors.As(err, new(*Outcome)) {
		fmt.Fprintf(stderr, "%s: %s\n", p.Name, p.message(err))
	}
	return ExitCode(err)
}

// output is standard output that remembers whether it could be written, so that
// not every line must ask.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil && o.err == nil {
		o.err = err
	}
	return n, err
}

// Terminal is the file behind standard output if that is a terminal.
func (e *Env) Terminal() (f *os.File, ok bool) {
	w := e.Stdout
	if o, wrapped := w.(*output); wrapped {
		w = o.w
	}
	f, ok = w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

func (p *Program) run(env *Env, args []string) error {
	if len(args) == 0 {
		args = []string{p.Default}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		if len(args) > 1 {
			v, err := p.verb(args[1])
			if err != nil {
				return err
			}
			return p.runVerb(env, v, []string{"-h"})
		}
		p.help(env.Stdout)
		return nil
	case "version", "-version", "--version":
		fmt.Fprintf(env.Stdout, "%s\n", p.Version())
		return nil
	}
	v, err := p.verb(args[0])
	if err != nil && p.Implicit != "" {
		args = append([]string{p.Implicit}, args...)
		v, err = p.verb(args[0])
	}
	if err != nil {
		return err
	}
	return p.runVerb(env, v, args[1:])
}

func (p *Program) verb(name string) (Verb, error) {
	var names []string
	for _, v := range p.Verbs {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return Verb{}, Wrong("there is no verb %q; there are %s (see %s help)", name, strings.Join(names, ", "), p.Name)
}

func (p *Program) runVerb(env *Env, v Verb, args []string) (err error) {
	act, always, rest, err := p.prepare(env, v, args)
	if err != nil {
		return err
	}
	env.Quiet = *always.quiet
	stop, err := profile(*always.cpu, *always.mem)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	ctx, done := Interrupts(context.Background(), env)
	defer done()
	return p.perform(ctx, env, v, act, rest)
}

// Call runs a verb as a part of another one: under its context, in its world.
// env.Argv becomes the command line that does the same.
func (p *Program) Call(ctx context.Context, env *Env, verb string, args []string) error {
	v, err := p.verb(verb)
	if err != nil {
		return err
	}
	inner := *env
	inner.Argv = append([]string{env.Argv[0], verb}, args...)
	act, _, rest, err := p.prepare(&inner, v, args)
	if err != nil {
		return err
	}
	return p.perform(ctx, &inner, v, act, rest)
}

// common are the flags that every verb has.
type common struct {
	quiet    *bool
	cpu, mem *string
}

// prepare reads a verb's flags.
func (p *Program) prepare(env *Env, v Verb, args []string) (act Action, always common, rest []string, err error) {
	f := newFlags(v.Name)
	act = v.Setup(f)
	f.Group("Always")
	always.quiet = f.Bool("quiet", false, "print results and errors only")
	always.cpu = f.String("cpuprofile", "", "FILE: write a CPU profile, for go tool pprof")
	always.mem = f.String("memprofile", "", "FILE: write a memory profile at the end")
	rest, err = f.parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.verbHelp(env.Stdout, v, f)
	case err != nil:
		err = Wrong("%s: %w (see %s %s -h)", v.Name, err, p.Name, v.Name)
	case len(rest) > 0 && v.Args == "":
		err = Wrong("%s: the argument %q is not a flag, and this verb takes flags only (see %s %s -h)", v.Name, rest[0], p.Name, v.Name)
	}
	return act, always, rest, err
}

func (p *Program) perform(ctx context.Context, env *Env, v Verb, act Action, rest []string) error {
	if err := asInterrupted(act(ctx, env, rest)); err != nil {
		return fmt.Errorf("%s: %w", v.Name, err)
	}
	return nil
}

func (p *Program) help(w io.Writer) {
	fmt.Fprintf(w, "%s - %s\n\nUsage: %s VERB [flags]\n\n", p.Name, p.About, p.Name)
	for _, v := range p.Verbs {
		note := ""
		if v.Name == p.Default {
			note = " (also without any argument)"
		}
		if v.Name == p.Implicit {
			note = " (its name can be left out)"
		}
		fmt.Fprintf(w, "  %-9s %s%s\n", v.Name, v.About, note)
	}
	fmt.Fprintf(w, "  %-9s this text; %s help VERB or %s VERB -h: flags of a verb\n", "help", p.Name, p.Name)
	fmt.Fprintf(w, "  %-9s what this program is\n", "-version")
	fmt.Fprintf(w, "\nExit codes: 0 done, 1 error, 2 wrong flags, 130 interrupted (go run turns all failures into 1).\n")
}

func (p *Program) verbHelp(w io.Writer, v Verb, f *Flags) {
	usage := p.Name + " " + v.Name + " [flags]"
	if v.Args != "" {
		usage += " " + v.Args
	}
	fmt.Fprintf(w, "%s %s - %s\n\nUsage: %s\n", p.Name, v.Name, v.About, usage)
	if v.Help != "" {
		fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(v.Help))
	}
	f.help(w)
}

// Invocation is how the user can run the program again: as it was run or, for a
// program that go run has built for the moment, go run and its package.
func (e *Env) Invocation(pkg string) string {
	exe := e.Argv[0]
	for _, part := range strings.Split(filepath.ToSlash(exe), "/") {
		if strings.HasPrefix(part, "go-build") {
			return "go run " + pkg
		}
	}
	return Quote(exe)
}

// Quote writes words as a POSIX shell reads them.
func Quote(words ...string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = w
		plain := strings.Trim(w, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=,:+@%") == ""
		if w == "" || !plain {
			quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}

// Create makes a directory that a verb will write to, and says so plainly when it
// cannot.
func Create(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("cannot make the directory %s: %w; choose another one with -out", dir, cause(err))
	}
	return nil
}

// cause is the reason inside an error of package os, without the path again.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
