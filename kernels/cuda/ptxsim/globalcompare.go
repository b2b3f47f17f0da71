package ptxsim

import (
	"cmp"
	"fmt"
)

// crossRaces compares what the workers did and returns the race at the lowest place.
func (l *launch) crossRaces() *Fault {
	var found *race
	for _, wk := range l.workers {
		if r := wk.shadow.race; r != nil && (found == nil || r.before(found)) {
			found = r
		}
		for _, o := range l.workers {
			if o != wk {
				found = l.compare(wk.shadow, o.shadow, found)
			}
		}
	}
	if found == nil {
		return nil
	}
	return found.fault
}

func (r *race) before(o *race) bool {
	return cmp.Or(cmp.Compare(r.alloc, o.alloc), cmp.Compare(r.at, o.at)) < 0
}

// compare looks for bytes that one worker wrote and the other wrote or read.
func (l *launch) compare(a, b *globalShadow, found *race) *race {
	for i := range min(len(a.allocs), len(b.allocs)) {
		for page, p := range a.allocs[i].writes {
			o := &b.allocs[i]
			if p == nil || p.serial != l.serial || page >= len(o.reads) {
				continue
			}
			r := l.comparePages(i, page, p, o.writers(l.serial, uint64(page), false), o.readers(l.serial, uint64(page), false))
			if r != nil && (found == nil || r.before(found)) {
				found = r
			}
		}
	}
	return found
}

// comparePages looks for one race on a page.
func (l *launch) comparePages(alloc, page int, p, q *writePage, r *readPage) *race {
	if q == nil && r == nil {
		return nil
	}
	step := stepOf(p.fine != nil || q != nil && q.fine != nil || r != nil && r.fine != nil)
	for b := 0; b < pageBytes; b += step {
		x, _ := p.at(uint64(b))
		if *x == 0 {
			continue
		}
		did := ""
		if q != nil {
			if y, _ := q.at(uint64(b)); *y != 0 && *y&*x&byAtom == 0 {
				did = "which " + l.blockName(uint32(*y>>32)) + " wrote"
			}
		}
		if r != nil && did == "" {
			if e := *r.at(uint64(b)); e != 0 {
				did = "which " + l.blockName(e) + " read"
			}
		}
		if did != "" {
			at := page*pageBytes + b
			return &race{alloc, uint64(at), l.noteFault(alloc, at, *x, did)}
		}
	}
	return nil
}

// noteFault turns the note of a write into a fault.
func (l *launch) noteFault(alloc, at int, note uint64, did string) *Fault {
	c := &l.k.code[note>>notePC&pcMask]
	who := int(note >> noteWho & whoLimit)
	block := uint32(note >> 32)
	if block == manyBlock {
		block = 1
	}
	return &Fault{
		Kind: GlobalRace, Kernel: l.k.Name, File: l.k.File, Line: c.line, Code: c.text,
		Block: l.coordinates(int(block) - 1), Thread: threadAt(l.size, who),
		Text: fmt.Sprintf("write of %s, %s in the same launch", l.m.allocs[alloc].describe(int64(at)), did),
	}
}
