package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
)

// The library that runs a pickle trusts it: it allocates what a length says,
// loops as long as the opcodes tell it to, and cannot be stopped. So a scanner
// walks the opcodes first. It follows the stack and the memo exactly, adds up
// what the library will allocate and how long it will work, and refuses a
// program that is malformed, too expensive, or uses an opcode or a class that
// state dicts do not need.

const (
	maxPickleMemory = 256 << 20 // bytes that the library may allocate
	maxPickleWork   = 1 << 29   // units of about a nanosecond
)

const resave = `load the file in PyTorch and save only the weights: torch.save(model.state_dict(), "weights.pth")`

// argKind says what follows an opcode in the stream.
type argKind uint8

const (
	argNone   argKind = iota
	argFixed          // size bytes
	argString         // a length of size bytes, then a string
	argLong           // a length of size bytes, then an integer
	argLine           // a line that ends in \n
	argGlobal         // two lines: module and name of a class
	argFrame          // the length of a frame, 8 bytes
	argGet            // memo index of size bytes
	argPut            // memo index of size bytes
)

// An opcode pops pop values (or all above the last mark), and pushes push.
type opcode struct {
	name      string
	arg       argKind
	size      int
	pop, push int
	mark      bool // pops what is above the last mark, then pop more
}

var opcodes = [256]opcode{
	'(':  {name: "MARK"},
	'.':  {name: "STOP", pop: 1},
	'N':  {name: "NONE", push: 1},
	0x88: {name: "NEWTRUE", push: 1},
	0x89: {name: "NEWFALSE", push: 1},
	'I':  {name: "INT", arg: argLine, push: 1},
	'J':  {name: "BININT", arg: argFixed, size: 4, push: 1},
	'K':  {name: "BININT1", arg: argFixed, size: 1, push: 1},
	'M':  {name: "BININT2", arg: argFixed, size: 2, push: 1},
	0x8a: {name: "LONG1", arg: argLong, size: 1, push: 1},
	0x8b: {name: "LONG4", arg: argLong, size: 4, push: 1},
	'G':  {name: "BINFLOAT", arg: argFixed, size: 8, push: 1},
	'U':  {name: "SHORT_BINSTRING", arg: argString, size: 1, push: 1},
	'T':  {name: "BINSTRING", arg: argString, size: 4, push: 1},
	'X':  {name: "BINUNICODE", arg: argString, size: 4, push: 1},
	0x8c: {name: "SHORT_BINUNICODE", arg: argString, size: 1, push: 1},
	0x8d: {name: "BINUNICODE8", arg: argString, size: 8, push: 1},
	'C':  {name: "SHORT_BINBYTES", arg: argString, size: 1, push: 1},
	'B':  {name: "BINBYTES", arg: argString, size: 4, push: 1},
	']':  {name: "EMPTY_LIST", push: 1},
	'a':  {name: "APPEND", pop: 2, push: 1},
	'e':  {name: "APPENDS", mark: true, pop: 1, push: 1},
	'}':  {name: "EMPTY_DICT", push: 1},
	's':  {name: "SETITEM", pop: 3, push: 1},
	'u':  {name: "SETITEMS", mark: true, pop: 1, push: 1},
	')':  {name: "EMPTY_TUPLE", push: 1},
	0x85: {name: "TUPLE1", pop: 1, push: 1},
	0x86: {name: "TUPLE2", pop: 2, push: 1},
	0x87: {name: "TUPLE3", pop: 3, push: 1},
	't':  {name: "TUPLE", mark: true, push: 1},
	'c':  {name: "GLOBAL", arg: argGlobal, push: 1},
	0x93: {name: "STACK_GLOBAL", pop: 2, push: 1},
	'R':  {name: "REDUCE", pop: 2, push: 1},
	0x81: {name: "NEWOBJ", pop: 2, push: 1},
	'b':  {name: "BUILD", pop: 2, push: 1},
	'Q':  {name: "BINPERSID", pop: 1, push: 1},
	'h':  {name: "BINGET", arg: argGet, size: 1, push: 1},
	'j':  {name: "LONG_BINGET", arg: argGet, size: 4, push: 1},
	'q':  {name: "BINPUT", arg: argPut, size: 1},
	'r':  {name: "LONG_BINPUT", arg: argPut, size: 4},
	0x94: {name: "MEMOIZE", arg: argPut},
	0x80: {name: "PROTO", arg: argFixed, size: 1},
	0x95: {name: "FRAME", arg: argFrame, size: 8},
}

