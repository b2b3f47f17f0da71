package greg

import (
	"gradgrad/autograd"
	"gradgrad/kernels"
)

// records are numbers that a step computes for the host, side by side in memory of the
// device that stays: one copy brings all of them, after the step.
type records struct {
	dev   kernels.Device
	args  kernels.Args
	attr  kernels.MoveAttr
	sizes []int // of the values, 0 for one that there was not
	host  []float64
}

// put copies values behind each other; nil ones are left out. From the first time on
// they have the same sizes.
func (r *records) put(values ...*autograd.Value) {
	r.args.In, r.sizes = r.args.In[:0], r.sizes[:0]
	total := 0
	for _, v := range values {
		n := 0
		if v != nil {
			n = v.Size()
			r.args.In = append(r.args.In, v.Buffer())
		}
		r.sizes = append(r.sizes, n)
		total += n
	}
	if r.args.Out == nil {
		r.args.Out, r.host = []kernels.Buffer{r.dev.Alloc(total)}, make([]float64, total)
	}
	r.attr = kernels.MoveAttr{Out: []int{total}}
	r.args.Attr = &r.attr
	r.dev.Run(kernels.Concat, &r.args)
	clear(r.args.In)
}

// get waits for the device and returns the numbers of each value, nil for one that
// there was not. They are valid until get is called again.
func (r *records) get() [][]float64 {
	r.dev.Read64(r.host, r.args.Out[0])
	parts, at := make([][]float64, len(r.sizes)), 0
	for i, n := range r.sizes {
		if n > 0 {
			parts[i] = r.host[at : at+n]
		}
		at += n
	}
	return parts
}

func (r *records) close() {
	if r.args.Out != nil {
		r.dev.Free(r.args.Out[0])
	}
}
