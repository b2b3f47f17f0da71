package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/models"
)

func testEnv() *Env { return &Env{Stdout: new(bytes.Buffer), Stderr: new(bytes.Buffer), Quiet: true} }

func TestOpenSynthetic(t *testing.T) {
	for _, c := range []struct {
		spec      string
		want      Want
		name      string
		n, size   int
		exit      int
		firstOf   string // the family that it must equal
		firstSize int
	}{
		{"shapes#40", Want{Train: true, Size: 12}, "shapes", 40, 12, OK, "shapes", 40},
		{"shapes#40", Want{Size: 12}, "shapes", 40, 12, OK, "shapes-test", 40},
		{"new=ood-shapes#30", Want{Size: 12}, "new", 30, 12, OK, "ood-shapes", 30},
		{"ood-noise", Want{Size: 12}, "ood-noise", syntheticTest, 12, OK, "ood-noise", syntheticTest},
		{"outliers", Want{Size: 12, Train: true}, "outliers", syntheticTrain, 12, OK, "outliers", syntheticTrain},
		{"ood-noise#20", Want{}, "ood-noise", 20, 32, OK, "ood-noise", 20},
		{"ood-noise#0", Want{}, "", 0, 0, Misuse, "", 0},
		{"ood-noise#x", Want{}, "", 0, 0, Misuse, "", 0},
		{"ood-noise#20", Want{Size: 5}, "", 0, 0, Failure, "", 0},
	} {
		set, id, err := new(Sets).Open(context.Background(), testEnv(), c.spec, c.want)
		if code := ExitCode(err); code != c.exit {
			t.Errorf("%s: exit code %d (%v)", c.spec, code, err)
		}
		if err != nil {
			continue
		}
		h, _ := set.Size()
		if set.Name() != c.name || set.Len() != c.n || h != c.size || id.Images != c.n || id.Spec != c.spec {
			t.Errorf("%s: %s, %d images of %d, identified as %+v", c.spec, set.Name(), set.Len(), h, id)
		}
		same, err := datasets.OpenSynthetic(c.firstOf, c.firstSize, c.size, SyntheticSeed)
		if err != nil {
			t.Fatal(err)
		}
		if want, _ := same.Digest(); id.SHA256 != want {
			t.Errorf("%s is not the family %s", c.spec, c.firstOf)
		}
	}
}