type scanner struct {
	data     []byte
	pos      int
	op       opcode
	at       int            // of op
	frameEnd int            // of the frame that pos is in
	stack    []int          // for each value: the length if it is a string, else 0
	marks    []int          // stack heights
	memo     map[uint64]int // as stack
	memory   int            // bytes the library will have allocated
	work     int            // its time
	items    int            // put into dicts so far
	keyBytes int            // length of their keys
}

// scanPickle checks the pickle at the start of data and returns its length.
func scanPickle(ctx context.Context, data []byte) (int, error) {
	s := &scanner{data: data, memo: map[uint64]int{}}
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil {
			return 0, ctx.Err()
		}
		if err := s.step(); err != nil {
			return 0, err
		}
		switch {
		case s.memory > maxPickleMemory:
			return 0, s.errorf("would take more than %d MiB of memory", maxPickleMemory>>20)
		case s.work > maxPickleWork:
			return 0, s.errorf("would take too long")
		case s.op.name == "STOP":
			return s.pos, nil
		}
	}
}

// errorf reports what is wrong at the current opcode.
func (s *scanner) errorf(format string, args ...any) error {
	args = append([]any{s.op.name, s.at}, args...)
	return badf("the pickle in this PyTorch file is damaged or hostile: %s at byte %d "+format, args...)
}

// step scans one opcode.
func (s *scanner) step() error {
	s.at = s.pos
	if s.pos >= len(s.data) {
		s.op = opcode{name: "the end"}
		return s.errorf("comes before STOP: the file is truncated")
	}
	code := s.data[s.pos]
	s.pos++
	if s.op = opcodes[code]; s.op.name == "" {
		return badf("the pickle in this PyTorch file has the opcode 0x%02x at byte %d, which state dicts do not use; %s", code, s.at, resave)
	}
	s.memory += 48 // the stack grows by doubling, values are boxed
	value, err := s.argument()
	if err != nil {
		return err
	}
	return s.effect(value)
}

// take returns the next n bytes of the stream.
func (s *scanner) take(n uint64) ([]byte, error) {
	if n > uint64(len(s.data)-s.pos) {
		return nil, s.errorf("claims %d bytes where %d are left", n, len(s.data)-s.pos)
	}
	b := s.data[s.pos : s.pos+int(n)]
	s.pos += int(n)
	return b, nil
}

// number reads a little-endian integer of size bytes.
func (s *scanner) number(size int) (uint64, error) {
	b, err := s.take(uint64(size))
	var le [8]byte
	copy(le[:], b)
	return binary.LittleEndian.Uint64(le[:]), err
}

func (s *scanner) line() ([]byte, error) {
	const limit = 256
	window := s.data[s.pos:min(len(s.data), s.pos+limit)]
	i := bytes.IndexByte(window, '\n')
	if i < 0 {
		return nil, s.errorf("has a line without end")
	}
	s.pos += i + 1
	s.memory += 2 * limit
	return window[:i], nil
}

// argument reads what follows the opcode. It returns the length of a string to
// push, 0 for other values.
func (s *scanner) argument() (int, error) {
	switch s.op.arg {
	case argFixed:
		s.memory += 32
		_, err := s.take(uint64(s.op.size))
		return 0, err
	case argString:
		return s.stringArg()
	case argLong:
		return 0, s.longArg()
	case argLine:
		_, err := s.line()
		return 0, err
	case argGlobal:
		return 0, s.globalArg()
	case argFrame:
		return 0, s.frameArg()
	case argGet:
		return s.getArg()
	case argPut:
		return 0, s.putArg()
	}
	return 0, nil
}

func (s *scanner) stringArg() (int, error) {
	n, err := s.number(s.op.size)
	if err != nil {
		return 0, err
	}
	b, err := s.take(n)
	s.memory += 2*len(b) + 48 // the library reads, then copies
	return len(b), err
}

