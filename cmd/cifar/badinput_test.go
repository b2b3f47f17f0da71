package main

import (
	"bytes"
	"compress/gzip"
	"image"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/internal/testkit"
)

// writeClasses makes a folder with two class folders of n pictures each.
func writeClasses(t *testing.T, dir string, n int) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	for _, class := range []string{"cat", "dog"} {
		if err := os.MkdirAll(filepath.Join(dir, class), 0o777); err != nil {
			t.Fatal(err)
		}
		for i := range n {
			img := image.NewRGBA(image.Rect(0, 0, 12, 12))
			for k := range img.Pix {
				img.Pix[k] = uint8(r.Uint32())
			}
			var b bytes.Buffer
			if err := png.Encode(&b, img); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, class, string(rune('a'+i))+".png"), b.Bytes())
		}
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestBadInput feeds what goes wrong in practice and wants one clear sentence and
// exit code 1 each time.
func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	ok(t, dir, tiny("-method", "ce", "-max-steps", "3", "-out", "good")...)
	good := read(t, dir, "good", "checkpoint.safetensors")
	write(t, filepath.Join(dir, "short.safetensors"), good[:len(good)-1000])
	write(t, filepath.Join(dir, "head.safetensors"), good[:100])
	write(t, filepath.Join(dir, "noise.pth"), noiseBytes(5000))
	write(t, filepath.Join(dir, "noise.tar"), noiseBytes(5000))
	write(t, filepath.Join(dir, "cut.tar.gz"), cutGzip(t))
	write(t, filepath.Join(dir, "text.txt"), []byte("not a data set"))
	writeClasses(t, filepath.Join(dir, "classes"), 6)
	writeClasses(t, filepath.Join(dir, "damaged"), 6)
	write(t, filepath.Join(dir, "damaged", "dog", "b.png"), []byte("\x89PNG\r\n\x1a\nnot really"))
	for _, empty := range []string{"empty", "hollow/cat", "nocheckpoint"} {
		if err := os.MkdirAll(filepath.Join(dir, empty), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	write(t, filepath.Join(dir, "a-file"), nil)

	for _, c := range []struct {
		name, args, says string
	}{
		{"no data", "train -method ce -id nowhere -out r", "nowhere"},
		{"no known set", "train -method ce -id cifar10 -data empty -out r", "cifar-10-binary.tar.gz"},
		{"wrong archive", "train -method ce -id noise.tar -out r", "noise.tar"},
		{"truncated archive", "train -method ce -id cut.tar.gz -out r", "cut.tar.gz"},
		{"not a set", "train -method ce -id text.txt -out r", "text.txt"},
		{"no images", "train -method ce -id empty -out r", "empty"},
		{"no images in classes", "train -method ce -id hollow -out r", "hollow"},
		{"unreadable image", "train -method ce -id damaged -out r", filepath.Join("dog", "b.png")},
		{"fewer than a batch", "train -method ce -id classes -batch 64 -out r", "fewer than a batch"},
		{"no labels", "train -method ce -id ood-noise#40 -size 12 -out r", "no classes"},
		{"sets of two sizes", "train -method ce -id shapes#40 -size 5 -out r", "12 to 1024"},
		{"run exists", "train -method ce -id shapes#40 -size 12 -out good", "-resume"},
		{"nothing to resume", "train -resume -out empty", "not a run directory"},
		{"out is a file", "train -method ce -id shapes#80 -size 12 -arch wrn-10-1 -out a-file/r", "a-file"},
		{"init of another architecture", "train -method ce -id shapes#40 -size 12 -arch wrn-16-1 -init good -out r", "another architecture"},
		{"init for other classes", "train -method ce -id classes -init good -out r", "10 classes"},
		{"truncated checkpoint", "eval -checkpoint short.safetensors -normalize greg -id shapes#40 -ood ood-noise#40 -size 12 -out e", "short.safetensors"},
		{"cut header", "eval -checkpoint head.safetensors -normalize greg -id shapes#40 -ood ood-noise#40 -size 12 -out e", "head.safetensors"},
		{"not a checkpoint", "eval -checkpoint noise.pth -normalize greg -id shapes#40 -ood ood-noise#40 -size 12 -out e", "noise.pth"},
		{"no checkpoint yet", "eval -checkpoint nocheckpoint -id shapes#40 -ood ood-noise#40", "nocheckpoint"},
		{"no such checkpoint", "eval -checkpoint missing -id shapes#40 -ood ood-noise#40", "missing"},
		{"checkpoint of another architecture", "eval -checkpoint good -arch wrn-16-1 -ood ood-noise#40", "another architecture"},
		{"set of other classes", "eval -checkpoint good -id classes -ood ood-noise#40", "10 classes"},
		{"evaluation into a file", "eval -checkpoint good -ood nowhere -out a-file/e", "a-file"},
		{"evaluation over a file", "eval -checkpoint good -ood nowhere -out good/config.json", "good/config.json"},
		{"evaluation of nothing", "eval -checkpoint good -ood nowhere -out e", "nowhere"},
		{"no results", "table empty", "empty"},
		{"demo over something else", "demo -out classes", "not a demo"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := cifar(t, dir, strings.Fields(c.args)...)
			if r.Code != 1 {
				t.Errorf("exit code %d, not 1", r.Code)
			}
			oneSentence(t, r, c.says)
			for _, left := range []string{"r", "e"} {
				if entries, _ := filepath.Glob(filepath.Join(dir, left, "*")); len(entries) > 0 {
					t.Errorf("left behind: %v", entries)
				}
				os.RemoveAll(filepath.Join(dir, left))
			}
		})
	}
	if !bytes.Equal(read(t, dir, "good", "checkpoint.safetensors"), good) {
		t.Error("the good checkpoint was changed")
	}
}

