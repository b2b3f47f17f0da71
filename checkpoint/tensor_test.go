package checkpoint

import (
	"errors"
	"math"
	"strings"
	"testing"
)

// TestHalf compares every binary16 with the definition of the format.
func TestHalf(t *testing.T) {
	for i := range 1 << 16 {
		h := uint16(i)
		sign := 1.0
		if h&0x8000 != 0 {
			sign = -1
		}
		exp, frac := int(h>>10&31), float64(h&1023)
		var want float64
		switch {
		case exp == 31 && frac != 0:
			if !math.IsNaN(float64(half(h))) {
				t.Fatalf("half(%#04x) is no NaN", h)
			}
			continue
		case exp == 31:
			want = sign * math.Inf(1)
		case exp == 0:
			want = math.Copysign(math.Ldexp(frac, -24), sign)
		default:
			want = sign * math.Ldexp(1+frac/1024, exp-15)
		}
		if got := float64(half(h)); math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("half(%#04x) is %v, want %v", h, got, want)
		}
	}
}

func TestNewPanicsOnWrongCount(t *testing.T) {
	defer func() {
		e, ok := recover().(*ShapeError)
		if !ok || e.Name != "w" || e.Values != 3 || !strings.Contains(e.Error(), "[2 2]") {
			t.Errorf("panicked with %v", e)
		}
	}()
	New("w", []int{2, 2}, []float32{1, 2, 3})
}

func TestConversions(t *testing.T) {
	x := New("x", []int{2}, []float64{1.0 / 3, 1e300})
	if v, err := x.Float32s(); err != nil || v[0] != float32(1.0/3) || !math.IsInf(float64(v[1]), 1) {
		t.Errorf("F64 as float32 is %v (%v)", v, err)
	}
	ints := map[string]Tensor{
		"int64": New("x", []int{1}, []int64{-5}), "int32": New("x", []int{1}, []int32{-5}),
		"int16": New("x", []int{1}, []int16{-5}), "int8": New("x", []int{1}, []int8{-5}),
	}
	for name, x := range ints {
		if v, err := x.Int64s(); err != nil || len(v) != 1 || v[0] != -5 {
			t.Errorf("%s is %v (%v), want -5", name, v, err)
		}
	}
	unsigned := map[string]Tensor{
		"uint64": New("x", nil, []uint64{200}), "uint32": New("x", nil, []uint32{200}),
		"uint16": New("x", nil, []uint16{200}), "uint8": New("x", nil, []uint8{200}),
	}
	for name, x := range unsigned {
		if v, err := x.Int64s(); err != nil || len(v) != 1 || v[0] != 200 {
			t.Errorf("%s is %v (%v), want 200", name, v, err)
		}
	}
	b := New("b", []int{3}, []bool{true, false, true})
	if v, err := b.Int64s(); err != nil || v[0] != 1 || v[1] != 0 || v[2] != 1 {
		t.Errorf("bool is %v (%v)", v, err)
	}
}

// TestWrongType wants an error, not a guess, where the type does not fit.
func TestWrongType(t *testing.T) {
	i, f := New("step", nil, []int64{1}), New("w", nil, []float32{1})
	big := New("n", nil, []uint64{1 << 63})
	unknown := Tensor{Name: "q", DType: "F4", Data: []byte{1}}
	short := Tensor{Name: "s", Shape: []int{2}, DType: F32, Data: make([]byte, 4)}
	_, e1 := i.Float32s()
	_, e2 := i.Float64s()
	_, e3 := f.Int64s()
	_, e4 := big.Int64s()
	_, e5 := unknown.Int64s()
	_, e6 := short.Float32s()
	for n, err := range []error{e1, e2, e3, e4, e5, e6} {
		var fe *FormatError
		if !errors.As(err, &fe) {
			t.Errorf("case %d: %v is no FormatError", n+1, err)
		}
	}
}
