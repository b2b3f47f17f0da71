package cuda_test

import (
	"strings"
	"testing"

	"gradgrad/kernels/cuda"
)

// TestFences leaves out either fence of every kernel whose last block adds up the parts
// of all: what a part's block stored need not be seen by the block that adds.
func TestFences(t *testing.T) {
	fences := map[string][2]string{ // what is replaced, and by what
		"before": {`\tfence\.acq_rel\.gpu;\n(\tmad\.wide\.u32 %counter)`, "$1"},
		"after":  {`\tfence\.acq_rel\.gpu;\n(\tst\.shared)`, "$1"},
	}
	rows := map[string]string{"conv_dw_": "conv.dw", "affineconv_dw_": "affineconv.grad", "affineconv_tw_": "affineconv.grad2"}
	seen := func(m mistake) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.mustBeSeen(t)
		})
	}
	for where, f := range fences {
		const race = "global-memory race"
		seen(mistake{where + " sum_columns", "sum_columns", f[0], f[1], "sum", true, race, cuda.FP32})
		for entry, row := range rows {
			for _, p := range []cuda.Precision{cuda.FP32, cuda.TF32, cuda.BF16} {
				of := entry + strings.ToLower(p.String()) + `_\w+`
				seen(mistake{where + " " + of, of, f[0], f[1], row, true, race, p})
			}
		}
	}
}
