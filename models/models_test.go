package models

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gradgrad/autograd"
	"gradgrad/kernels"
	"gradgrad/layers"
)

// counts is the table of published sizes: learnable parameters by number of
// classes, multiply-adds by number of classes, layers and floats in buffers.
var counts = []struct {
	arch          string
	size          int
	params, madds map[int]int64
	convs, norms  int
	buffers       int
}{
	{"resnet18", 32, map[int]int64{10: 11173962, 11: 11174475, 100: 11220132, 101: 11220645}, map[int]int64{10: 555422720, 100: 555468800}, 20, 20, 9600},
	{"resnet18-imagenet", 32, map[int]int64{10: 11181642, 11: 11182155, 100: 11227812, 101: 11228325}, map[int]int64{10: 37016576, 100: 37062656}, 20, 20, 9600},
	{"wrn-40-2", 32, map[int]int64{10: 2243546, 11: 2243675, 100: 2255156, 101: 2255285}, map[int]int64{10: 327599360, 100: 327610880}, 40, 37, 5408},
	{"densenet101", 32, map[int]int64{10: 769162, 11: 769505, 100: 800032, 101: 800375}, map[int]int64{10: 287929692, 100: 287960472}, 99, 99, 23988},
	{"densenet121", 224, map[int]int64{10: 6964106, 11: 6965131, 20: 6974356, 100: 7056356, 1000: 7978856}, map[int]int64{10: 2833147904, 1000: 2834161664}, 120, 121, 83648},
}

func TestCounts(t *testing.T) {
	for _, c := range counts {
		for classes, want := range c.params {
			m := blank(t, Config{Arch: c.arch, Classes: classes})
			if got := ParamCount(m); got != int(want) {
				t.Errorf("%s with %d classes has %d parameters, want %d", c.arch, classes, got, want)
			}
			convs, norms, floats := layersOf(m)
			if convs != c.convs || norms != c.norms || floats != c.buffers {
				t.Errorf("%s has %d convolutions, %d batch norms, %d floats in buffers; want %d, %d, %d", c.arch, convs, norms, floats, c.convs, c.norms, c.buffers)
			}
		}
		for classes, want := range c.madds {
			got, err := MultiplyAdds(Config{Arch: c.arch, Classes: classes}, c.size)
			if err != nil || got != want {
				t.Errorf("%s with %d classes multiplies %d times (%v), want %d", c.arch, classes, got, err, want)
			}
		}
	}
}

// blank builds a network of shapes.
func blank(t *testing.T, cfg Config) Model {
	t.Helper()
	b := layers.NewBuilder(shapesOnly{}, 0)
	b.Blank = true
	m, err := build(cfg, b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func layersOf(m Model) (convs, norms, floats int) {
	for _, p := range m.Params() {
		if len(p.Value.Shape()) == 4 {
			convs++
		}
	}
	for _, b := range m.Buffers() {
		if b.Value == nil {
			norms++
		} else {
			floats += b.Value.Size()
		}
	}
	return convs, norms, floats
}

func TestBadConfigs(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{Arch: "resnet19", Classes: 10}, "wrn-D-K, resnet18, resnet18-imagenet, densenet101, densenet-DEPTH-K, densenet121"},
		{Config{Arch: "wrn-41-2", Classes: 10}, "6n+4"},
		{Config{Arch: "wrn-4-1", Classes: 10}, "6n+4"},
		{Config{Arch: "wrn-40-0", Classes: 10}, "no architecture"},
		{Config{Arch: "WRN-40-2", Classes: 10}, "no architecture"},
		{Config{Arch: "densenet-9-12", Classes: 10}, "at least 10"},
		{Config{Arch: "wrn-40-2"}, "0 classes"},
		{Config{Arch: "wrn-40-2", Classes: 10, Dropout: 1}, "probability"},
		{Config{Arch: "wrn-40-2", Classes: 10, Dropout: math.NaN()}, "probability"},
		{Config{Arch: "resnet18", Classes: 10, Dropout: 0.3}, "only wide ResNets"},
		{Config{Arch: "densenet-40-12", Classes: 10, Reduction: 2}, "share of channels"},
		{Config{Arch: "wrn-40-2", Classes: 10, Reduction: 0.5}, "only densenet"},
	} {
		if _, err := New(c.cfg, kernels.CPU, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want something about %q", c.cfg, err, c.want)
		}
	}
}

func TestWrongImagesPanic(t *testing.T) {
	m := blank(t, Config{Arch: "wrn-10-1", Classes: 2})
	for _, shape := range [][]int{{1, 3, 8, 8}, {1, 8, 8, 1}, {8, 8, 3}} {
		err := func() (err error) {
			defer autograd.Catch(&err)
			tape := autograd.NewTape(shapesOnly{})
			m.Forward(layers.Inference(tape), tape.Full(0, shape...))
			return nil
		}()
		if err == nil || !strings.Contains(err.Error(), "wrn-10-1") || !strings.Contains(err.Error(), "[N, H, W, 3]") {
			t.Errorf("images %v: %v", shape, err)
		}
	}
}

