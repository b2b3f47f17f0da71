package cli

import (
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"gradgrad/internal/number"
)

// Flags are the flags of a verb, in the order and the groups of its help text.
type Flags struct {
	set    *flag.FlagSet
	groups []group
}

type group struct {
	title string
	flags []string
}

func newFlags(name string) *Flags {
	f := &Flags{set: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.set.SetOutput(io.Discard) // errors and help are printed by Program
	return f
}

// Group begins a group of the help text.
func (f *Flags) Group(title string) { f.groups = append(f.groups, group{title: title}) }

func (f *Flags) note(name string) {
	if len(f.groups) == 0 {
		f.Group("Flags")
	}
	g := &f.groups[len(f.groups)-1]
	g.flags = append(g.flags, name)
}

// String, Int, Float, Bool and Var define a flag. Usage begins with the name of the
// value where there is one: "DIR: where the run goes", "paper|code: variant".
func (f *Flags) String(name, value, usage string) *string {
	f.note(name)
	return f.set.String(name, value, usage)
}

// Int is described at String.
func (f *Flags) Int(name string, value int, usage string) *int {
	f.note(name)
	return f.set.Int(name, value, usage)
}

// Float is described at String.
func (f *Flags) Float(name string, value float64, usage string) *float64 {
	v := floatValue(value)
	f.Var(&v, name, usage)
	return (*float64)(&v)
}

// floatValue is a number as [number.Parse] reads it.
type floatValue float64

func (v *floatValue) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }

// Set implements flag.Value.
func (v *floatValue) Set(text string) error {
	x, err := number.Parse(text)
	if err == nil {
		*v = floatValue(x)
	}
	return err
}

// Bool is described at String.
func (f *Flags) Bool(name string, value bool, usage string) *bool {
	f.note(name)
	return f.set.Bool(name, value, usage)
}

// Var is described at String.
func (f *Flags) Var(v flag.Value, name, usage string) {
	f.note(name)
	f.set.Var(v, name, usage)
}

// Repeated defines a flag that may be given several times; a value may hold commas.
func (f *Flags) Repeated(name, usage string) *[]string {
	r := new(repeated)
	f.Var(r, name, usage)
	return (*[]string)(r)
}

type repeated []string

func (r *repeated) String() string { return strings.Join(*r, " ") }

// Set implements flag.Value.
func (r *repeated) Set(text string) error {
	*r = append(*r, text)
	return nil
}

// List defines a flag that takes values separated by commas and may be repeated.
func (f *Flags) List(name, usage string) *[]string {
	l := new(list)
	f.Var(l, name, usage)
	return (*[]string)(l)
}

// Given reports whether the user wrote the flag.
func (f *Flags) Given(name string) bool {
	given := false
	f.set.Visit(func(g *flag.Flag) { given = given || g.Name == name })
	return given
}

// parse reads flags and arguments in any order; what follows -- is no flag.
func (f *Flags) parse(args []string) (rest []string, err error) {
	for {
		if err := f.set.Parse(args); err != nil {
			return nil, err
		}
		left := f.set.Args()
		if len(left) == 0 {
			return rest, nil
		}
		if seen := len(args) - len(left); seen > 0 && args[seen-1] == "--" {
			return append(rest, left...), nil
		}
		rest, args = append(rest, left[0]), left[1:]
	}
}

// The columns of help texts.
const (
	headWidth = 22
	textWidth = 110
)

// help writes all groups.
func (f *Flags) help(w io.Writer) {
	for _, g := range f.groups {
		fmt.Fprintf(w, "\n%s:\n", g.title)
		for _, name := range g.flags {
			def := f.set.Lookup(name)
			value, usage, named := strings.Cut(def.Usage, ": ")
			if !named || strings.Contains(value, " ") {
				value, usage = "", def.Usage
			}
			head := "-" + name
			if value != "" {
				head += " " + value
			}
			if def.DefValue != "" && def.DefValue != "false" && def.DefValue != "0" {
				usage += " (default " + def.DefValue + ")"
			}
			if len(head) > headWidth {
				head += "\n" + strings.Repeat(" ", headWidth+2)
			}
			fmt.Fprintf(w, "  %-*s %s\n", headWidth, head, wrap(usage, headWidth+3, textWidth))
		}
	}
}

// Wrap breaks a paragraph into lines for a help text.
func Wrap(text string) string { return wrap(text, 0, textWidth) }

// wrap breaks text into lines of at most width columns, all but the first
// indented.
func wrap(text string, indent, width int) string {
	var b strings.Builder
	column := indent
	for i, word := range strings.Fields(text) {
		if i > 0 && column+1+len(word) > width {
			b.WriteString("\n" + strings.Repeat(" ", indent))
			column = indent
		} else if i > 0 {
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += len(word)
	}
	return b.String()
}

type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(text string) error {
	for _, part := range strings.Split(text, ",") {
		if part = strings.TrimSpace(part); part == "" {
			return fmt.Errorf("an entry of the list is empty")
		} else {
			*l = append(*l, part)
		}
	}
	return nil
}
