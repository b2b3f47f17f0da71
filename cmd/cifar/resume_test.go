package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"gradgrad/internal/testkit"
)

// longer are the flags of a GReg run of a second or two.
func longer(out string) []string {
	return tinyGReg("-epochs", "40", "-save-every", "7", "-out", out)
}

// start begins a run in the background.
func start(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	c := built.Command(dir, args...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c
}

// waitFor waits until a file is there.
func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 2000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", path)
}

// TestInterrupt ends a run by Ctrl-C and goes on by the printed command: the
// result is that of a run that was left alone, bit for bit, metrics included.
func TestInterrupt(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, longer("alone")...)
	c := start(t, dir, longer("stopped")...)
	waitFor(t, filepath.Join(dir, "stopped", "checkpoint.safetensors"))
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := testkit.Finish(t, c)
	if r.Code != 130 {
		t.Fatalf("exit code %d\n%s", r.Code, r.Err)
	}
	_, again, found := strings.Cut(strings.TrimSpace(r.Err), "go on with: ")
	if !found {
		t.Fatalf("no command that resumes:\n%s", r.Err)
	}
	shell := exec.Command("sh", "-c", again)
	shell.Dir = dir
	if out, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", again, err, out)
	}
	same(t, dir, "alone", "stopped")
}

// TestHangUp loses the terminal, which saves like Ctrl-C does.
func TestHangUp(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("hang-ups are ignored here, as under nohup, and so by programs that are started from here")
	}
	dir := t.TempDir()
	c := start(t, dir, longer("r")...)
	waitFor(t, filepath.Join(dir, "r", "metrics.jsonl"))
	if err := c.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	if r := testkit.Finish(t, c); r.Code != 130 || !strings.Contains(r.Err, "is written; go on with: ") {
		t.Errorf("exit code %d\n%s", r.Code, r.Err)
	}
	waitFor(t, filepath.Join(dir, "r", "checkpoint.safetensors"))
}

// TestInterruptEvaluation wants one sentence, and no directory without results.
func TestInterruptEvaluation(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tiny("-method", "ce", "-max-steps", "2", "-out", "r")...)
	c := start(t, dir, "eval", "-checkpoint", "r", "-id", "shapes#60", "-ood", "ood-noise#60000")
	waitFor(t, filepath.Join(dir, "r", "eval"))
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := testkit.Finish(t, c)
	if r.Code != 130 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "interrupted: no results were written")
	if _, err := os.Stat(filepath.Join(dir, "r", "eval")); err == nil {
		t.Error("an empty directory is left behind")
	}
}

// TestInterruptDemo wants to be told that the demo begins anew.
func TestInterruptDemo(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir, "demo")
	waitFor(t, filepath.Join(dir, "runs", "demo", "ce", "metrics.jsonl"))
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	r := testkit.Finish(t, c)
	if r.Code != 130 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "to begin it anew: "+built.Path+" demo")
}

// TestTwoAtOnce wants a second process in a run's directory to be refused, and the
// pid of the first one named.
func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	c := start(t, dir, longer("r")...)
	waitFor(t, filepath.Join(dir, "r", "checkpoint.safetensors"))
	r := cifar(t, dir, "train", "-resume", "-out", "r")
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, fmt.Sprintf("another process (pid %d) is training in r", c.Process.Pid))
	if r := testkit.Finish(t, c); r.Code != 0 {
		t.Fatalf("the first one: %s", r.Err)
	}
	if _, err := os.Stat(filepath.Join(dir, "r", "lock")); err == nil {
		t.Error("the lock is left behind")
	}
	ok(t, dir, "train", "-resume", "-out", "r")
}

// TestSecondInterrupt interrupts twice while the program draws images, which
// takes long: the second time ends it at once.
func TestSecondInterrupt(t *testing.T) {
	c := start(t, t.TempDir(), "train", "-method", "ce", "-id", "shapes#20000", "-size", "64", "-out", "r")
	time.Sleep(300 * time.Millisecond) // until it draws
	began := time.Now()
	for range 2 {
		if err := c.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	r := testkit.Finish(t, c)
	status := c.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGINT || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %v\n%s", c.ProcessState, time.Since(began), r.Err)
	}
	if !strings.Contains(r.Err, "once more ends at once") {
		t.Errorf("the first Ctrl-C was not answered:\n%s", r.Err)
	}
}

