package ptxsim

import (
	"context"
	"fmt"
)

// mostResident is how many blocks a multiprocessor holds here: fewer than that of a
// GPU, so that small tests, too, have blocks that go round their loops more than once.
const mostResident = 2

// mostIdle is how many turns in a row may pass without anything that a thread could
// be waiting for.
const mostIdle = 1 << 11

// LaunchCooperative is Launch for a grid whose blocks wait for each other, which they
// may because all of them run at once. More blocks than [Machine.SMs] multiprocessors
// hold, [Machine.Resident] each, are an error. Blocks that wait for what never happens
// are an [Endless] fault.
func (m *Machine) LaunchCooperative(ctx context.Context, k *Kernel, grid, block [3]int, dynShared int, params []uint64) error {
	return m.launch(ctx, k, grid, block, dynShared, params, true)
}

// SMs is the number of multiprocessors.
func (m *Machine) SMs() int { return m.o.SMs }

// Resident is how many blocks of so many threads and bytes of dynamic shared memory
// one multiprocessor holds at once.
func (m *Machine) Resident(k *Kernel, threads, dynShared int) int {
	shared := k.Shared
	if dynShared > 0 {
		shared = k.dynamicStart() + dynShared
	}
	const reserved = 1 << 10 // bytes of every block that belong to the system
	return min(mostResident, 2048/max(threads, 1), (MaxShared(m.o.Arch)+reserved)/(shared+reserved))
}

// resident checks that the blocks of a cooperative launch run all at once.
func (m *Machine) resident(k *Kernel, grid, block [3]int, dynShared int) error {
	each := m.Resident(k, block[0]*block[1]*block[2], dynShared)
	if n := grid[0] * grid[1] * grid[2]; n > each*m.o.SMs {
		return fmt.Errorf("kernel %s cannot be launched: a cooperative launch of %d blocks; %d multiprocessors hold %d each", k.Name, n, m.o.SMs, each)
	}
	return nil
}

// all runs the blocks of a cooperative launch in turns.
func (wk *worker) all() *Fault {
	return caught(func() {
		blocks := append([]*block{wk.block}, wk.rest[:wk.l.blocks-1]...)
		for i, b := range blocks {
			b.begin(i)
		}
		wk.takeTurns(blocks...)
	})
}

// takeTurns runs blocks until all have ended. Each goes on until it waits for others,
// which is as unlike a fair order as can be; when the order is shuffled, some stop
// earlier.
func (wk *worker) takeTurns(blocks ...*block) {
	idle := 0
	for going := true; going; {
		before := wk.changes
		going = false
		if wk.rng != nil {
			wk.rng.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
		}
		for _, b := range blocks {
			for again := !b.done; again; {
				b.turn()
				again = !b.done && b.moved && (wk.rng == nil || wk.rng.IntN(4) > 0)
			}
			going = going || !b.done
		}
		if idle++; wk.changes != before {
			idle = 0
		}
		if idle > mostIdle {
			wk.stalled(blocks)
		}
	}
}

// stalled reports the first thread that waits in vain.
func (wk *worker) stalled(blocks []*block) {
	hint := "no block of this grid goes on"
	if !wk.l.together {
		hint = "blocks that wait for others need a cooperative launch"
	}
	var first *warp
	for _, b := range blocks {
		for _, w := range b.warps {
			if w.state == paused && (first == nil || b.linear < first.b.linear) {
				first = w
			}
		}
	}
	first.pc-- // back to the load
	first.fault(Endless, first.active, "waits for what never happens: %s", hint)
}
