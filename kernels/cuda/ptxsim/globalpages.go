package ptxsim

// The shadows of global memory come in pages of 4096 bytes: by the word, and from the
// first access on that is smaller than a word by the byte.

const (
	pageWords = 1 << 10
	pageBytes = 4 * pageWords
)

type readPage struct {
	serial uint64 // of the launch that it is about
	block  [pageWords]uint32
	fine   *[pageBytes]uint32 // nil as long as words will do
}

type writePage struct {
	serial uint64
	note   [pageWords]uint64
	clock  [pageWords]uint32 // of the warp that wrote, as in race.go
	fine   *fineWrites       // nil as long as words will do
}

type fineWrites struct {
	note  [pageBytes]uint64
	clock [pageBytes]uint32
}

// refine goes over to bytes.
func (p *readPage) refine() {
	if p.fine != nil {
		return
	}
	p.fine = new([pageBytes]uint32)
	for i := range p.fine {
		p.fine[i] = p.block[i/4]
	}
}

// at returns the entry of a byte, or of its word.
func (p *readPage) at(b uint64) *uint32 {
	if p.fine != nil {
		return &p.fine[b%pageBytes]
	}
	return &p.block[b/4%pageWords]
}

// refine goes over to bytes.
func (p *writePage) refine() {
	if p.fine != nil {
		return
	}
	p.fine = new(fineWrites)
	for i := range p.fine.note {
		p.fine.note[i], p.fine.clock[i] = p.note[i/4], p.clock[i/4]
	}
}

// at returns the entry of a byte, or of its word.
func (p *writePage) at(b uint64) (note *uint64, clock *uint32) {
	if p.fine != nil {
		return &p.fine.note[b%pageBytes], &p.fine.clock[b%pageBytes]
	}
	return &p.note[b/4%pageWords], &p.clock[b/4%pageWords]
}

// allocShadow is what one worker knows about one allocation.
type allocShadow struct {
	reads  []*readPage
	writes []*writePage
}

// globalShadow is what one worker knows about global memory. It outlives the launch
// for the sake of its pages.
type globalShadow struct {
	serial uint64
	allocs []allocShadow
	race   *race
}

// shadow returns the shadow of an allocation.
func (g *globalShadow) shadow(a *allocation) *allocShadow {
	for len(g.allocs) <= a.index {
		g.allocs = append(g.allocs, allocShadow{})
	}
	s := &g.allocs[a.index]
	if s.reads == nil {
		pages := len(a.data)/pageBytes + 1
		s.reads, s.writes = make([]*readPage, pages), make([]*writePage, pages)
	}
	return s
}

// readers returns a page of the readers, emptied for this launch; nil where nobody has
// read unless create.
func (s *allocShadow) readers(serial uint64, page uint64, create bool) *readPage {
	p := s.reads[page]
	switch {
	case p != nil && p.serial == serial:
	case !create:
		return nil
	case p == nil:
		p = &readPage{serial: serial}
		s.reads[page] = p
	default:
		*p = readPage{serial: serial}
	}
	return p
}

// writers returns a page of the writers, nil where nobody has written unless create.
func (s *allocShadow) writers(serial uint64, page uint64, create bool) *writePage {
	p := s.writes[page]
	switch {
	case p != nil && p.serial == serial:
	case !create:
		return nil
	case p == nil:
		p = &writePage{serial: serial}
		s.writes[page] = p
	default:
		*p = writePage{serial: serial}
	}
	return p
}
