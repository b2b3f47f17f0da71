package cli

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func TestFlagsAndArgumentsInAnyOrder(t *testing.T) {
	for _, c := range []struct {
		line, rest string
		n          int
		fails      bool
	}{
		{"a b -n 3", "a b", 3, false},
		{"-n=3 a b", "a b", 3, false},
		{"a -n 3 b", "a b", 3, false},
		{"a -- -n 3", "a -n 3", 0, false},
		{"-n 3 -- -b", "-b", 3, false},
		{"a -m", "", 0, true},
		{"", "", 0, false},
	} {
		f := newFlags("test")
		n := f.Int("n", 0, "N: a number")
		rest, err := f.parse(strings.Fields(c.line))
		if (err != nil) != c.fails || err == nil && (strings.Join(rest, " ") != c.rest || *n != c.n) {
			t.Errorf("%q: arguments %q, n %d, error %v", c.line, rest, *n, err)
		}
	}
}

func TestList(t *testing.T) {
	f := newFlags("test")
	l := f.List("l", "A,...: things")
	if _, err := f.parse(strings.Fields("-l a,b -l c")); err != nil {
		t.Fatal(err)
	}
	if want := []string{"a", "b", "c"}; !reflect.DeepEqual(*l, want) || !f.Given("l") || f.Given("m") {
		t.Errorf("%q", *l)
	}
	if _, err := newFlags("test").parse([]string{"-l", "a"}); err == nil {
		t.Error("an unknown flag was taken")
	}
}

func TestFloat(t *testing.T) {
	for text, want := range map[string]float64{"0.25": .25, "-1e3": -1000, "0": 0} {
		f := newFlags("test")
		x := f.Float("x", 7, "X: a number")
		if _, err := f.parse([]string{"-x", text}); err != nil || *x != want {
			t.Errorf("%s: %g, %v", text, *x, err)
		}
	}
	for _, text := range []string{"1e-400", "-1e-60", "1e400", "x", ""} {
		f := newFlags("test")
		x := f.Float("x", 7, "X: a number")
		if _, err := f.parse([]string{"-x=" + text}); err == nil || *x != 7 {
			t.Errorf("%q was read as %g", text, *x)
		}
	}
}

func TestExitCode(t *testing.T) {
	for want, errs := range map[int][]error{
		OK:      {nil, flag.ErrHelp, fmt.Errorf("x: %w", flag.ErrHelp)},
		Failure: {errors.New("x"), context.DeadlineExceeded},
		Misuse:  {Wrong("x %d", 1), fmt.Errorf("y: %w", Wrong("x")), AsWrong(errors.New("x"))},
		Stopped: {&Interrupted{}, fmt.Errorf("y: %w", &Interrupted{}), fmt.Errorf("y: %w", context.Canceled)},
	} {
		for _, err := range errs {
			if got := ExitCode(err); got != want {
				t.Errorf("%v: exit code %d, not %d", err, got, want)
			}
		}
	}
	if AsWrong(nil) != nil {
		t.Error("no error became one")
	}
}

