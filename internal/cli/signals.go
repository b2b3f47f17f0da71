package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Interrupts returns a context that the first Ctrl-C (or a polite request of the
// system to end, or the loss of the terminal unless nohup says to ignore that)
// cancels; the next one ends the program at once. Call done when the work is.
func Interrupts(parent context.Context, env *Env) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	signal.Notify(signals, ends...)
	go func() {
		select {
		case <-signals:
			signal.Stop(signals) // the next one has its default effect
			fmt.Fprintf(env.Stderr, "\ninterrupted: finishing what is in hand; once more ends at once\n")
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		cancel()
	}
}
