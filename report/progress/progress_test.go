package progress

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// clock is a time that the test moves.
type clock struct{ t time.Time }

func (c *clock) now() time.Time       { return c.t }
func (c *clock) tick(d time.Duration) { c.t = c.t.Add(d) }
func newClock() *clock                { return &clock{time.Unix(1000, 0)} }
func columns(n int) func() int        { return func() int { return n } }
func (c *clock) options(m Mode) Options {
	return Options{Label: "greg", Total: 100, Unit: "images", Mode: m, Now: c.now, Width: columns(80)}
}

func TestPlain(t *testing.T) {
	var w bytes.Buffer
	c := newClock()
	l := New(&w, c.options(Plain))
	for i := range int64(12) {
		c.tick(time.Second)
		l.Update(i+1, 24*(i+1), Term{"ce", 1.23456}, Term{"energy", 0.5})
	}
	l.Printf("checkpoint %s", "a")
	l.Finish()
	l.Finish() // again is harmless
	want := `greg 5/100 5% ETA 1m35s 24 images/s ce 1.235 energy 0.5
greg 10/100 10% ETA 1m30s 24 images/s ce 1.235 energy 0.5
checkpoint a
greg 12/100 12% ETA 1m28s 24 images/s ce 1.235 energy 0.5
`
	if w.String() != want {
		t.Errorf("got\n%s\nwant\n%s", w.String(), want)
	}
}

func TestTerminal(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	var w bytes.Buffer
	c := newClock()
	l := New(&w, c.options(Terminal))
	c.tick(time.Second)
	l.Update(1, 30)
	c.tick(redraw / 2)
	l.Update(2, 60) // too soon to be drawn
	l.Printf("saved\n")
	l.Finish()
	want := "\rgreg 1/100 1% ETA 1m39s 30 images/s\x1b[K" +
		"\r\x1b[Ksaved\n" +
		"\rgreg 2/100 2% ETA 51s 57.1 images/s\x1b[K\n"
	if w.String() != want {
		t.Errorf("got\n%q\nwant\n%q", w.String(), want)
	}
}

func TestTerminalWidthAndColour(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	var w bytes.Buffer
	c := newClock()
	o := c.options(Terminal)
	o.Width = columns(20)
	l := New(&w, o)
	c.tick(time.Second)
	l.Update(1, 30)
	if want := "\r\x1b[1mgreg\x1b[0m 1/100 1% ETA …\x1b[K"; w.String() != want {
		t.Errorf("got %q, want %q", w.String(), want)
	}
}

// A resumed run must not take credit for the steps of the one before.
func TestResumedETA(t *testing.T) {
	var w bytes.Buffer
	c := newClock()
	o := c.options(Plain)
	o.Start, o.Unit = 90, ""
	l := New(&w, o)
	c.tick(5 * time.Second)
	l.Update(91, 0)
	if want := "greg 91/100 91% ETA 45s 0.2 steps/s\n"; w.String() != want {
		t.Errorf("got %q, want %q", w.String(), want)
	}
}

// The rate is that of the last stretch, not of the whole run.
func TestRateFollows(t *testing.T) {
	var w bytes.Buffer
	c := newClock()
	o := c.options(Plain)
	o.Total, o.Every = 0, time.Hour
	l := New(&w, o)
	var units int64
	for i := range int64(200) {
		c.tick(time.Second)
		if units += 10; i >= 100 {
			units += 30
		}
		l.Update(i+1, units)
	}
	l.Finish()
	if want := "greg 200 40 images/s\n"; w.String() != want {
		t.Errorf("got %q, want %q", w.String(), want)
	}
}

func TestFirstMomentAndQuiet(t *testing.T) {
	var w bytes.Buffer
	c := newClock()
	l := New(&w, c.options(Plain))
	l.Update(1, 10) // no time has passed: no rate, no ETA
	l.Finish()
	if want := "greg 1/100 1%\n"; w.String() != want {
		t.Errorf("got %q, want %q", w.String(), want)
	}
	w.Reset()
	q := New(&w, c.options(Quiet))
	c.tick(time.Minute)
	q.Update(5, 5)
	q.Printf("words")
	q.Finish()
	if w.String() != "words\n" {
		t.Errorf("quiet wrote %q", w.String())
	}
}

// What is no terminal gets plain lines.
func TestAutoIsPlainOnAFile(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := New(f, Options{Total: 2})
	l.Update(2, 2)
	l.Finish()
	data, err := os.ReadFile(f.Name())
	if err != nil || strings.ContainsAny(string(data), "\r\x1b") || !strings.HasPrefix(string(data), "2/2 100%") {
		t.Errorf("%q, %v", data, err)
	}
}

func TestConcurrentUse(t *testing.T) {
	var w bytes.Buffer
	l := New(&w, Options{Total: 1000, Mode: Terminal, Width: columns(80)})
	var g sync.WaitGroup
	for k := range 4 {
		g.Go(func() {
			for i := range 200 {
				l.Update(int64(i), int64(i))
				l.Printf("from %d", k)
			}
		})
	}
	g.Wait()
	l.Finish()
	if n := strings.Count(w.String(), "from "); n != 800 {
		t.Errorf("%d of 800 lines", n)
	}
}

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 59499 * time.Millisecond: "59s", 59500 * time.Millisecond: "1m00s", 185 * time.Second: "3m05s",
		3599600 * time.Millisecond: "1h00m", 2*time.Hour + 3*time.Minute + 50*time.Second: "2h03m", 100 * time.Hour: "100h00m",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func Example() {
	c := newClock()
	p := New(os.Stdout, Options{Label: "greg", Total: 781, Unit: "images", Mode: Plain, Now: c.now})
	c.tick(10 * time.Second)
	p.Update(40, 2560, Term{"ce", 0.4123}, Term{"grad", 0.031})
	p.Finish()
	fmt.Println("done")
	// Output:
	// greg 40/781 5% ETA 3m05s 256 images/s ce 0.4123 grad 0.031
	// done
}

func TestThreeDigits(t *testing.T) {
	for x, want := range map[float64]string{0.01234: "0.0123", 24.36: "24.4", 999: "999", 12345.6: "12346"} {
		if got := threeDigits(x); got != want {
			t.Errorf("%v is written %s, not %s", x, got, want)
		}
	}
}
