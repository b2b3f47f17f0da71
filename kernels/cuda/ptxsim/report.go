package ptxsim

import (
	"fmt"
	"io"
	"strings"
)

// totals are the counters of one kernel over all its launches.
type totals struct {
	launches, blocks, threads uint64
	spots                     []spot
}

// account adds the counters of a launch to those of its kernel.
func (m *Machine) account(l *launch) {
	t := m.totals[l.k]
	if t == nil {
		t = &totals{spots: make([]spot, len(l.k.code))}
		m.totals[l.k] = t
		m.order = append(m.order, l.k)
	}
	t.launches++
	t.blocks += uint64(l.blocks)
	t.threads += uint64(l.blocks * l.size[0] * l.size[1] * l.size[2])
	for _, wk := range l.workers {
		for i := range wk.spots {
			t.spots[i].add(&wk.spots[i])
		}
	}
}

func (s *spot) add(o *spot) {
	s.warps += o.warps
	s.threads += o.threads
	s.divergent += o.divergent
	s.bytes += o.bytes
	s.sectors += o.sectors
	s.ideal += o.ideal
	s.phases += o.phases
	s.extra += o.extra
}

// Counts are what the machine counts, of a line or of a whole kernel.
type Counts struct {
	WarpInstructions   uint64 // instructions that warps ran
	ThreadInstructions uint64 // the same times the lanes that took part
	DivergentBranches  uint64 // branches that split a warp
	GlobalBytes        uint64 // that lanes read and wrote in global memory
	Sectors            uint64 // pieces of 32 bytes of global memory that warps touched, each instruction for itself
	IdealSectors       uint64 // as many as the bytes would fill
	SharedPhases       uint64 // passes over the banks that shared memory accesses need
	BankConflicts      uint64 // passes more, because lanes met in a bank
}

// Line is one instruction of a kernel with its counts.
type Line struct {
	Line int
	Code string
	Counts
}

// KernelReport is what one kernel did since the machine began or Reset.
type KernelReport struct {
	Kernel, File              string
	Launches, Blocks, Threads uint64
	Registers, Shared         int // of a thread, named in the source; bytes declared by a block
	Counts
	Lines []Line // in the order of the code
}

// Report returns what every kernel did, in the order of their first launches.
func (m *Machine) Report() []KernelReport {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []KernelReport
	for _, k := range m.order {
		t := m.totals[k]
		r := KernelReport{Kernel: k.Name, File: k.File, Launches: t.launches, Blocks: t.blocks, Threads: t.threads,
			Registers: k.Registers, Shared: k.Shared}
		for i := range t.spots {
			c := t.spots[i].counts()
			r.Counts.add(c)
			r.Lines = append(r.Lines, Line{k.code[i].line, k.code[i].text, c})
		}
		all = append(all, r)
	}
	return all
}

// Reset forgets what was counted.
func (m *Machine) Reset() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.totals, m.order = map[*Kernel]*totals{}, nil
}

func (s *spot) counts() Counts {
	return Counts{s.warps, s.threads, s.divergent, s.bytes, s.sectors, s.ideal, s.phases, s.extra}
}

func (c *Counts) add(o Counts) {
	c.WarpInstructions += o.WarpInstructions
	c.ThreadInstructions += o.ThreadInstructions
	c.DivergentBranches += o.DivergentBranches
	c.GlobalBytes += o.GlobalBytes
	c.Sectors += o.Sectors
	c.IdealSectors += o.IdealSectors
	c.SharedPhases += o.SharedPhases
	c.BankConflicts += o.BankConflicts
}

// String is the report as text: the sums, then every instruction that ran with what
// it cost.
func (r KernelReport) String() string {
	var b strings.Builder
	r.write(&b)
	return b.String()
}

func (r KernelReport) write(w io.Writer) {
	fmt.Fprintf(w, "%s (%s): %d launches, %d blocks, %d threads, %d bytes of shared memory\n", r.Kernel, r.File, r.Launches, r.Blocks, r.Threads, r.Shared)
	lanesBusy := 100 * float64(r.ThreadInstructions) / float64(max(1, lanes*r.WarpInstructions))
	fmt.Fprintf(w, "  %d warp instructions, %.0f%% of the lanes busy, %d divergent branches\n", r.WarpInstructions, lanesBusy, r.DivergentBranches)
	fmt.Fprintf(w, "  global memory: %d bytes in %d sectors, %d would do\n", r.GlobalBytes, r.Sectors, r.IdealSectors)
	fmt.Fprintf(w, "  shared memory: %d passes, and %d more for bank conflicts\n", r.SharedPhases, r.BankConflicts)
	fmt.Fprintf(w, "  %6s %10s %6s %8s %8s %8s  %s\n", "line", "warps", "busy", "sectors", "excess", "conflict", "instruction")
	for _, l := range r.Lines {
		if l.WarpInstructions == 0 {
			continue
		}
		fmt.Fprintf(w, "  %6d %10d %5.0f%% %8s %8s %8s  %s\n", l.Line, l.WarpInstructions,
			100*float64(l.ThreadInstructions)/float64(lanes*l.WarpInstructions),
			blank(l.Sectors), blank(l.Sectors-min(l.IdealSectors, l.Sectors)), blank(l.BankConflicts), l.Code)
	}
}

// blank leaves out zeros.
func blank(n uint64) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}
