package main

import "testing"

// TestTrainOnTheSimulator trains with captured steps and with operations one by one, to
// the same weights.
func TestTrainOnTheSimulator(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	run := func(args ...string) {
		ok(t, dir, append(args, "-device", "sim")...)
	}
	args := []string{"train", "-id", "shapes#8", "-test", "shapes#1", "-aux", "outliers#8", "-method", "greg", "-size", "12", "-arch", "wrn-10-1",
		"-batch", "2", "-aux-batch", "2", "-epochs", "1", "-max-steps", "2"}
	run(append(args, "-out", "captured")...)
	run(append(args, "-out", "single", "-capture=false")...)
	same(t, dir, "captured", "single")
}
