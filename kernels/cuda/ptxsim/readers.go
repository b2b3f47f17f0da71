package ptxsim

// reader is a block that has read a word, after so many barriers of its own.
type reader struct {
	block    int
	meetings uint32
}

// readerSets numbers the sets of readers that words have, from 1. There are few of
// them: a tile of a tensor is read by the same blocks.
type readerSets struct {
	list [][]reader
	next map[uint64]uint32 // the set that one becomes with the readers of another
}

func (s *readerSets) of(id uint32) []reader {
	if id == 0 {
		return nil
	}
	return s.list[id-1]
}

func (s *readerSets) add(set []reader) uint32 {
	s.list = append(s.list, set)
	return uint32(len(s.list))
}

// with returns a set and one reader more, which is a set of one. A later reading by the
// same block takes the place of an earlier one.
func (s *readerSets) with(old, more uint32) uint32 {
	if old == 0 || old == more {
		return more
	}
	key := uint64(old)<<32 | uint64(more)
	if id, ok := s.next[key]; ok {
		return id
	}
	r := s.of(more)[0]
	set := []reader{r}
	for _, o := range s.of(old) {
		if o.block != r.block {
			set = append(set, o)
		}
	}
	id := s.add(set)
	s.next[key] = id
	return id
}

// reader returns the number by which pages remember that this block has read: of its
// set in kernels whose blocks talk, else the block's own.
func (b *block) reader() uint32 {
	if b.readerID != 0 {
		return b.readerID
	}
	return b.newReader()
}

func (b *block) newReader() uint32 {
	b.readerID = b.worker.forum.readers.add([]reader{{b.linear, b.shared.meetings}})
	return b.readerID
}

// joined is what pages remember when this block reads after others.
func (b *block) joined(old uint32) uint32 {
	if f := b.worker.forum; f != nil {
		return f.readers.with(old, b.reader())
	}
	return manyBlock
}

// met counts a meeting of the whole block.
func (b *block) met() {
	b.shared.meetings++
	if b.worker.forum != nil {
		b.readerID = 0
	}
}
