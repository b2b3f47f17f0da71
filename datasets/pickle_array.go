package datasets

import (
	"errors"
	"fmt"
	"strings"
)

// object runs the instructions that name a class (c, STACK_GLOBAL), call it (R)
// and give its object its state (b).
func (u *unpickler) object(op byte) error {
	switch op {
	case 'c':
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		return u.pushClass(module, name)
	case 0x93:
		names, err := u.popTo(2)
		if err != nil {
			return err
		}
		module, _ := names[0].([]byte)
		name, _ := names[1].([]byte)
		return u.pushClass(string(module), string(name))
	}
	values, err := u.popTo(2)
	if err != nil {
		return err
	}
	args, ok := values[1].(pickleTuple)
	if !ok {
		return errors.New("a class is called with something that is no tuple")
	}
	var v any
	if op == 'b' {
		v, err = setState(values[0], args)
	} else {
		v, err = u.call(values[0], args)
	}
	return errors.Join(err, u.push(v))
}

// What the classes of NumPy arrays are called, whatever their module: it moved
// between versions.
const (
	reconstruct = "_reconstruct" // an array, whose content follows as its state
	fromBuffer  = "_frombuffer"  // an array (protocol 5)
)

func (u *unpickler) pushClass(module, name string) error {
	c := pickleClass{module, name}
	numpy := strings.HasPrefix(module, "numpy.core.") || strings.HasPrefix(module, "numpy._core.")
	switch {
	case numpy && (name == reconstruct || name == fromBuffer),
		c == pickleClass{"numpy", "ndarray"}, c == pickleClass{"numpy", "dtype"},
		c == pickleClass{"_codecs", "encode"}:
		return u.push(c)
	}
	return fmt.Errorf("it names %.60q, which is no part of a CIFAR file; nothing of it was executed: get the file again", module+"."+name)
}

// call stands for calling a class: none is called.
func (u *unpickler) call(class any, args pickleTuple) (any, error) {
	c, ok := class.(pickleClass)
	if !ok {
		return nil, errors.New("it calls something that is no class")
	}
	switch {
	case c.name == reconstruct:
		return &pickleArray{}, nil
	case c.name == "dtype" && len(args) > 0:
		kind, ok := args[0].([]byte)
		if !ok || len(kind) > 16 {
			return nil, errors.New("a type of numbers without a name")
		}
		return &pickleArray{dtype: string(kind)}, nil
	case c.name == "encode" && len(args) > 0:
		text, ok := args[0].([]byte)
		if !ok {
			return nil, errors.New("bytes that are written as something else than text")
		}
		return u.latin1(text)
	case c.name == fromBuffer && len(args) == 4:
		if order, _ := args[3].([]byte); string(order) != "C" {
			return nil, errors.New("an array that is not in C order")
		}
		return new(pickleArray).set(args[2], args[1], args[0])
	}
	return nil, fmt.Errorf("%s is called with %d values", c.name, len(args))
}

// setState gives an array its content: (version, shape, dtype, whether it is in
// Fortran order, bytes). What a dtype keeps besides its name is not needed.
func setState(object any, state pickleTuple) (any, error) {
	a, ok := object.(*pickleArray)
	if !ok {
		return nil, errors.New("it changes something that is no array")
	}
	if a.dtype != "" {
		return a, nil
	}
	if len(state) != 5 || state[3] != any(false) {
		return nil, errors.New("an array that is not in C order, or of a new kind")
	}
	return a.set(state[1], state[2], state[4])
}

func (a *pickleArray) set(shape, dtype, data any) (any, error) {
	sides, ok := shape.(pickleTuple)
	kind, isType := dtype.(*pickleArray)
	bytes, isBytes := data.([]byte)
	if !ok || !isType || !isBytes || kind.data != nil || len(sides) > 8 {
		return nil, errors.New("an array without shape, type and bytes")
	}
	a.dtype, a.data, a.shape = kind.dtype, bytes, nil
	for _, s := range sides {
		n, ok := s.(int)
		if !ok || n < 0 || n > len(bytes) {
			return nil, fmt.Errorf("an array whose %d bytes do not fit its shape", len(bytes))
		}
		a.shape = append(a.shape, n)
	}
	return a, nil
}
