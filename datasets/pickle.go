package datasets

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// A pickle is a program for a small stack machine. In Python that machine can
// call anything; this one knows strings, numbers, lists, dictionaries, tuples
// and NumPy arrays, and that is all: a program that names another class is
// refused, and nothing in a file can be executed. Strings and arrays stay where
// they are in the file, so the memory that a program takes is bounded by the
// number of its instructions.

// maxPickleSteps bounds the instructions of one pickle; the largest official
// CIFAR file has 400,000.
const maxPickleSteps = 1 << 21

type (
	pickleMark  struct{}
	pickleList  struct{ items []any }
	pickleDict  struct{ items map[string]any } // entries whose keys are not strings are left out
	pickleTuple []any
	pickleClass struct{ module, name string }
	// pickleArray is a NumPy array in C order; a dtype is one without data.
	pickleArray struct {
		dtype string // such as "u1"
		shape []int
		data  []byte
	}
)

// unpickler runs one program. Values are nil, bool, int, float64, []byte (text
// and bytes alike) and the types above.
type unpickler struct {
	data  []byte
	pos   int
	stack []any
	memo  map[uint32]any
	// decoded counts the bytes that came out of text; a program may decode one
	// text again and again.
	decoded int
}

// readPickle gives the value of the pickle that data holds.
func readPickle(data []byte) (any, error) {
	u := &unpickler{data: data, memo: map[uint32]any{}}
	for range maxPickleSteps {
		at := u.pos
		op, err := u.take(1)
		if err == nil && op[0] == '.' {
			return u.pop()
		}
		if err == nil {
			err = u.step(op[0])
		}
		if err != nil {
			return nil, fmt.Errorf("the pickle is wrong at byte %d: %w", at, err)
		}
	}
	return nil, fmt.Errorf("the pickle has more than %d instructions, which no CIFAR file has", maxPickleSteps)
}

func (u *unpickler) take(n uint64) ([]byte, error) {
	if n > uint64(len(u.data)-u.pos) {
		return nil, fmt.Errorf("it ends too early: the file was cut off, get it again")
	}
	b := u.data[u.pos:][:n:n]
	u.pos += int(n)
	return b, nil
}

// number reads a little-endian number of 1, 2, 4 or 8 bytes.
func (u *unpickler) number(bytes uint64) (uint64, error) {
	b, err := u.take(bytes)
	var le [8]byte
	copy(le[:], b)
	return binary.LittleEndian.Uint64(le[:]), err
}

func (u *unpickler) line() (string, error) {
	const most = 200
	for n := range min(most, len(u.data)-u.pos) {
		if u.data[u.pos+n] == '\n' {
			b, err := u.take(uint64(n) + 1)
			return string(b[:n]), err
		}
	}
	return "", errors.New("a line does not end")
}

func (u *unpickler) push(v any) error {
	u.stack = append(u.stack, v)
	return nil
}

var errPickleStack = errors.New("it takes more from its stack than is there")

