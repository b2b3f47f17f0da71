package app

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"gradgrad/internal/cli"
	"gradgrad/internal/sweep"
)

// TestEpochsByClasses: POEM has twice as many epochs for CIFAR-100.
func TestEpochsByClasses(t *testing.T) {
	counted := 0
	e := &epochs{x: small, classes: map[string]int{}, count: func(spec string) (int, error) {
		counted++
		if spec == "photos" {
			return 100, nil
		}
		return 0, errors.New("it is not here")
	}}
	for _, x := range []struct {
		train   sweep.Flags
		want    int
		counted int // how often so far
	}{
		{sweep.Flags{"id": "cifar100", "method": "poem"}, 200, 0},
		{sweep.Flags{"id": "cifar10", "method": "poem"}, 100, 0},
		{sweep.Flags{"id": "imagenet20", "method": "poem"}, 100, 0},
		{sweep.Flags{"id": "cifar100", "method": "poem", "epochs": "7"}, 7, 0},
		{sweep.Flags{"id": "elsewhere"}, 20, 0},
		{sweep.Flags{"id": "photos", "method": "poem"}, 200, 1},
		{sweep.Flags{"id": "photos", "method": "poem"}, 200, 1},
		{sweep.Flags{"id": "cifar100=elsewhere", "method": "poem"}, 200, 2},
	} {
		if got, err := e.of(x.train); err != nil || got != x.want || counted != x.counted {
			t.Errorf("%v: %d epochs (%v), want %d; %d sets opened, want %d", x.train, got, err, x.want, counted, x.counted)
		}
	}
	for says, train := range map[string]sweep.Flags{
		"say epochs":          {"id": "elsewhere", "method": "poem"},
		"no method named":     {"id": "cifar10", "method": "poe"},
		"parsing \"a dozen\"": {"epochs": "a dozen"},
	} {
		if _, err := e.of(train); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v: %v, want %q in it", train, err, says)
		}
	}
	opened := flagsOf(t, small).newEpochs(context.Background(), quiet())
	if n, err := opened.classesOf("shapes#20"); n != 10 || err != nil {
		t.Errorf("shapes of %d classes: %v", n, err)
	}
}

// TestScaleOfTable5 halves the table whose methods differ in their epochs.
func TestScaleOfTable5(t *testing.T) {
	s := flagsOf(t, small)
	*s.scale = 0.5
	var said bytes.Buffer
	env := &cli.Env{Stdout: new(bytes.Buffer), Stderr: &said, Argv: []string{"cifar"}}
	sw, err := s.read(context.Background(), env, "../../sweeps/table5.toml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "cifar100/densenet101/poem-1: -epochs 100 instead of 200\n"; !strings.Contains(said.String(), want) {
		t.Errorf("it does not say %q:\n%s", want, said.String())
	}
	for _, r := range sw.Runs {
		c, err := small.Preset(r.Train["method"], 100)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.epochs.of(r.Train); err != nil || 2*n != c.Epochs {
			t.Errorf("%s: %d epochs (%v), want half of %d", r.Name, n, err, c.Epochs)
		}
	}
}
