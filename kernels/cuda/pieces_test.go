package cuda_test

import (
	"fmt"
	"strings"
	"testing"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// tall is a dry driver that remembers the most blocks along y and z, by entry.
type tall struct {
	*dry
	y, z map[string]int
}

func newTall() *tall {
	return &tall{&dry{launches: map[string]int{}}, map[string]int{}, map[string]int{}}
}

func (d *tall) forget() {
	clear(d.launches)
	clear(d.y)
	clear(d.z)
}

func (d *tall) Load(string, string) (cuda.Module, error) { return d, nil }

func (d *tall) Launch(f cuda.Function, grid, block [3]int, shared int, params []uint64, s cuda.Stream) error {
	entry := f.(string)
	d.y[entry], d.z[entry] = max(d.y[entry], grid[1]), max(d.z[entry], grid[2])
	return d.dry.Launch(f, grid, block, shared, params, s)
}

// TestSeveralParts checks that the cases of the default run reach the sums that small
// tensors do without: weight gradients in parts, rows and columns in pieces, batch norm
// in pieces of rows. A kernel whose cases have one part each fails.
func TestSeveralParts(t *testing.T) {
	drv := newTall()
	dev, err := cuda.New("dry", drv)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]int{
		"conv_dw_fp32_16x4": 0, "conv_dw_fp32_32x4": 0, "conv_dw_fp32_64x4": 0, "conv_dw_fp32_32x1": 0, // blocks along z
		"affineconv_dw_fp32_64x4": 0, "affineconv_dw_fp32_32x1": 0, "affineconv_tw_fp32_64x4": 0, "affineconv_tw_fp32_32x1": 0,
		"sum of rows": 0, "rownorm": 0, // launches
		"sum of columns": 0, // pieces
	}
	for _, name := range []string{"bn", "bnadd", "normalise"} {
		for _, order := range []string{"", ".grad", ".grad2"} {
			parts[name+order+", by ones"], parts[name+order+", by fours"] = 0, 0
		}
	}
	for _, c := range allCases(false) {
		drv.forget()
		if _, err := c.run(dev); err != nil {
			t.Fatal(err)
		}
		for what, n := range c.parts(drv) {
			if had, ok := parts[what]; ok {
				parts[what] = max(had, n)
			}
		}
	}
	for what, n := range parts {
		if n < 2 {
			t.Errorf("%s: no case of the default run has more than one part", what)
		}
	}
}

// parts is how many parts or pieces a case had.
func (c kcase) parts(drv *tall) map[string]int {
	n := map[string]int{}
	switch at := c.attr.(type) {
	case *kernels.NormAttr:
		form := map[bool]string{true: "fours", false: "ones"}[at.C%4 == 0]
		n[fmt.Sprintf("%s, by %s", c.kernel.Name, form)] = cuda.NormPieces(at.M, at.C, true)
	case *kernels.ReduceAttr:
		name := c.kernel.Name
		if name == "sum" && at.Inner != 1 {
			n["sum of columns"] = cuda.ColumnPieces(at.Outer, at.Reduce, at.Inner)
			break
		}
		if name == "sum" {
			name = "sum of rows"
		}
		for _, k := range drv.launches {
			n[name] += k
		}
	case *kernels.ConvAttr:
		if at.Groups == 1 { // else blocks along z are groups as well
			return drv.z
		}
	case *kernels.MatmulAttr:
		if at.Batch == 1 {
			return drv.z
		}
	case *kernels.AffineConvAttr:
		return drv.z
	}
	return n
}

// TestPartsAgain sums in parts again and again on one device: every launch must leave the
// counters at zero for the next.
func TestPartsAgain(t *testing.T) {
	drv := newTall()
	plans, err := cuda.New("dry", drv)
	if err != nil {
		t.Fatal(err)
	}
	dev := device(t)
	for _, c := range allCases(false) {
		drv.forget()
		if _, err := c.run(plans); err != nil {
			t.Fatal(err)
		}
		for what, n := range c.parts(drv) {
			if n < 2 || what != "sum of columns" && !strings.Contains(what, "conv_dw") && !strings.Contains(what, "conv_tw") {
				continue
			}
			for range 2 {
				if err := c.check(dev); err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
			break
		}
	}
}
