package cuda_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/greg"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
	"gradgrad/models"
	"gradgrad/ood"
)

func init() {
	addCases(imageCases)
	mistakes = append(mistakes,
		mistake{name: "pixels below the image", entry: "images", kernel: "images", memory: true, seen: "out of bounds|uninitialised memory",
			from: `setp\.lt\.and\.u32 %inside_1, %column_1, %w, %inside;`, to: "setp.lt.u32 %inside_1, %column_1, %w;"},
		mistake{name: "a mirror moved by one", entry: "images", kernel: "images", seen: "kernel images, result 0, element",
			from: `sub\.u32 %last, %w, 1`, to: "sub.u32 %last, %w, 0"},
		mistake{name: "green takes blue's mean", entry: "images", kernel: "images", seen: "kernel images, result 0, element",
			from: `selp\.f32 %own, %mean1, %mean2`, to: "selp.f32 %own, %mean2, %mean2"})
}

// imageCases are images of odd sizes, each moved in its own way, also out of sight.
func imageCases(s source, full bool) (all []kcase) {
	shapes := [][3]int{{6, 5, 7}, {3, 1, 1}, {9, 32, 32}}
	if full {
		shapes = append(shapes, [3]int{70, 8, 9}, [3]int{2, 224, 224}, [3]int{5, 2, 33})
	}
	for _, d := range shapes {
		at := &kernels.ImageAttr{N: d[0], H: d[1], W: d[2], Mean: [3]float32{.4914, .4822, .4465}, Std: [3]float32{.2470, .2435, .2616}}
		var packed []byte
		for i := range at.N {
			reach := 1 + i%(max(at.H, at.W)+2)
			move := []int{s.IntN(2*reach+1) - reach, s.IntN(2*reach+1) - reach, i % 2}
			if i == at.N-1 {
				move[0] = 2 // rows behind the last of all
			}
			for _, w := range move {
				packed = binary.LittleEndian.AppendUint32(packed, uint32(int32(w)))
			}
		}
		for len(packed) < at.Bytes() {
			packed = append(packed, byte(s.IntN(256)))
		}
		all = append(all, kcase{kernel: kernels.Images, name: fmt.Sprint(d), attr: at, bytes: packed, tol: eachElement,
			in: []filling{blank(kernels.ByteElements(len(packed)))}, out: []filling{blank(at.N * at.H * at.W * 3)}})
	}
	return all
}

// oblong is a set of images that are not square.
type oblong struct{ datasets.Set }

func (oblong) Name() string      { return "oblong" }
func (oblong) Len() int          { return 23 }
func (oblong) Size() (h, w int)  { return 7, 9 }
func (oblong) Classes() []string { return nil }

func (oblong) Read(i int, dst []uint8) (int, error) {
	for k := range dst {
		dst[k] = uint8(37*k + 101*i + k*k/7)
	}
	return -1, nil
}

// augmentations are all that presets use, and none.
func augmentations(t *testing.T) []*datasets.Augment {
	t.Helper()
	all := []*datasets.Augment{nil}
	add := func(c greg.Config, err error) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c.AugmentID, c.AugmentAux)
	}
	small, _ := greg.Methods()
	for _, name := range small {
		add(greg.Preset(name, 10))
	}
	large, _ := greg.ImageNetMethods()
	for _, name := range large {
		add(greg.ImageNetPreset(name, 10))
	}
	seen := map[string]bool{}
	return slices.DeleteFunc(all, func(a *datasets.Augment) bool {
		key := "none"
		if a != nil {
			key = fmt.Sprintf("%v %v %v %v %v", a.Flip, a.CropPad, a.FlipFirst, a.Resized, a.Jitter)
		}
		was := seen[key]
		seen[key] = true
		return was
	})
}

// TestImagesAsOnTheCPU moves and normalises batches on the device, by every preset's
// augmentation and all constants, and gets the bits that the CPU's loader makes.
func TestImagesAsOnTheCPU(t *testing.T) {
	tape := autograd.NewTape(device(t))
	defer tape.Close()
	ids := []int{3, 0, 22, 7, 7, 11, 19, 5}
	for _, a := range augmentations(t) {
		for _, name := range append(datasets.PresetNames(), "") {
			n := datasets.Normalization{}
			if name != "" {
				var err error
				if n, err = datasets.Preset(name, "cifar100"); err != nil {
					t.Fatal(err)
				}
			}
			c := datasets.BatchConfig{Seed: 9, Epoch: 2, Augment: a, Normalize: n}
			want, err := datasets.Gather(oblong{}, ids, c)
			if err != nil {
				t.Fatal(err)
			}
			c.Bytes = true
			b, err := datasets.Gather(oblong{}, ids, c)
			if err != nil {
				t.Fatal(err)
			}
			at := &kernels.ImageAttr{N: b.N, H: b.H, W: b.W}
			at.Mean, at.Std = n.Constants()
			got := tape.Images(tape.Bytes(datasets.AppendPacked(nil, b)), at).Float32s()
			if !slices.Equal(got, want.Images) {
				t.Errorf("%+v, normalised as by %q: other bits", a, name)
			}
			tape.Release()
		}
	}
}

