package main

import (
	"runtime"

	"gradgrad/internal/machine"
	"gradgrad/kernels"
)

// metered is the CPU with a meter on it, which adds up, where it is on, the least time that the
// kernels could take one after the other: each as long as its operands and results take through
// memory, or its products at the peak, whichever is more. What comes from caches can be faster.
type metered struct {
	kernels.Device
	bytesPerS, flopsPerS float64 // 0 while it is off
	least                float64 // seconds
}

// begin measures the machine, and starts to count.
func (d *metered) begin() {
	d.least, d.bytesPerS, d.flopsPerS = 0, machine.CopyBandwidth()*1e9, kernels.PeakFMA(runtime.GOMAXPROCS(0))*1e9
}

func (d *metered) end() { d.bytesPerS, d.flopsPerS = 0, 0 }

func (d *metered) Run(k *kernels.Kernel, a *kernels.Args) {
	d.Device.Run(k, a)
	if d.flopsPerS > 0 { // without assembly there is no peak to compare with
		c := kernels.CostOf(k, a)
		d.least += max(float64(c.Elements*d.DType().Size())/d.bytesPerS, 2*float64(c.Products)/d.flopsPerS)
	}
}
