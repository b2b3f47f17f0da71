package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gradgrad/internal/testkit"
)

// The sets of the tests: two classes of ImageNet's 1,000 in distribution, their
// validation pictures, and auxiliary outliers, fewer than a step takes.
func folders(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	pictures(t, filepath.Join(dir, "id", "train"), 8, "n01443537", "n02111277")
	pictures(t, filepath.Join(dir, "id", "val"), 5, "n01443537", "n02111277")
	pictures(t, filepath.Join(dir, "aux"), 3, "n01440764", "n01514668", "n02165456")
	pictures(t, filepath.Join(dir, "far"), 6, "x")
	return dir
}

// tiny are the flags of a training run of a second: two classes at 32 pixels.
func tiny(more ...string) []string {
	return append([]string{"train", "-id", "id", "-arch", "densenet-10-4", "-size", "32", "-batch", "4", "-seed", "5"}, more...)
}

// plus are those of GReg+ with more auxiliary images in a step than there are.
func plus(more ...string) []string {
	return tiny(append([]string{"-method", "greg+", "-aux", "aux", "-aux-batch", "10", "-clusters", "5", "-with-replacement", "-shard", "4", "-m-in", "-0.9", "-m-aux", "-0.5"}, more...)...)
}

// TestTwoStages goes the whole way: a network of three classes gives a base of two
// its body, cross-entropy, GReg and GReg+ from it, evaluations, the table.
func TestTwoStages(t *testing.T) {
	dir := folders(t)
	ok(t, dir, tiny("-id", "aux", "-method", "ce", "-batch", "8", "-epochs", "1", "-out", "pre")...)
	r := ok(t, dir, tiny("-method", "ce", "-init", "pre", "-new-head", "-epochs", "2", "-out", "base")...)
	says(t, r.Err, "from pre, its last layer anew", "adam, learning rate 0.0001 divided by ten at [0.5]", "random crops of 8 to 100 %",
		"normalisation imagenet", "notes", "pre-trained")
	if !strings.HasPrefix(r.Out, "test accuracy ") || !strings.Contains(r.Out, "(10 images of id)") {
		t.Errorf("standard output: %q", r.Out)
	}
	if strings.Contains(r.Err, "read into memory") {
		t.Errorf("folders do not stay on disk:\n%s", r.Err)
	}
	r = ok(t, dir, tiny("-method", "greg", "-aux", "aux", "-aux-batch", "4", "-init", "base", "-epochs", "1", "-recompute", "-out", "greg")...)
	says(t, r.Err, "4 + 4 images each", "margins -25 and -7", "the authors' example (greg-code)", "computed again for derivatives")
	r = ok(t, dir, plus("-init", "base", "-epochs", "1", "-out", "greg+")...)
	says(t, r.Err, "with replacement: 9 images stand for 18, each 2 times and augmented anew",
		"18 candidates a step, scaled from 150000 (600000 an epoch), looked at 4 at a time", "at [0.6667] of the run", "changed    -epochs 1 instead of 15, -batch 4 instead of 32, -aux-batch 10 instead of 64, -with-replacement true instead of false")
	for _, run := range []string{"base", "greg", "greg+"} {
		ok(t, dir, "eval", "-checkpoint", run, "-ood", "far,fog=ood-blobs#12", "-scores", "energy,msp,react")
	}
	says(t, ok(t, dir, "table", "base", "greg", "greg+").Out, "densenet-10-4", "GReg+", "far", "Average")
	ok(t, dir, "figures", "-out", "figures", "greg", "greg+")
	if _, err := os.Stat(filepath.Join(dir, "figures", "gradient-norm.svg")); err != nil {
		t.Error(err)
	}
}

// TestInterrupt ends a run by Ctrl-C and by kill -9 and goes on: the result is that
// of a run that was left alone, bit for bit.
func TestInterrupt(t *testing.T) {
	dir := folders(t)
	long := func(out string) []string { return plus("-epochs", "15", "-save-every", "3", "-out", out) }
	ok(t, dir, long("alone")...)
	for _, how := range []os.Signal{os.Interrupt, os.Kill} {
		out := "run-" + how.String()
		c := built.Command(dir, long(out)...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		waitFor(t, filepath.Join(dir, out, "checkpoint.safetensors"))
		if err := c.Process.Signal(how); err != nil {
			t.Fatal(err)
		}
		r := testkit.Finish(t, c)
		if r.Code == 0 {
			t.Fatalf("%s: the run had ended", how)
		}
		again := exec.Command(built.Path, "train", "-resume", "-out", out)
		if how == os.Interrupt {
			_, line, found := strings.Cut(strings.TrimSpace(r.Err), "go on with: ")
			if r.Code != 130 || !found {
				t.Fatalf("exit code %d, no command that resumes:\n%s", r.Code, r.Err)
			}
			again = exec.Command("sh", "-c", line)
		}
		again.Dir = dir
		if text, err := again.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", how, err, text)
		}
		same(t, dir, "alone", out)
	}
}