func TestCheckNames(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("here.tar.gz", nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for specs, says := range map[string]string{
		"shapes ood-noise#5 a=ood-noise dir/b.tar here.tar.gz#x": "",
		"x=a x=b":               "two sets are named x",
		"ood-noise#4 ood-noise": "two sets are named ood-noise",
		"a/dtd.tar.gz b/dtd":    "two sets are named dtd",
		"here=a here.tar.gz":    "two sets are named here",
		"average=a":             "average",
		"x=":                    "NAME=PATH",
		"=x":                    "NAME=PATH",
	} {
		err := CheckNames(strings.Fields(specs))
		if says == "" && err != nil || says != "" && (ExitCode(err) != Misuse || !strings.Contains(err.Error(), says)) {
			t.Errorf("%s: %v", specs, err)
		}
	}
}

func TestLimit(t *testing.T) {
	s := &Sets{Limit: 20}
	a, id, err := s.Open(context.Background(), testEnv(), "shapes#200", Want{Size: 12})
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := s.Open(context.Background(), testEnv(), "shapes#200", Want{Size: 12})
	if err != nil {
		t.Fatal(err)
	}
	da, _ := a.Digest()
	db, _ := b.Digest()
	if a.Len() != 20 || id.Images != 20 || id.Limit != 20 || da != db || id.SHA256 != da {
		t.Errorf("%d images, %+v", a.Len(), id)
	}
	classes := map[int]bool{}
	pixels := make([]uint8, 12*12*3)
	for i := range a.Len() {
		label, err := a.Read(i, pixels)
		if err != nil {
			t.Fatal(err)
		}
		classes[label] = true
	}
	if len(classes) < 5 {
		t.Errorf("%d classes among 20 images of 10", len(classes))
	}
	if whole := sample(a, 100); whole != a {
		t.Error("a limit above the size changed the set")
	}
}

// TestWeights reads a file of our own, one without our metadata, and one that
// holds no known network.
func TestWeights(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 4}, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := models.State(m)
	if err != nil {
		t.Fatal(err)
	}
	bare := filepath.Join(dir, "bare.safetensors")
	write := func(path string, f *checkpoint.File) {
		if err := checkpoint.Write(path, f); err != nil {
			t.Fatal(err)
		}
	}
	f.Metadata = nil
	write(bare, f)
	unknown := filepath.Join(dir, "unknown.safetensors")
	write(unknown, &checkpoint.File{Tensors: []checkpoint.Tensor{checkpoint.New("x", []int{1}, []float32{1})}})

	w, err := ReadWeights(ctx, bare, "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if w.Config != nil || w.Model.Arch != "wrn-10-1" || w.Model.Classes != 4 || w.Step() != 0 {
		t.Errorf("%+v", w)
	}
	if _, err := w.Normalize("", "x"); ExitCode(err) != Misuse {
		t.Errorf("without -normalize: %v", err)
	}
	if n, err := w.Normalize("dice", "x"); err != nil || n.Name != "dice" {
		t.Errorf("%v, %v", n, err)
	}
	w.Config = &greg.Config{Normalize: datasets.Normalization{Name: "greg"}}
	if n, err := w.Normalize("", "x"); err != nil || n.Name != "greg" {
		t.Errorf("%v, %v", n, err)
	}
	if _, err := w.Normalize("dice", "x"); ExitCode(err) != Misuse {
		t.Errorf("another normalisation than the stored one: %v", err)
	}
	if _, err := ReadWeights(ctx, bare, "resnet18", 4); ExitCode(err) != Failure {
		t.Errorf("-arch of another network: %v", err)
	}
	if _, err := ReadWeights(ctx, unknown, "", 4); ExitCode(err) != Failure {
		t.Errorf("no network: %v", err)
	}
	if w, err = ReadWeights(ctx, unknown, "wrn-10-1", 4); err != nil || w.Model.Classes != 4 {
		t.Errorf("-arch where the file does not tell: %v, %v", w, err)
	}
	if err := w.Load(m); ExitCode(err) != Failure {
		t.Errorf("loading something else: %v", err)
	}
	if _, err := ReadWeights(ctx, dir, "", 4); ExitCode(err) != Failure {
		t.Errorf("a directory without a checkpoint: %v", err)
	}
}

func TestOpenDevice(t *testing.T) {
	if dev, err := OpenDevice("cpu", ""); err != nil || dev != kernels.CPU {
		t.Errorf("%v, %v", dev, err)
	}
	for _, c := range [][3]string{{"cpu", "fp32", "fp32"}, {"cpu64", "", "fp64"}, {"cpu64", "fp64", "fp64"}, {"sim", "", "fp32"}, {"sim", "bf16", "bf16"}} {
		dev, err := OpenDevice(c[0], c[1])
		if err != nil || PrecisionOf(dev) != c[2] {
			t.Errorf("-device %s -precision %s: %v", c[0], c[1], err)
		}
	}
	for _, c := range [][2]string{{"abacus", ""}, {"cpu", "tf32"}, {"cpu64", "fp32"}, {"sim", "fp8"}, {"sim:1", ""}, {"cuda:x", ""}} {
		if _, err := OpenDevice(c[0], c[1]); ExitCode(err) != Misuse {
			t.Errorf("-device %s -precision %s: %v", c[0], c[1], err)
		}
	}
	if _, err := OpenDevice("cuda:99", ""); ExitCode(err) != Failure {
		t.Errorf("a GPU that is not there: %v", err)
	}
}

func TestFileDigest(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, checkpoint.RunFile), []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
	if got, err := FileDigest(dir); err != nil || got != abc {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := FileDigest(filepath.Join(dir, "none")); ExitCode(err) != Failure {
		t.Errorf("%v", err)
	}
}
