package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// Interrupts returns a context that the first Ctrl-C (or a polite request of the
// system to end) cancels; the next one ends the program at once. Call done when
// the work is.
func Interrupts(parent context.Context, env *Env) (ctx context.Context, done func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
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