func TestQuote(t *testing.T) {
	for want, words := range map[string][]string{
		"a b/c-d_e.f=1,2:3":  {"a", "b/c-d_e.f=1,2:3"},
		`'a b' 'it'\''s' ''`: {"a b", "it's", ""},
		`'shapes#80' '$x'`:   {"shapes#80", "$x"},
	} {
		if got := Quote(words...); got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}

func TestInvocation(t *testing.T) {
	for exe, want := range map[string]string{
		"/tmp/go-build123/b001/exe/cifar": "go run ./cmd/cifar",
		"./cifar":                         "./cifar",
		"/home/a b/cifar":                 "'/home/a b/cifar'",
	} {
		if got := (&Env{Argv: []string{exe}}).Invocation("./cmd/cifar"); got != want {
			t.Errorf("%s: %s, not %s", exe, got, want)
		}
	}
}

// program is a small one for tests.
func program(act Action) *Program {
	return &Program{Name: "p", About: "test", Default: "do", Version: func() string { return "p 1" },
		Verbs: []Verb{{Name: "do", About: "does it", Setup: func(f *Flags) Action {
			f.Int("n", 2, "N: how often it is done")
			return act
		}}}}
}

func TestMainPrintsOneLine(t *testing.T) {
	var out, errs bytes.Buffer
	p := program(func(context.Context, *Env, []string) error {
		return errors.Join(errors.New("first"), errors.New("second"))
	})
	if code := p.Main([]string{"p"}, &out, &errs); code != Failure {
		t.Errorf("exit code %d", code)
	}
	if got, want := errs.String(), "p: do: first; second\n"; got != want || out.Len() > 0 {
		t.Errorf("%q and %q", got, out.String())
	}
	out.Reset()
	if code := p.Main([]string{"p", "do", "-h"}, &out, &errs); code != OK || !strings.Contains(out.String(), "-n N                   how often it is done (default 2)") {
		t.Errorf("exit code %d, help:\n%s", code, out.String())
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestOutputThatCannotBeWritten(t *testing.T) {
	p := program(func(_ context.Context, env *Env, _ []string) error {
		fmt.Fprintln(env.Stdout, "a result")
		return nil
	})
	for _, args := range []string{"p", "p help", "p help do", "p do -h", "p version"} {
		var errs bytes.Buffer
		if code := p.Main(strings.Fields(args), full{}, &errs); code != Failure || !strings.Contains(errs.String(), "standard output: no space") {
			t.Errorf("%s: exit code %d, %q", args, code, errs.String())
		}
	}
}

func TestSentence(t *testing.T) {
	for in, want := range map[string]string{
		"train: greg: models: no such thing": "train: no such thing",
		"greg: one\nood: two":                "one; two",
		"runs/greg: data set ood: bad":       "runs/greg: data set ood: bad",
	} {
		if got := sentence(in); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

// TestVerbThatIsCalledLikeAPackage keeps its name in front of its errors.
func TestVerbThatIsCalledLikeAPackage(t *testing.T) {
	fails := func(*Flags) Action {
		return func(context.Context, *Env, []string) error { return errors.New("report: runs/x: ood: no results") }
	}
	p := &Program{Name: "p", Verbs: []Verb{{Name: "report", Setup: fails}, {Name: "table", Setup: fails}}}
	for _, verb := range []string{"report", "table"} {
		var out, errs bytes.Buffer
		if code := p.Main([]string{"p", verb}, &out, &errs); code != Failure || errs.String() != "p: "+verb+": runs/x: no results\n" {
			t.Errorf("%s: exit code %d, %q", verb, code, errs.String())
		}
	}
}

func TestCancellationIsAnInterruption(t *testing.T) {
	var out, errs bytes.Buffer
	p := program(func(context.Context, *Env, []string) error { return fmt.Errorf("shapes: %w", context.Canceled) })
	if code := p.Main([]string{"p"}, &out, &errs); code != Stopped || errs.String() != "p: do: interrupted\n" {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
	if err := asInterrupted(fmt.Errorf("y: %w", &Interrupted{Advice: "go on"})); !strings.Contains(err.Error(), "go on") {
		t.Errorf("advice is lost: %v", err)
	}
}

func TestQuiet(t *testing.T) {
	var out, errs bytes.Buffer
	p := program(func(_ context.Context, env *Env, _ []string) error {
		env.Say("a message")
		fmt.Fprintln(env.Stdout, "a result")
		return nil
	})
	p.Main([]string{"p", "do", "-quiet"}, &out, &errs)
	if out.String() != "a result\n" || errs.Len() > 0 {
		t.Errorf("%q and %q", out.String(), errs.String())
	}
	p.Main([]string{"p"}, &out, &errs)
	if errs.String() != "a message\n" {
		t.Errorf("%q", errs.String())
	}
}

func TestWrap(t *testing.T) {
	if got, want := wrap("aa bb cc dd", 2, 8), "aa bb\n  cc dd"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
