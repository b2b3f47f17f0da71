package main

import (
	"gradgrad/internal/cli"
	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// describeSim says what the kernels of a simulated GPU did: how they used memory, and
// how many lanes of a warp were busy. On other devices it says nothing.
func describeSim(env *cli.Env, dev kernels.Device) {
	gpu, ok := dev.(*cuda.Device)
	if !ok || gpu.Machine() == nil {
		return
	}
	report := gpu.Machine().Report()
	if len(report) == 0 {
		return
	}
	env.Say("%-24s %9s %13s %6s %9s %9s", "kernel", "launches", "instructions", "lanes", "sectors", "conflicts")
	for _, r := range report {
		share := func(a, b uint64) float64 { return float64(a) / float64(max(1, b)) }
		env.Say("%-24s %9d %13d %5.0f%% %9.2f %9.2f", r.Kernel, r.Launches, r.WarpInstructions,
			100*share(r.ThreadInstructions, 32*r.WarpInstructions), share(r.Sectors, r.IdealSectors), share(r.BankConflicts, r.SharedPhases))
	}
	env.Say("(warp instructions; sectors of 32 bytes for every one that the bytes fill; bank conflicts for every pass over shared memory)")
}