func (u *unpickler) pop() (any, error) {
	if len(u.stack) == 0 {
		return nil, errPickleStack
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v, nil
}

// popTo takes n values, or with n < 0 all above the last mark.
func (u *unpickler) popTo(n int) ([]any, error) {
	at := len(u.stack) - n
	if n < 0 {
		for at = len(u.stack) - 1; at >= 0 && u.stack[at] != any(pickleMark{}); at-- {
		}
	}
	if at < 0 {
		return nil, errPickleStack
	}
	values := append([]any(nil), u.stack[at:]...)
	u.stack = u.stack[:at]
	if n < 0 {
		values = values[1:]
	}
	return values, nil
}

func (u *unpickler) top() any {
	if len(u.stack) == 0 {
		return nil
	}
	return u.stack[len(u.stack)-1]
}

// pickleStrings are the instructions that push a string, with the bytes of its
// length. The official files, written by Python 2, use U and T.
var pickleStrings = map[byte]uint64{
	'U': 1, 'T': 4, 'X': 4, 0x8c: 1, 0x8d: 8, 'C': 1, 'B': 4, 0x8e: 8, 0x96: 8,
}

// pickleConstants are the instructions that push a value of their own.
var pickleConstants = map[byte]func() any{
	'N':  func() any { return nil },
	'(':  func() any { return pickleMark{} },
	']':  func() any { return &pickleList{} },
	'}':  func() any { return &pickleDict{map[string]any{}} },
	')':  func() any { return pickleTuple(nil) },
	0x88: func() any { return true },
	0x89: func() any { return false },
}

func (u *unpickler) step(op byte) error {
	if width, ok := pickleStrings[op]; ok {
		n, err := u.number(width)
		if err != nil {
			return err
		}
		text, err := u.take(n)
		return errors.Join(err, u.push(text))
	}
	if value, ok := pickleConstants[op]; ok {
		return u.push(value())
	}
	switch op {
	case 'K', 'M', 'J', 'G', 0x8a:
		return u.pushNumber(op)
	case 'q', 'r', 0x94, 'h', 'j':
		return u.useMemo(op)
	case 't', 0x85, 0x86, 0x87:
		n := int(op) - 0x84
		if op == 't' {
			n = -1
		}
		values, err := u.popTo(n)
		return errors.Join(err, u.push(pickleTuple(values)))
	case 'a', 'e', 's', 'u':
		return u.fill(op)
	case 'c', 0x93, 'R', 'b':
		return u.object(op)
	case '0':
		_, err := u.pop()
		return err
	case 0x80: // the version of the protocol
		_, err := u.take(1)
		return err
	case 0x95: // a frame, which only helps to read ahead
		_, err := u.take(8)
		return err
	}
	return fmt.Errorf("the instruction 0x%02x is none that CIFAR files have", op)
}

func (u *unpickler) pushNumber(op byte) error {
	switch op {
	case 'G':
		b, err := u.take(8)
		if err != nil {
			return err
		}
		return u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 0x8a: // a length, then an integer of so many bytes
		n, err := u.number(1)
		if err != nil {
			return err
		}
		if n > 8 {
			return fmt.Errorf("an integer of %d bytes", n)
		}
		v, err := u.number(n)
		if n > 0 {
			v = uint64(int64(v<<(64-8*n)) >> (64 - 8*n))
		}
		return errors.Join(err, u.push(int(int64(v))))
	}
	v, err := u.number(map[byte]uint64{'K': 1, 'M': 2, 'J': 4}[op])
	if op == 'J' {
		v = uint64(int64(int32(v)))
	}
	return errors.Join(err, u.push(int(int64(v))))
}

// useMemo stores the top of the stack, or pushes what was stored.
func (u *unpickler) useMemo(op byte) error {
	width := map[byte]uint64{'q': 1, 'h': 1, 'r': 4, 'j': 4}[op]
	i, err := u.number(width)
	if err != nil {
		return err
	}
	if op == 0x94 {
		i = uint64(len(u.memo))
	}
	if op == 'h' || op == 'j' {
		v, ok := u.memo[uint32(i)]
		if !ok {
			return fmt.Errorf("it uses value %d, which it did not store", i)
		}
		return u.push(v)
	}
	if len(u.stack) == 0 {
		return errPickleStack
	}
	u.memo[uint32(i)] = u.top()
	return nil
}

// fill puts values into the list or dictionary below them.
func (u *unpickler) fill(op byte) error {
	values, err := u.popTo(map[byte]int{'a': 1, 's': 2, 'e': -1, 'u': -1}[op])
	if err != nil {
		return err
	}
	switch to := u.top().(type) {
	case *pickleList:
		if op == 'a' || op == 'e' {
			to.items = append(to.items, values...)
			return nil
		}
	case *pickleDict:
		if (op == 's' || op == 'u') && len(values)%2 == 0 {
			for i := 0; i < len(values); i += 2 {
				if key, ok := values[i].([]byte); ok && len(key) < 200 {
					to.items[string(key)] = values[i+1]
				}
			}
			return nil
		}
	}
	return errors.New("it fills something that is no list or dictionary")
}

// latin1 gives the bytes that text stands for: where Python 3 writes the
// protocol of Python 2, bytes become text of the letters U+0000 to U+00FF.
func (u *unpickler) latin1(text []byte) ([]byte, error) {
	if u.decoded += len(text); u.decoded > len(u.data) {
		return nil, errors.New("it decodes the same text more than once, which no CIFAR file does")
	}
	out := make([]byte, 0, len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r > 255 || r == utf8.RuneError {
			return nil, errors.New("bytes are written in an unknown way")
		}
		out, text = append(out, byte(r)), text[n:]
	}
	return out, nil
}
