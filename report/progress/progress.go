// Package progress shows how far a long run is: on a terminal one status line
// that is redrawn in place, elsewhere (a file, a pipe, a CI log) a plain line
// every few seconds, without escapes or carriage returns.
//
//	p := progress.New(os.Stderr, progress.Options{Label: "greg", Total: steps, Unit: "images"})
//	defer p.Finish()
//	for ... {
//		p.Update(step, images, progress.Term{Name: "ce", Value: ce})
//	}
//
// prints, for example,
//
//	greg 412/781 52% ETA 1m12s 24.3 images/s ce 0.4123
//
// NO_COLOR and TERM=dumb are respected.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// Mode says how to show progress.
type Mode uint8

const (
	Auto     Mode = iota // Terminal if the writer is one, else Plain
	Terminal             // one line, redrawn
	Plain                // a line every few seconds
	Quiet                // nothing but what Printf is given
)

// Options are fixed for a run. Only Label and Total are usually given.
type Options struct {
	Label string        // first word of the line
	Total int64         // steps in all; 0: unknown, no ETA
	Start int64         // steps done before this process, on resume
	Unit  string        // what Update counts besides steps; "" shows steps/s
	Mode  Mode          // Auto
	Every time.Duration // between plain lines; 0 means 5 s
	Width func() int    // columns of the terminal; nil asks it
	Now   func() time.Time
}

// Term is a named value shown at the end of the line.
type Term struct {
	Name  string
	Value float64
}

// Line shows the progress of one run. Its methods may be called by several
// goroutines. It ignores write errors: a closed pipe must not end a training run.
type Line struct {
	mu      sync.Mutex
	w       io.Writer
	o       Options
	colour  bool
	samples []sample  // of the last window, oldest first
	shown   time.Time // when a line was written last
	dirty   bool      // the terminal shows a status line
	text    string    // the latest line
	changed bool      // text has not been shown
}

type sample struct {
	at    time.Time
	done  int64
	units int64
}

const (
	redraw = 100 * time.Millisecond
	window = 20 * time.Second // the rate is that of this last stretch
)

// New begins to measure. It writes nothing yet.
func New(w io.Writer, o Options) *Line {
	file, isFile := w.(*os.File)
	if o.Mode == Auto {
		o.Mode = Plain
		if isFile && term.IsTerminal(int(file.Fd())) && os.Getenv("TERM") != "dumb" {
			o.Mode = Terminal
		}
	}
	if o.Width == nil {
		o.Width = func() int {
			if isFile {
				if columns, _, err := term.GetSize(int(file.Fd())); err == nil && columns > 0 {
					return columns
				}
			}
			return 80
		}
	}
	if o.Every == 0 {
		o.Every = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	now := o.Now()
	return &Line{
		w: w, o: o, shown: now,
		colour:  o.Mode == Terminal && os.Getenv("NO_COLOR") == "",
		samples: []sample{{now, o.Start, 0}},
	}
}

// Update says that done steps are done in all, and units (images) since New.
func (l *Line) Update(done, units int64, terms ...Term) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.o.Now()
	if last := l.samples[len(l.samples)-1]; len(l.samples) == 1 || now.Sub(last.at) >= redraw {
		l.samples = append(l.samples, sample{now, done, units})
	} else {
		l.samples[len(l.samples)-1] = sample{now, done, units}
	}
	for len(l.samples) > 2 && now.Sub(l.samples[1].at) >= window {
		l.samples = l.samples[1:]
	}
	l.text, l.changed = l.format(done, terms), true
	pause := l.o.Every
	if l.o.Mode == Terminal {
		pause = redraw
	}
	if now.Sub(l.shown) >= pause {
		l.show(now)
	}
}

// Printf writes a line above the status line; a line break is added if missing.
func (l *Line) Printf(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	text := fmt.Sprintf(format, args...)
	if !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	io.WriteString(l.w, text)
	if l.o.Mode == Terminal && l.text != "" {
		l.show(l.o.Now())
	}
}

// Finish shows the last state and leaves the line on the terminal. Updates may
// follow; they begin a new line.
func (l *Line) Finish() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed {
		l.show(l.o.Now())
	}
	if l.dirty {
		io.WriteString(l.w, "\n")
		l.dirty = false
	}
	l.text = ""
}

func (l *Line) clear() {
	if l.dirty {
		io.WriteString(l.w, "\r\x1b[K")
		l.dirty = false
	}
}

func (l *Line) show(now time.Time) {
	l.shown, l.changed = now, false
	switch l.o.Mode {
	case Plain:
		io.WriteString(l.w, l.text+"\n")
	case Terminal:
		text := cut(l.text, l.o.Width()-1) // a full last column would wrap
		if label := l.o.Label; l.colour && label != "" && strings.HasPrefix(text, label) {
			text = "\x1b[1m" + label + "\x1b[0m" + text[len(label):]
		}
		io.WriteString(l.w, "\r"+text+"\x1b[K")
		l.dirty = true
	}
}

func (l *Line) format(done int64, terms []Term) string {
	var parts []string
	if l.o.Label != "" {
		parts = append(parts, l.o.Label)
	}
	first, last := l.samples[0], l.samples[len(l.samples)-1]
	seconds := last.at.Sub(first.at).Seconds()
	steps := float64(last.done-first.done) / seconds // NaN or Inf in the first moment
	if l.o.Total > 0 {
		parts = append(parts, fmt.Sprintf("%d/%d %d%%", done, l.o.Total, 100*done/l.o.Total))
		if left := l.o.Total - done; left > 0 && seconds > 0 && steps > 0 {
			parts = append(parts, "ETA "+Duration(time.Duration(float64(left)/steps*float64(time.Second))))
		}
	} else {
		parts = append(parts, fmt.Sprint(done))
	}
	if seconds > 0 {
		rate, unit := steps, "steps"
		if l.o.Unit != "" {
			rate, unit = float64(last.units-first.units)/seconds, l.o.Unit
		}
		parts = append(parts, fmt.Sprintf("%s %s/s", threeDigits(rate), unit))
	}
	for _, t := range terms {
		parts = append(parts, fmt.Sprintf("%s %.4g", t.Name, t.Value))
	}
	return strings.Join(parts, " ")
}

// threeDigits writes a rate without an exponent.
func threeDigits(x float64) string {
	if x >= 1000 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// Duration writes a time as people say it: 42s, 3m05s, 2h03m.
func Duration(d time.Duration) string {
	s := int64(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}

// cut shortens to n characters.
func cut(text string, n int) string {
	if n < 1 || utf8.RuneCountInString(text) <= n {
		return text
	}
	return string([]rune(text)[:n-1]) + "…"
}