// same compares two runs: the checkpoints must be equal but for nothing, and the
// metrics but for the seconds.
func same(t *testing.T, dir, a, b string) {
	t.Helper()
	if !bytes.Equal(read(t, dir, a, "checkpoint.safetensors"), read(t, dir, b, "checkpoint.safetensors")) {
		t.Errorf("the final checkpoints of %s and %s differ", a, b)
	}
	ma, mb := withoutSeconds(read(t, dir, a, "metrics.jsonl")), withoutSeconds(read(t, dir, b, "metrics.jsonl"))
	if ma != mb {
		t.Errorf("the metrics of %s and %s differ", a, b)
	}
}

// withoutSeconds cuts the wall time, the last member, from every line.
func withoutSeconds(metrics []byte) string {
	var b strings.Builder
	for line := range strings.Lines(string(metrics)) {
		b.WriteString(line[:strings.Index(line, `,"seconds"`)] + "\n")
	}
	return b.String()
}

// longerPOEM is like longer for a method that has chosen its outliers at the
// beginning of the epoch.
func longerPOEM(out string) []string {
	return tiny("-method", "poem", "-aux", "outliers#80", "-aux-batch", "8", "-candidates", "80", "-keep", "30", "-lr", "0.01",
		"-epochs", "12", "-save-every", "3", "-out", out)
}

// TestKill kills a run at ten random moments and resumes it each time.
func TestKill(t *testing.T)     { testKill(t, longer) }
func TestKillPOEM(t *testing.T) { testKill(t, longerPOEM) }

func testKill(t *testing.T, longer func(out string) []string) {
	dir := t.TempDir()
	ok(t, dir, longer("alone")...)
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	kills := 0
	for attempt := 0; kills < 10 && attempt < 30; attempt++ {
		args := longer("killed")
		if _, err := os.Stat(filepath.Join(dir, "killed", "config.json")); err == nil {
			args = []string{"train", "-resume", "-out", "killed"}
		}
		c := start(t, dir, args...)
		time.Sleep(time.Duration(20+r.IntN(180)) * time.Millisecond)
		if err := c.Process.Signal(syscall.SIGKILL); err != nil {
			break // it has ended
		}
		if testkit.Finish(t, c).Code == 0 {
			break
		}
		kills++
	}
	t.Logf("killed %d times", kills)
	if kills < 3 {
		t.Errorf("the run could be killed only %d times", kills)
	}
	ok(t, dir, "train", "-resume", "-out", "killed")
	same(t, dir, "alone", "killed")
	ok(t, dir, "train", "-resume", "-out", "killed") // nothing left to do
	same(t, dir, "alone", "killed")
}

// TestThreads wants the same bits from one thread and from two.
func TestThreads(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{1, 2} {
		c := built.Command(dir, tinyGReg("-epochs", "4", "-out", fmt.Sprint("threads", n))...)
		c.Env = append(os.Environ(), fmt.Sprint("GOMAXPROCS=", n))
		if r := testkit.Finish(t, c); r.Code != 0 {
			t.Fatalf("%s", r.Err)
		}
	}
	same(t, dir, "threads1", "threads2")
}

// TestResumeContradicts wants flags and sets that do not fit a run to be named.
func TestResumeContradicts(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tinyGReg("-epochs", "1", "-out", "r")...)
	resume := func(more ...string) testkit.Result {
		return cifar(t, dir, append([]string{"train", "-resume", "-out", "r"}, more...)...)
	}
	for _, wrong := range [][]string{
		{"-epochs", "2"}, {"-lr", "0.5"}, {"-seed", "4"}, {"-method", "energy"}, {"-arch", "wrn-16-1"}, {"-variant", "code"},
		{"-normalize", "dice"}, {"-init", "elsewhere"}, {"-nesterov=false"}, {"-augment", "none"}, {"-limit", "5"}, {"-device", "cpu64"}, {"-precision", "tf32"}, {"-conv", "direct"}, {"-recompute"},
	} {
		r := resume(wrong...)
		if r.Code != 2 {
			t.Errorf("%v: exit code %d", wrong, r.Code)
		}
		oneSentence(t, r, strings.Split(wrong[0], "=")[0])
	}
	if r := resume("-epochs", "1", "-lr", "0.01", "-method", "greg", "-seed", "3"); r.Code != 0 {
		t.Errorf("flags that agree: exit code %d\n%s", r.Code, r.Err)
	}
	r := resume("-id", "shapes#81")
	if r.Code != 1 {
		t.Errorf("another set: exit code %d", r.Code)
	}
	oneSentence(t, r, "not the one")
}