// longArg bounds integers: the library decodes them in quadratic time, and
// panics when they have no bytes.
func (s *scanner) longArg() error {
	const limit = 32
	n, err := s.number(s.op.size)
	if err != nil {
		return err
	}
	if n == 0 || n > limit {
		return s.errorf("has an integer of %d bytes", n)
	}
	s.memory += 512
	_, err = s.take(n)
	return err
}

func (s *scanner) globalArg() error {
	module, err := s.line()
	if err != nil {
		return err
	}
	name, err := s.line()
	if err != nil {
		return err
	}
	return allowGlobal(string(module), string(name))
}

// frameArg accepts frames that lie in the data, one after the other.
func (s *scanner) frameArg() error {
	n, err := s.number(s.op.size)
	if err != nil {
		return err
	}
	if n > uint64(len(s.data)-s.pos) {
		return s.errorf("claims %d bytes where %d are left", n, len(s.data)-s.pos)
	}
	if s.at < s.frameEnd {
		return s.errorf("begins before the last frame ends")
	}
	s.frameEnd = s.pos + int(n)
	s.memory += int(n)
	return nil
}

// getArg finds a value in the memo. A value may be used any number of times, so
// using a long string costs time each time.
func (s *scanner) getArg() (int, error) {
	i, err := s.number(s.op.size)
	if err != nil {
		return 0, err
	}
	v, ok := s.memo[i]
	if !ok {
		return 0, s.errorf("wants the value %d, which was never stored", i)
	}
	s.work += 16 + v/4
	return v, nil
}

func (s *scanner) putArg() error {
	i := uint64(len(s.memo))
	if s.op.size > 0 {
		var err error
		if i, err = s.number(s.op.size); err != nil {
			return err
		}
	}
	if s.height() == 0 {
		return s.errorf("finds the stack empty")
	}
	s.memo[i] = s.stack[len(s.stack)-1]
	s.memory += 128
	return nil
}

// height is the number of values above the last mark.
func (s *scanner) height() int {
	if len(s.marks) == 0 {
		return len(s.stack)
	}
	return len(s.stack) - s.marks[len(s.marks)-1]
}

// effect follows what the opcode does to the stack.
func (s *scanner) effect(value int) error {
	if s.op.name == "MARK" {
		s.marks = append(s.marks, len(s.stack))
		s.memory += 384
		return nil
	}
	if s.op.mark && len(s.marks) == 0 {
		return s.errorf("finds no mark")
	}
	items := 0
	if s.op.mark {
		items = s.height()
		s.marks = s.marks[:len(s.marks)-1]
	}
	if s.height() < s.op.pop+items {
		return s.errorf("finds too few values on the stack")
	}
	popped := s.stack[len(s.stack)-s.op.pop-items:]
	if err := s.cost(popped, items); err != nil {
		return err
	}
	if s.op.name == "BUILD" {
		value = popped[0] // the object stays, and may be a string in a hostile file
	}
	s.stack = s.stack[:len(s.stack)-len(popped)]
	if s.op.push > 0 {
		s.stack = append(s.stack, value)
	}
	return nil
}

// cost adds what the library allocates for an opcode, generously, and the time
// of those that take longer than their length in the stream.
func (s *scanner) cost(popped []int, items int) error {
	switch s.op.name {
	case "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3":
		s.memory += 128
	case "EMPTY_DICT":
		s.memory += 256
	case "APPEND", "APPENDS", "TUPLE":
		s.memory += 48 * (items + 1)
	case "SETITEM":
		s.setItems(popped[1:])
	case "SETITEMS":
		if items%2 != 0 {
			return s.errorf("has a key without a value")
		}
		s.setItems(popped[1:])
	case "REDUCE", "NEWOBJ":
		s.memory += 1024
	case "BINPERSID":
		s.memory += 256
	case "BUILD": // copies the attributes, which are no more than all dict items
		s.memory += 128 * s.items
		s.work += 32*s.items + s.keyBytes/4
	}
	if s.items > math.MaxInt32 || s.keyBytes > math.MaxInt32 {
		return s.errorf("has too many items")
	}
	return nil
}

// setItems counts keys and values, which alternate.
func (s *scanner) setItems(pairs []int) {
	for i := 0; i < len(pairs); i += 2 {
		s.keyBytes += pairs[i]
	}
	s.items += len(pairs) / 2
	s.memory += 320 * (len(pairs) / 2)
}
