package main

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gradgrad/checkpoint"
	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/models"
)

// run is the program with its exit code and what it printed.
func run(args ...string) (code int, stdout, stderr string) {
	var o, e bytes.Buffer
	code = program().Main(append([]string{"detect"}, args...), &o, &e)
	return code, o.String(), e.String()
}

// detector makes a model whose threshold no picture reaches, or every one.
func detector(t *testing.T, threshold float64) string {
	t.Helper()
	set, err := datasets.OpenSynthetic("shapes", 50, 16, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: len(set.Classes())}, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := datasets.Preset("greg", "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	c := greg.NewClassifier(m, n, kernels.CPU)
	defer c.Close()
	d, err := greg.Calibrate(context.Background(), c, greg.Config{}, "energy", set, greg.SetID{Name: "shapes", Images: 50}, 0.95, nil)
	if err != nil {
		t.Fatal(err)
	}
	d.Threshold = threshold
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := d.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// photos makes a folder of pictures of several sizes, in two folders, beside a
// file that is none.
func photos(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"b/2.png", "a.png", "b/1.PNG"} {
		img := image.NewRGBA(image.Rect(0, 0, 20+i, 30))
		for y := range 30 {
			for x := range 20 + i {
				img.Set(x, y, color.RGBA{uint8(10 * x), uint8(8 * y), uint8(90 * i), 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), b.Bytes())
	}
	write(t, filepath.Join(dir, "b", "notes.txt"), []byte("no picture"))
	return dir
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
}

func TestExitCodes(t *testing.T) {
	dir := photos(t)
	all, none := detector(t, -1e6), detector(t, 1e6)
	empty := t.TempDir()
	broken := filepath.Join(dir, "b", "notes.txt")
	for _, x := range []struct {
		about string
		args  []string
		code  int
		out   []string // in standard output
		err   string   // in standard error
	}{
		{"all in", []string{"-model", all, dir}, 0, []string{"in ", "a.png", "1.PNG", "2.png"}, ""},
		{"all out", []string{"judge", "-model", none, dir}, 3, []string{"out "}, ""},
		{"another threshold", []string{"-model", none, "-threshold", "-1e6", dir}, 0, []string{"in "}, ""},
		{"one unreadable", []string{"-model", all, dir, broken}, 1, []string{"a.png"}, "1 of 4 pictures could not be read"},
		{"missing", []string{"-model", all, filepath.Join(dir, "nothing")}, 1, nil, "no such file"},
		{"one missing", []string{"-model", all, filepath.Join(dir, "nothing"), dir}, 1, []string{"a.png", "2.png"}, "1 of 4 pictures could not be read"},
		{"an empty folder", []string{"-model", all, empty}, 1, nil, "no pictures"},
		{"no model", []string{dir}, 2, nil, "-model is needed"},
		{"no paths", []string{"-model", all}, 2, nil, "name at least one"},
		{"a model that is none", []string{"-model", broken, dir}, 1, nil, "notes.txt"},
		{"a bad threshold", []string{"-model", all, "-threshold", "NaN", dir}, 2, nil, "-threshold NaN"},
	} {
		code, out, stderr := run(x.args...)
		if code != x.code || !strings.Contains(stderr, x.err) {
			t.Errorf("%s: exit code %d, want %d; standard error %q, want %q in it", x.about, code, x.code, stderr, x.err)
		}
		if x.code == 0 && stderr != "" {
			t.Errorf("%s: standard error %q", x.about, stderr)
		}
		for _, want := range x.out {
			if !strings.Contains(out, want) {
				t.Errorf("%s: %q lacks %q", x.about, out, want)
			}
		}
	}
}

// TestFolderWithOtherFormats: a picture that cannot be read is not left out silently.
func TestFolderWithOtherFormats(t *testing.T) {
	dir := photos(t)
	write(t, filepath.Join(dir, "b", "3.WEBP"), []byte("RIFF\x10\x00\x00\x00WEBPVP8 "))
	write(t, filepath.Join(dir, "4.ppm"), []byte("P6 1 1 255 abc"))
	write(t, filepath.Join(dir, "5.pgm"), []byte("P5 1 1 255 a"))
	code, out, stderr := run("-model", detector(t, -1e6), dir)
	if code != 1 || strings.Count(out, "\n") != 3 || strings.Count(stderr, ": its content is not JPEG, PNG, BMP or TIFF\n") != 3 ||
		!strings.Contains(stderr, "3.WEBP: its content") || !strings.Contains(stderr, "3 of 6 pictures could not be read") {
		t.Errorf("exit code %d\n%s\n%s", code, out, stderr)
	}
}

// TestLinkToFolder: a link that is named is followed, and paths are those below it.
func TestLinkToFolder(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(photos(t), link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	code, out, stderr := run("-model", detector(t, -1e6), link)
	if code != 0 || strings.Count(out, "\n") != 3 || !strings.Contains(out, filepath.Join(link, "b", "2.png")) {
		t.Errorf("exit code %d\n%s\n%s", code, out, stderr)
	}
}

func TestJSONLinesInOrder(t *testing.T) {
	dir := photos(t)
	code, out, _ := run("-model", detector(t, -1e6), "-batch", "2", "-json", dir)
	if code != 0 {
		t.Fatalf("exit code %d", code)
	}
	var names []string
	for dec := json.NewDecoder(strings.NewReader(out)); dec.More(); {
		var l line
		if err := dec.Decode(&l); err != nil {
			t.Fatal(err)
		}
		if l.Decision != "in" || l.Threshold != -1e6 || l.Class == "" || l.Precision != "fp32" {
			t.Errorf("%+v", l)
		}
		rel, _ := filepath.Rel(dir, l.Path)
		names = append(names, filepath.ToSlash(rel))
	}
	if got := strings.Join(names, " "); got != "a.png b/1.PNG b/2.png" {
		t.Errorf("order %s", got)
	}
}

func TestListOnStandardInput(t *testing.T) {
	dir := photos(t)
	list := filepath.Join(dir, "list")
	write(t, list, []byte(filepath.Join(dir, "a.png")+"\r\n\n"+filepath.Join(dir, "b", "2.png")))
	f, err := os.Open(list)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	stdin := os.Stdin
	os.Stdin = f
	defer func() { os.Stdin = stdin }()
	code, out, stderr := run("-model", detector(t, -1e6), "-")
	if code != 0 || strings.Count(out, "\n") != 2 {
		t.Errorf("exit code %d, %q %q", code, out, stderr)
	}
}

// TestCalibrateAndJudge goes the whole way, from a bare file of weights.
func TestCalibrateAndJudge(t *testing.T) {
	bare := detector(t, 0)
	out := filepath.Join(t.TempDir(), "m.safetensors")
	code, _, stderr := run("calibrate", "-model", bare, "-id", "shapes#40", "-tpr", "0.5", "-out", out)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	d, err := greg.OpenDetector(context.Background(), out, kernels.CPU)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.TPR != 0.5 || d.ID.Images != 40 || d.ID.SHA256 == "" || d.Size != 16 {
		t.Errorf("%v, identity %+v", d, d.ID)
	}
	for flag, args := range map[string][]string{
		"-tpr":   {"-model", bare, "-id", "shapes#40", "-out", out, "-tpr", "2"},
		"-score": {"-model", bare, "-id", "shapes#40", "-out", out, "-score", "nonsense"},
		"-id":    {"-model", bare, "-out", out},
		"-out":   {"-model", bare, "-id", "shapes#40"},
		"-model": {"-id", "shapes#40", "-out", out},
	} {
		if code, _, stderr := run(append([]string{"calibrate"}, args...)...); code != 2 || !strings.Contains(stderr, flag) {
			t.Errorf("%s: exit code %d, %q", flag, code, stderr)
		}
	}
}

// bare writes the weights of a network and nothing about it.
func bare(t *testing.T, m models.Model) string {
	t.Helper()
	f, err := models.State(m)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata = nil
	path := filepath.Join(t.TempDir(), "bare.safetensors")
	if err := checkpoint.Write(path, f); err != nil {
		t.Fatal(err)
	}
	return path
}

func network(t *testing.T, c models.Config) models.Model {
	t.Helper()
	m, err := models.New(c, kernels.CPU, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestCalibrateWantsTheNetworksClasses: what a network was not trained on would get
// names of classes that mean nothing.
func TestCalibrateWantsTheNetworksClasses(t *testing.T) {
	two, none := t.TempDir(), t.TempDir()
	picture, err := os.ReadFile(filepath.Join(photos(t), "a.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(two, "cat", "1.png"), filepath.Join(two, "dog", "2.png"), filepath.Join(none, "1.png")} {
		write(t, path, picture)
	}
	out := filepath.Join(t.TempDir(), "m.safetensors")
	for _, model := range []string{detector(t, 0), bare(t, network(t, models.Config{Arch: "wrn-10-1", Classes: 10}))} {
		for set, says := range map[string]string{two: "has 10 classes and the set " + two + " 2: it was trained on another set", none: "has no classes"} {
			args := []string{"calibrate", "-model", model, "-id", set, "-size", "16", "-out", out}
			if strings.HasSuffix(model, "bare.safetensors") {
				args = append(args, "-normalize", "greg")
			}
			code, _, stderr := run(args...)
			if _, err := os.Stat(out); code != 1 || !strings.Contains(stderr, says) || err == nil {
				t.Errorf("%v: exit code %d, %q; want %q in it, and no file: %v", args, code, stderr, says, err)
			}
		}
	}
}

// TestCalibrateForeignNetworkThatRejects: the output for none of the classes of a file
// without settings is no class, so it is not in the energy.
func TestCalibrateForeignNetworkThatRejects(t *testing.T) {
	config := models.Config{Arch: "wrn-10-1", Classes: 11, Reject: true}
	set, err := datasets.OpenSynthetic("shapes-test", 20, 16, cli.SyntheticSeed)
	if err != nil {
		t.Fatal(err)
	}
	n, err := datasets.Preset("greg", "shapes")
	if err != nil {
		t.Fatal(err)
	}
	m := network(t, config)
	c := greg.NewClassifier(m, n, kernels.CPU)
	defer c.Close()
	file := bare(t, m)
	for _, score := range []string{"energy", "absent"} {
		want, err := greg.Calibrate(context.Background(), c, greg.Config{}, score, set, greg.SetID{}, 0.5, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := filepath.Join(t.TempDir(), "m.safetensors")
		code, _, stderr := run("calibrate", "-model", file, "-normalize", "greg", "-id", "shapes#20", "-size", "16", "-tpr", "0.5", "-score", score, "-out", out)
		if code != 0 || !strings.Contains(stderr, "one output more") {
			t.Fatalf("%s: exit code %d: %s", score, code, stderr)
		}
		got, err := greg.OpenDetector(context.Background(), out, kernels.CPU)
		if err != nil {
			t.Fatal(err)
		}
		defer got.Close()
		if got.Threshold != want.Threshold || got.Model.Config() != config {
			t.Errorf("%s: threshold %g of %+v, want %g of %+v", score, got.Threshold, got.Model.Config(), want.Threshold, config)
		}
	}
}