// postage is a device that counts what it is asked to do of images and of centers, but
// for what is replayed.
type postage struct {
	*cuda.Device
	images, searches int
}

func (p *postage) Run(k *kernels.Kernel, a *kernels.Args) {
	switch k {
	case kernels.Images:
		p.images++
	case kernels.Nearest:
		p.searches++
	}
	p.Device.Run(k, a)
}

// TestTrainingOnDevice trains by GReg+ on a device, which gets all images as bytes and
// clusters the candidates, and on the CPU.
func TestTrainingOnDevice(t *testing.T) {
	dev := &postage{Device: device(t)}
	got, want := trainedOn(t, dev, "greg+"), trainedOn(t, kernels.CPU, "greg+")
	for i, w := range want {
		g := got[i]
		if !(math.Abs(g.Loss-w.Loss) <= 1e-3*math.Abs(w.Loss)) || g.Accuracy != w.Accuracy || g.HitsIn != w.HitsIn {
			t.Errorf("step %d: %+v, not %+v", i, g, w)
		}
		if !(math.Abs(*g.ChosenWeight-*w.ChosenWeight) <= 1e-3*math.Abs(*w.ChosenWeight)) {
			t.Errorf("step %d: other candidates were chosen: mean weight %g, not %g", i, *g.ChosenWeight, *w.ChosenWeight)
		}
	}
	if dev.images == 0 || dev.searches == 0 {
		t.Errorf("%d batches of bytes, %d searches for centers", dev.images, dev.searches)
	}
}

// TestClassifyingOnDevice shows a network images as bytes on a device, and as numbers
// where a score wants those as well, and gets what the CPU gets.
func TestClassifyingOnDevice(t *testing.T) {
	dev := &postage{Device: device(t)}
	want := classifiedOn(t, kernels.CPU, false)
	for _, images := range []bool{false, true} {
		got := classifiedOn(t, dev, images)
		if !slices.Equal(got.Labels, want.Labels) || (got.Images != nil) != images || dev.images != 1 {
			t.Errorf("images asked for: %v; labels %v, not %v; %d values of images, %d batches of bytes", images, got.Labels, want.Labels, len(got.Images), dev.images)
		}
		for i, w := range want.Logits {
			if math.Abs(float64(got.Logits[i]-w)) > 1e-4 {
				t.Fatalf("images asked for: %v; logit %d is %g, not %g", images, i, got.Logits[i], w)
			}
		}
	}
}

// classifiedOn is what a small network says of a batch.
func classifiedOn(t *testing.T, dev kernels.Device, images bool) (o ood.Outputs) {
	t.Helper()
	m, err := models.New(models.Config{Arch: "wrn-10-1", Classes: 3}, dev, 5)
	if err != nil {
		t.Fatal(err)
	}
	n, err := datasets.Preset("greg", "cifar10")
	if err != nil {
		t.Fatal(err)
	}
	c := greg.NewClassifier(m, n, dev)
	defer c.Close()
	set, err := datasets.OpenSynthetic("shapes", 3, 12, 5)
	if err != nil {
		t.Fatal(err)
	}
	for out, err := range c.Outputs(t.Context(), set, images) {
		if err != nil {
			t.Fatal(err)
		}
		o = out
	}
	return o
}

// trainedOn makes two steps of a small network.
func trainedOn(t *testing.T, dev kernels.Device, method string) []greg.Step {
	t.Helper()
	c, err := greg.Preset(method, 10)
	if err != nil {
		t.Fatal(err)
	}
	c.Model.Arch, c.Batch, c.AuxBatch, c.LR, c.Seed, c.MaxSteps = "wrn-10-1", 4, 4, 0.01, 11, 2
	c.Sampling.Candidates, c.Sampling.Clusters, c.Sampling.From = min(c.Sampling.Candidates, 12), min(c.Sampling.Clusters, 3), 0
	m, err := models.New(c.Model, dev, c.Seed)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := greg.NewTrainer(c, m, dev)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	id, err := datasets.OpenSynthetic("shapes", 20, 12, 5)
	if err != nil {
		t.Fatal(err)
	}
	aux, err := datasets.OpenSynthetic("outliers", 30, 12, 6)
	if err != nil {
		t.Fatal(err)
	}
	var steps []greg.Step
	for s, err := range tr.Steps(t.Context(), id, aux) {
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, s)
	}
	return steps
}
