package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestCommandsOfTheDocuments reads the flags of every command that the documents give:
// all must exist and take what is written, though nothing is run.
func TestCommandsOfTheDocuments(t *testing.T) {
	commands := 0
	for _, file := range []string{"README.md", "docs/methods.md", "docs/reproduction.md", "docs/performance.md", "sweeps/README.md"} {
		data, err := os.ReadFile("../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.ReplaceAll(string(data), "\\\n", " "), "\n") {
			if args := command(line); args != nil {
				commands++
				readsFlags(t, file, args)
			}
		}
	}
	if commands < 20 {
		t.Errorf("only %d commands were found in the documents", commands)
	}
}

// TestFlagsOfMethods reads every flag that docs/methods.md names in its text.
func TestFlagsOfMethods(t *testing.T) {
	data, err := os.ReadFile("../../docs/methods.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("`(-[a-z][^`]*)`").FindAllStringSubmatch(string(data), -1)
	if len(found) < 20 {
		t.Errorf("only %d flags were found", len(found))
	}
	for _, m := range found {
		args := strings.Fields(m[1])
		if len(args) == 1 { // a flag without its value
			if r := helpOf(t, "train"); !strings.Contains(r, "\n  "+args[0]+" ") {
				t.Errorf("train has no flag %s", args[0])
			}
			continue
		}
		readsFlags(t, "docs/methods.md", append([]string{"train"}, args...))
	}
}

// command is the command line of this program in a line of a code block, or nil.
func command(line string) []string {
	if !strings.HasPrefix(line, "    ") {
		return nil
	}
	line, _, _ = strings.Cut(line, " # ")
	words := strings.Fields(strings.ReplaceAll(line, "'", ""))
	for _, way := range []string{"go run ./cmd/cifar", "cifar", "build/cifar"} {
		if rest, ok := strings.CutPrefix(strings.Join(words, " "), way+" "); ok {
			return strings.Fields(rest)
		}
	}
	return nil
}

// readsFlags wants a command's flags to be read without an error.
func readsFlags(t *testing.T, file string, args []string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := program().Main(append(append([]string{"cifar"}, args...), "-h"), &out, &errs); code != 0 {
		t.Errorf("%s: cifar %s: %s", file, strings.Join(args, " "), errs.String())
	}
}

func helpOf(t *testing.T, verb string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := program().Main([]string{"cifar", verb, "-h"}, &out, &errs); code != 0 {
		t.Fatal(errs.String())
	}
	return out.String()
}