func noiseBytes(n int) []byte {
	r := rand.New(rand.NewPCG(5, 6))
	b := make([]byte, n)
	for i := range b {
		b[i] = uint8(r.Uint32())
	}
	return b
}

// cutGzip is the first half of a valid gzip stream.
func cutGzip(t *testing.T) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(noiseBytes(20000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[:b.Len()/2]
}

// TestSkipBad reads a set with one unreadable image when asked to, and says which.
func TestSkipBad(t *testing.T) {
	dir := t.TempDir()
	writeClasses(t, filepath.Join(dir, "damaged"), 6)
	write(t, filepath.Join(dir, "damaged", "dog", "b.png"), []byte("no picture"))
	r := ok(t, dir, "train", "-method", "ce", "-id", "damaged", "-skip-bad", "-arch", "wrn-10-1", "-batch", "4", "-epochs", "1", "-out", "r")
	if !strings.Contains(r.Err, filepath.Join("dog", "b.png")) || !strings.Contains(r.Err, "11 images") {
		t.Errorf("it does not say what was left out:\n%s", r.Err)
	}
}

// TestDivergence wants a loss that is not finite to end the run with advice, the
// last checkpoint kept.
func TestDivergence(t *testing.T) {
	dir := t.TempDir()
	r := cifar(t, dir, tiny("-method", "ce", "-lr", "1e30", "-epochs", "3", "-save-every", "1", "-out", "r")...)
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "lower the learning rate")
	if metrics := read(t, dir, "r", "metrics.jsonl"); bytes.Contains(metrics, []byte("NaN")) {
		t.Error("metrics.jsonl is no JSON")
	}
	if _, err := os.Stat(filepath.Join(dir, "r", "checkpoint.safetensors")); err != nil {
		t.Error("the checkpoint before the divergence is gone")
	}
}

// TestNonFiniteWeights wants a step that spoils the weights, and no loss after
// it, to fail and to leave no checkpoint of them.
func TestNonFiniteWeights(t *testing.T) {
	dir := t.TempDir()
	r := cifar(t, dir, tiny("-method", "ce", "-lr", "1e39", "-max-steps", "1", "-out", "r")...)
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "no checkpoint was written yet")
	if _, err := os.Stat(filepath.Join(dir, "r", "checkpoint.safetensors")); err == nil {
		t.Error("weights that are not finite were saved")
	}
}

// TestUnwritable wants a directory without permission to be named.
func TestUnwritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "locked"), 0o555); err != nil {
		t.Fatal(err)
	}
	r := cifar(t, dir, tiny("-method", "ce", "-out", "locked/r")...)
	if r.Code != 1 {
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "locked")
}

// TestFullDisk trains on a disk that has room for one checkpoint: the second one
// cannot be written, the error says so, and the first one stays whole.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "disk"), 0o777); err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs -o size=1000k none disk || exit 77
"$0" "$@"
code=$?
"$0" eval -checkpoint disk/r -ood ood-noise#40 -out e -quiet > /dev/null || exit 78
exit $code`
	c := built.Command(dir)
	c.Path, c.Args = "/bin/sh", append([]string{"sh", "-c", `exec unshare -rm sh -c "$0" "$@"`, script, built.Path}, tiny("-method", "ce", "-epochs", "2", "-save-every", "1", "-out", "disk/r")...)
	r := testkit.Finish(t, c)
	switch r.Code {
	case 1:
		if !strings.Contains(r.Err, "unshare") {
			break
		}
		fallthrough
	case 77, 127:
		t.Skipf("a small disk cannot be mounted here: %s", r.Err)
	default:
		t.Errorf("exit code %d", r.Code)
	}
	oneSentence(t, r, "no space left on device")
	oneSentence(t, r, "free some space")
}