func waitFor(t *testing.T, path string) {
	t.Helper()
	for range 4000 {
		if _, err := os.Stat(path); err == nil {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatalf("%s did not appear", path)
}

// TestThreads wants the same bits with one thread and with three.
func TestThreads(t *testing.T) {
	dir := folders(t)
	for _, n := range []string{"1", "3"} {
		c := built.Command(dir, plus("-max-steps", "3", "-out", "on"+n)...)
		c.Env = append(os.Environ(), "GOMAXPROCS="+n)
		if r := testkit.Finish(t, c); r.Code != 0 {
			t.Fatal(r.Err)
		}
	}
	same(t, dir, "on1", "on3")
}

// TestFlags wants mistakes to be told before anything is read or trained.
func TestFlags(t *testing.T) {
	dir := folders(t)
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{tiny("-method", "poem", "-aux", "aux", "-out", "r"), 2, "has settings for ImageNet"},
		{tiny("-method", "ce", "-new-head", "-out", "r"), 2, "-new-head leaves out the last layer of -init"},
		{tiny("-method", "greg", "-aux", "aux", "-shard", "4", "-out", "r"), 2, "-shard 4 would do nothing"},
		{tiny("-method", "ce", "-with-replacement", "-out", "r"), 2, "-with-replacement true would do nothing"},
		{tiny("-method", "greg+", "-aux", "aux", "-shard", "-1", "-out", "r"), 2, "neither may be negative"},
		{tiny("-method", "greg", "-aux", "aux", "-aux-batch", "10", "-out", "r"), 1, "-with-replacement"},
		{[]string{"train", "-id", "imagenet10", "-method", "ce", "-data", ".", "-out", "r"}, 1, "imagenet10"},
		{nil, 0, "table"},
		{[]string{"train", "-h"}, 0, "else 224"},
		{[]string{"train", "-h"}, 0, "greg+-code"},
		{[]string{"sets", "imagenet10"}, 0, "the 10 in-distribution classes of GReg's split"},
		{[]string{"-version"}, 0, "imagenet, gradgrad"},
	} {
		r := imagenet(t, dir, c.args...)
		if r.Code != c.code || !strings.Contains(r.Out+r.Err, c.says) {
			t.Errorf("%v: exit code %d, not %d, or %q is missing:\n%s%s", c.args, r.Code, c.code, c.says, r.Out, r.Err)
		}
		if _, err := os.Stat(filepath.Join(dir, "r")); err == nil {
			t.Errorf("%v: left a run directory", c.args)
			os.RemoveAll(filepath.Join(dir, "r"))
		}
	}
}

// TestPhotographs goes through the archive of photographs at 224 pixels that the
// reference material has, with a small network at 48: GReg+ with more outliers in a
// step than the archive has, judged on its other folders.
func TestPhotographs(t *testing.T) {
	archive := testkit.Shared(t, "data/large224.tar.zst")
	dir := t.TempDir()
	r := ok(t, dir, "train", "-id", "known="+archive+"#id_train", "-test", "test="+archive+"#id_test", "-aux", "other="+archive+"#ood_imagenet_other",
		"-method", "greg+", "-arch", "densenet-10-4", "-size", "48", "-batch", "8", "-aux-batch", "40", "-clusters", "20", "-with-replacement", "-max-steps", "2", "-out", "run")
	says(t, r.Err, "compressed, so it is read into memory", "known, 160 images", "35 images stand for 70")
	says(t, r.Out, "(80 images of test)")
	r = ok(t, dir, "eval", "-checkpoint", "run", "-ood", "flowers="+archive+"#ood_flowers,scenes="+archive+"#ood_scenes,textures="+archive+"#ood_textures")
	says(t, r.Out, "flowers", "scenes", "Textures", "GReg+")
}
