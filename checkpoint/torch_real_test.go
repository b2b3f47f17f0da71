package checkpoint

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"gradgrad/internal/testkit"
)

const dice = "checkpoints/dice-densenet101-cifar10.pth.tar"

// TestOfficialCheckpoint reads the DenseNet that the authors of DICE published
// and compares names, shapes, types, order and values with what PyTorch reads.
func TestOfficialCheckpoint(t *testing.T) {
	path := testkit.Shared(t, dice)
	f, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	if f.Metadata["epoch"] != "100" || len(f.Metadata) != 1 {
		t.Errorf("metadata are %v, want epoch 100 only", f.Metadata)
	}
	var got []string
	for _, x := range f.Tensors {
		got = append(got, fmt.Sprintf("%s\t[%s]\t%s", x.Name, strings.Trim(strings.ReplaceAll(fmt.Sprint(x.Shape), " ", ", "), "[]"), torchName[x.DType]))
	}
	keys, err := os.Open(testkit.Shared(t, "specs/checkpoint_keys_densenet_cifar10.txt"))
	if err != nil {
		t.Fatal(err)
	}
	defer keys.Close()
	n := 0
	for s := bufio.NewScanner(keys); s.Scan(); n++ {
		if n < len(got) && s.Text() != got[n] {
			t.Fatalf("tensor %d is %q, want %q", n, got[n], s.Text())
		}
	}
	if n != 596 || len(got) != n {
		t.Errorf("%d tensors, want %d", len(got), n)
	}
	checkOfficialSums(t, f)
}

var torchName = map[DType]string{F32: "torch.float32", I64: "torch.int64"}

// checkOfficialSums compares sums over all float tensors, in float64, and the
// first values of three tensors with those of PyTorch.
func checkOfficialSums(t *testing.T, f *File) {
	t.Helper()
	var sum, abs float64
	for i := range f.Tensors {
		x := &f.Tensors[i]
		if x.DType == I64 {
			if v, err := x.Int64s(); err != nil || len(v) != 1 || v[0] != 78200 {
				t.Errorf("%s is %v (%v), want 78200", x.Name, v, err)
			}
			continue
		}
		v, err := x.Float64s()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range v {
			sum += e
			abs += math.Abs(e)
		}
	}
	// The order of summation differs from PyTorch's: 1e-13 of the absolute sum.
	if d := math.Abs(sum - 2386.361136312572); d > 5e-9 {
		t.Errorf("the sum is %.12f, off by %g", sum, d)
	}
	if d := math.Abs(abs - 43647.424466314944); d > 5e-9 {
		t.Errorf("the absolute sum is %.12f, off by %g", abs, d)
	}
	for name, want := range map[string][]float32{
		"conv1.weight": {.3357713520526886, .8181816339492798, .44689396023750305},
		"fc.weight":    {.00661187618970871, .0005400761729106307, -.003519117133691907, .08647363632917404},
		"fc.bias":      {.4663850963115692, -.48989614844322205, .4267984628677368, .05157051235437393},
	} {
		x, ok := f.Lookup(name)
		if !ok {
			t.Errorf("no tensor %s", name)
			continue
		}
		v, err := x.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for i, w := range want {
			if v[i] != w {
				t.Errorf("%s[%d] is %v, want %v", name, i, v[i], w)
			}
		}
	}
}