// TestStages checks names, order and shapes of what hooks see.
func TestStages(t *testing.T) {
	want := map[string]string{
		"wrn-40-2":          "conv1[32 32 16] block1[32 32 32] block2[16 16 64] block3[8 8 128] features[128]",
		"resnet18":          "conv1[32 32 64] layer1[32 32 64] layer2[16 16 128] layer3[8 8 256] layer4[4 4 512] features[512]",
		"resnet18-imagenet": "conv1[8 8 64] layer1[8 8 64] layer2[4 4 128] layer3[2 2 256] layer4[1 1 512] features[512]",
		"densenet101":       "conv1[32 32 24] block1[32 32 216] trans1[16 16 108] block2[16 16 300] trans2[8 8 150] block3[8 8 342] relu(bn1)[8 8 342] features[342]",
		"densenet121":       "conv1[8 8 64] denseblock1[8 8 256] transition1[4 4 128] denseblock2[4 4 512] transition2[2 2 256] denseblock3[2 2 1024] transition3[1 1 512] denseblock4[1 1 1024] relu(bn1)[1 1 1024] features[1024]",
	}
	for arch, line := range want {
		m := blank(t, Config{Arch: arch, Classes: 10})
		tape := autograd.NewTape(shapesOnly{})
		p := layers.Inference(tape)
		var got []string
		p.Hook = func(stage string, v *autograd.Value) { got = append(got, fmt.Sprint(stage, v.Shape()[1:])) }
		logits, _ := m.Forward(p, tape.Full(0, 2, 32, 32, 3))
		if s := strings.Join(got, " "); s != line {
			t.Errorf("%s:\n got %s\nwant %s", arch, s, line)
		}
		if !slices.Equal(logits.Shape(), []int{2, 10}) {
			t.Errorf("%s: logits %v", arch, logits.Shape())
		}
	}
}

// TestInitialValues checks the deviations of initial weights against the rules of
// each family.
func TestInitialValues(t *testing.T) {
	uniform := func(fanIn float64) float64 { return 1 / math.Sqrt(3*fanIn) }
	kaiming := func(fan float64) float64 { return math.Sqrt(2 / fan) }
	for _, c := range []struct {
		arch, param string
		deviation   float64
	}{
		{"wrn-40-2", "block3.layer.5.conv2.weight", kaiming(9 * 128)},
		{"wrn-40-2", "block3.layer.0.convShortcut.weight", kaiming(128)},
		{"wrn-40-2", "fc.weight", uniform(128)},
		{"wrn-40-2", "fc.bias", 0},
		{"densenet101", "block1.layer.0.conv1.weight", 0.353553},
		{"densenet101", "block3.layer.15.conv2.weight", 0.353553},
		{"densenet101", "trans1.conv1.weight", 0.353553},
		{"densenet101", "fc.weight", uniform(342)},
		{"densenet101", "fc.bias", 0},
		{"resnet18", "layer1.0.conv1.weight", uniform(9 * 64)},
		{"resnet18", "layer2.0.shortcut.0.weight", uniform(64)},
		{"resnet18", "fc.bias", uniform(512)},
		{"resnet18-imagenet", "layer2.0.conv1.weight", kaiming(9 * 128)},
		{"densenet121", "features.denseblock1.denselayer2.conv2.weight", kaiming(9 * 128)},
		{"densenet121", "features.transition1.conv.weight", kaiming(256)},
		{"densenet121", "classifier.bias", 0},
	} {
		m := cached(t, Config{Arch: c.arch, Classes: 100})
		w := param(t, m, c.param)
		var squares, top float64
		for _, v := range w {
			squares, top = squares+v*v, max(top, math.Abs(v))
		}
		got := math.Sqrt(squares / float64(len(w)))
		if math.Abs(got-c.deviation) > 4*c.deviation/math.Sqrt(float64(2*len(w))) {
			t.Errorf("%s %s: deviation %v of %d values, want %v", c.arch, c.param, got, len(w), c.deviation)
		}
	}
	for _, e := range cached(t, Config{Arch: "resnet18", Classes: 100}).Entries() {
		if v := valueOf(e); v != nil && strings.Contains(e.Name(), "bn") {
			want := 0.
			if strings.HasSuffix(e.Name(), "weight") || strings.HasSuffix(e.Name(), "var") {
				want = 1
			}
			if x := v.Float64s(); slices.Min(x) != want || slices.Max(x) != want {
				t.Errorf("%s does not begin at %v", e.Name(), want)
			}
		}
	}
}

var built = map[Config]Model{}

func cached(t *testing.T, cfg Config) Model {
	t.Helper()
	if built[cfg] == nil {
		m, err := New(cfg, kernels.CPU, 4)
		if err != nil {
			t.Fatal(err)
		}
		built[cfg] = m
	}
	return built[cfg]
}

func param(t *testing.T, m Model, name string) []float64 {
	t.Helper()
	for _, p := range m.Params() {
		if p.Name == name {
			return p.Value.Float64s()
		}
	}
	t.Fatalf("%s has no parameter %s", m.Config().Arch, name)
	return nil
}

// TestSameSeedSameBits builds twice, and with another number of classes, which
// must leave the body alone.
func TestSameSeedSameBits(t *testing.T) {
	make := func(classes int, seed uint64) Model {
		m, err := New(Config{Arch: "wrn-10-1", Classes: classes}, kernels.CPU, seed)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	const name = "block2.layer.0.conv1.weight"
	a := param(t, make(10, 1), name)
	if !slices.Equal(a, param(t, make(11, 1), name)) {
		t.Error("the body depends on the number of classes")
	}
	if slices.Equal(a, param(t, make(10, 2), name)) {
		t.Error("two seeds give the same weights")
	}
}
