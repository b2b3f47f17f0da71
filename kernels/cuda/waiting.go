package cuda

import "gradgrad/kernels"

// Two lists of small calls wait for their launch: those that are independent of each other
// (queue), and those that are done one after the other (small). No call of one touches what
// the other one writes, so either may go first.

// extent is a range of addresses.
type extent struct{ lo, hi uint64 }

// meets says whether two of them have an element in common.
func (e extent) meets(o extent) bool { return o.lo < e.hi && e.lo < o.hi }

// conflict says whether something that reads and writes there must not overtake what
// does so elsewhere.
func conflict(allReads, allWrites, reads, writes []extent) bool {
	for _, w := range writes {
		if meets(allReads, w) || meets(allWrites, w) {
			return true
		}
	}
	for _, r := range reads {
		if meets(allWrites, r) {
			return true
		}
	}
	return false
}

func extentOf(at uint64, n int) extent { return extent{at, at + 4*uint64(n)} }

func meets(all []extent, e extent) bool {
	for _, o := range all {
		if o.meets(e) {
			return true
		}
	}
	return false
}

// depends says whether a piece must not overtake what waits.
func (d *Device) depends(p *piece) bool {
	r, w := p.extents()
	return d.queue.blocks(r, w) || d.small.blocks(r, w)
}

// step takes a call on small tensors. What it depends on in the queue goes along where
// that is small as well.
func (d *Device) step(k *kernels.Kernel, steps []smallStep) {
	for i := range steps {
		reads, write := steps[i].extents()
		if !d.queue.blocks(reads, []extent{write}) {
			continue
		}
		if moved := d.queue.asSteps(); moved != nil && len(d.small.work)+len(moved)+len(steps) <= mostSteps {
			for j, s := range moved {
				d.small.add(d.queue.work[j].kernel, []smallStep{s})
			}
			d.queue.forget()
		}
		d.queue.flush()
	}
	d.small.add(k, steps)
}

// wait launches everything that waits.
func (d *Device) wait() {
	d.queue.flush()
	d.small.flush()
}

// before launches what a call must not overtake.
func (d *Device) before(a *kernels.Args) {
	if len(d.queue.work) == 0 && len(d.small.work) == 0 {
		return
	}
	reads, writes := d.extents[0][:0], d.extents[1][:0]
	for _, b := range a.Out {
		if b != nil {
			writes = append(writes, d.of(b).extent())
		}
	}
	for _, b := range a.In {
		if b != nil {
			reads = append(reads, d.of(b).extent())
		}
	}
	d.extents = [2][]extent{reads, writes}
	if d.queue.blocks(reads, writes) {
		d.queue.flush()
	}
	if d.small.blocks(reads, writes) {
		d.small.flush()
	}
}

// touched launches what reads or writes a buffer.
func (d *Device) touched(b *buffer) {
	e := []extent{b.extent()}
	if d.queue.blocks(nil, e) {
		d.queue.flush()
	}
	if d.small.blocks(nil, e) {
		d.small.flush()
	}
}

func (b *buffer) extent() extent { return extentOf(b.at, b.n) }
