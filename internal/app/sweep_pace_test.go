package app

import (
	"testing"
	"time"

	"gradgrad/internal/sweep"
)

func TestPace(t *testing.T) {
	run := func(name, method, epochs, seed string) sweep.Run {
		return sweep.Run{Name: name, Train: sweep.Flags{"method": method, "epochs": epochs, "seed": seed}}
	}
	ce, first, second, other := run("ce", "ce", "10", "1"), run("a", "greg", "4", "1"), run("b", "greg", "8", "2"), run("c", "dos", "5", "1")
	runs := []sweep.Run{ce, first, second, other}
	p := &pace{epochs: &epochs{x: small}, done: map[string]bool{}, kinds: map[string]rate{}}
	if got := p.left(runs); got != "" {
		t.Errorf("nothing is measured, and yet%s", got)
	}
	p.add(ce, 600) // a minute an epoch
	if got, want := p.left(runs[1:]), " (3 to go, about 17m00s; 3 unlike those before, guessed from their mean)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.add(first, 960) // four minutes an epoch
	if got, want := p.left(runs[2:3]), " (1 to go, about 32m00s)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	// 26 minutes for 14 epochs; five of them for the last
	if got, want := p.left(runs), " (2 to go, about 41m17s; 1 unlike those before, guessed from their mean)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	p.add(second, 0) // by a program that did not measure
	p.add(other, 100)
	if got := p.left(runs); got != "" {
		t.Errorf("all is done, and yet%s", got)
	}
	poem := func(seed string) sweep.Run {
		return sweep.Run{Name: "poem-" + seed, Train: sweep.Flags{"method": "poem", "id": "cifar100", "seed": seed}}
	}
	p.add(poem("1"), 200) // a second an epoch
	if got, want := p.left([]sweep.Run{poem("2")}), " (1 to go, about 3m20s)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := whole(30*time.Second, 100, 400); got != 40 {
		t.Errorf("a run whose last three quarters took 30 s would take %g s", got)
	}
	if got := whole(time.Second, 5, 5); got != 0 {
		t.Errorf("a run without a step takes %g s", got)
	}
}
