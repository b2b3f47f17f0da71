package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"
)

// sample has every type, a scalar, an empty tensor, odd sizes and odd names.
func sample() *File {
	return &File{
		Metadata: map[string]string{"epoch": "3", "b": "\"\\\n<&>", "a": "ünï"},
		Tensors: []Tensor{
			New("u8", []int{3}, []uint8{1, 2, 3}),
			New("f32", []int{2, 2}, []float32{1, -2, float32(math.Inf(1)), math.SmallestNonzeroFloat32}),
			New("scalar", nil, []int64{-7}),
			New("bool", []int{1, 1}, []bool{true}),
			{Name: "f16", Shape: []int{1}, DType: F16, Data: []byte{0, 0x3c}},
			{Name: "bf16", Shape: []int{1}, DType: BF16, Data: []byte{0x80, 0x3f}},
			New("f64", []int{1}, []float64{math.Pi}),
			New("empty", []int{0, 5}, []float32{}),
			New("i32", []int{1}, []int32{-1}),
			New("i16", []int{1}, []int16{-1}),
			New("i8", []int{1}, []int8{-1}),
			New("u16", []int{1}, []uint16{1}),
			New("u32", []int{1}, []uint32{1}),
			New("u64", []int{1}, []uint64{1}),
			New("<name> \"ü\"", []int{1}, []float32{1}),
		},
	}
}

func encode(t testing.TB, f *File) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(b []byte) (*File, error) { return Decode(bytes.NewReader(b), int64(len(b))) }

func TestRoundTrip(t *testing.T) {
	for name, f := range map[string]*File{"sample": sample(), "empty": {Metadata: map[string]string{}, Tensors: []Tensor{}}} {
		b := encode(t, f)
		if !bytes.Equal(b, encode(t, f)) {
			t.Errorf("%s: the same content gave different bytes", name)
		}
		got, err := decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Metadata, f.Metadata) || len(got.Tensors) != len(f.Tensors) {
			t.Fatalf("%s: read metadata %v and %d tensors", name, got.Metadata, len(got.Tensors))
		}
		for i, x := range got.Tensors {
			want := f.Tensors[i]
			if x.Name != want.Name || x.DType != want.DType || fmt.Sprint(x.Shape) != fmt.Sprint(want.Shape) || !bytes.Equal(x.Data, want.Data) {
				t.Errorf("%s: tensor %d is %v, want %v", name, i, x, want)
			}
		}
	}
}

// TestLayout checks what a reader that maps the file relies on: the data start
// at a multiple of 8, and each tensor at a multiple of its element's size.
func TestLayout(t *testing.T) {
	b := encode(t, sample())
	n := binary.LittleEndian.Uint64(b)
	if n%8 != 0 {
		t.Errorf("the header has %d bytes, no multiple of 8", n)
	}
	h, err := parseHeader(b[8 : 8+n])
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range h.tensors {
		if x.begin%int64(x.dtype.Size()) != 0 {
			t.Errorf("%s of %s begins at %d", x.name, x.dtype, x.begin)
		}
	}
}

// TestGoldenBytes pins the format: files written today are read tomorrow.
func TestGoldenBytes(t *testing.T) {
	f := &File{Metadata: map[string]string{"b": "2", "a": "1"}, Tensors: []Tensor{
		New("x", []int{1}, []uint8{9}), New("y", []int{1, 1}, []float32{1}), New("z", nil, []int64{-1})}}
	head := `{"__metadata__":{"a":"1","b":"2"},"x":{"dtype":"U8","shape":[1],"data_offsets":[12,13]},` +
		`"y":{"dtype":"F32","shape":[1,1],"data_offsets":[8,12]},"z":{"dtype":"I64","shape":[],"data_offsets":[0,8]}}`
	head += strings.Repeat(" ", (8-len(head)%8)%8)
	want := binary.LittleEndian.AppendUint64(nil, uint64(len(head)))
	want = append(want, head...)
	want = append(want, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0x80, 0x3f, 9)
	if got := encode(t, f); !bytes.Equal(got, want) {
		t.Errorf("wrote %q\nwant  %q", got, want)
	}
}

// TestAgainstLibrary lets another implementation read what we write, and reads
// what it writes. It cannot write scalars.
func TestAgainstLibrary(t *testing.T) {
	f := sample()
	st, err := safetensors.Deserialize(encode(t, f))
	if err != nil {
		t.Fatal(err)
	}
	if st.Len() != len(f.Tensors) {
		t.Fatalf("the library sees %d tensors, want %d", st.Len(), len(f.Tensors))
	}
	views := map[string]safetensors.TensorView{}
	for _, want := range f.Tensors {
		x, ok := st.Tensor(want.Name)
		if !ok || x.DType().String() != string(want.DType) || !bytes.Equal(x.Data(), want.Data) || len(x.Shape()) != len(want.Shape) {
			t.Errorf("the library reads %s as %v", want.Name, x)
		}
		if len(want.Shape) > 0 {
			views[want.Name] = x
		}
	}
	b, err := safetensors.Serialize(views, f.Metadata)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Tensors) != len(views) || !reflect.DeepEqual(got.Metadata, f.Metadata) {
		t.Errorf("read %d tensors and %v from the library's file", len(got.Tensors), got.Metadata)
	}
	for _, x := range got.Tensors {
		want, _ := f.Lookup(x.Name)
		if x.DType != want.DType || !reflect.DeepEqual(x.Shape, want.Shape) || !bytes.Equal(x.Data, want.Data) {
			t.Errorf("%s is %v, want %v", x.Name, x, want)
		}
	}
}

// TestPythonFile reads what Hugging Face's writer made, scalars included.
func TestPythonFile(t *testing.T) {
	f, err := Read("testdata/kinds.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"by": "safetensors", "ünï": "<&>\n"}; !reflect.DeepEqual(f.Metadata, want) {
		t.Errorf("metadata are %q", f.Metadata)
	}
	checkExpected(t, f, "kinds", false)
}

// headed returns a file of this header and n bytes of data.
func headed(header string, n int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, n)...)
}

// TestHostileSafetensors wants an error that names the fault, for each fault.
func TestHostileSafetensors(t *testing.T) {
	f32 := func(name, shape, offsets string) string {
		return `"` + name + `":{"dtype":"F32","shape":[` + shape + `],"data_offsets":[` + offsets + `]}`
	}
	cases := []struct {
		name string
		file []byte
		want string // in the message
	}{
		{"nothing", nil, "too few"},
		{"header longer than the file", binary.LittleEndian.AppendUint64(nil, 9), "the file ends"},
		{"header over 100 MB", binary.LittleEndian.AppendUint64(nil, maxHeader+1), "100000000"},
		{"header of 2^64-1", bytes.Repeat([]byte{255}, 64), "claims"},
		{"no object", headed(`[]`, 0), "does not start"},
		{"space first", headed(` {}`, 0), "does not start"},
		{"no header", headed(``, 0), "does not start"},
		{"open object", headed(`{"a":`, 0), "JSON"},
		{"two objects", headed(`{}{}`, 0), "goes on"},
		{"text after object", headed(`{} x`, 0), "goes on"},
		{"not UTF-8", headed("{\"a\xff\":1}", 0), "UTF-8"},
		{"deep JSON", headed(`{"a":`+strings.Repeat("[", 1<<20), 0), "lacks"},
		{"deep in shape", headed(`{"a":{"dtype":"F32","shape":`+strings.Repeat("[", 1<<20), 0), "natural"},
		{"unknown field", headed(`{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}`, 4), "unknown field"},
		{"missing field", headed(`{"a":{"dtype":"F32","shape":[]}}`, 0), "lacks"},
		{"field twice", headed(`{"a":{"dtype":"F32","dtype":"F32","shape":[],"data_offsets":[0,4]}}`, 4), "twice"},
		{"unknown type", headed(`{"a":{"dtype":"F4","shape":[],"data_offsets":[0,4]}}`, 4), `"F4"`},
		{"type not a string", headed(`{"a":{"dtype":4,"shape":[],"data_offsets":[0,4]}}`, 4), "string"},
		{"name twice", headed(`{`+f32("a", "1", "0,4")+`,`+f32("a", "1", "4,8")+`}`, 8), "twice"},
		{"name twice by escape", headed(`{`+f32("a", "1", "0,4")+`,`+f32(`\u0061`, "1", "4,8")+`}`, 8), "twice"},
		{"metadata not a string", headed(`{"__metadata__":{"a":1}}`, 0), "string"},
		{"metadata nested", headed(`{"__metadata__":{"a":{}}}`, 0), "string"},
		{"metadata key twice", headed(`{"__metadata__":{"a":"","a":""}}`, 0), "twice"},
		{"metadata twice", headed(`{"__metadata__":{},"__metadata__":{}}`, 0), "twice"},
		{"negative dimension", headed(`{`+f32("a", "-1", "0,4")+`}`, 4), "natural"},
		{"negative offset", headed(`{`+f32("a", "1", "-4,0")+`}`, 4), "natural"},
		{"fraction", headed(`{`+f32("a", "1.0", "0,4")+`}`, 4), "natural"},
		{"exponent", headed(`{`+f32("a", "1e0", "0,4")+`}`, 4), "natural"},
		{"huge dimension", headed(`{`+f32("a", "18446744073709551616", "0,4")+`}`, 4), "natural"},
		{"product overflows to 1", headed(`{`+f32("a", "4611686018427387905,4", "0,16")+`}`, 16), "match"},
		{"bytes overflow", headed(`{`+f32("a", "4611686018427387904", "0,0")+`}`, 0), "match"},
		{"one offset", headed(`{`+f32("a", "1", "0")+`}`, 4), "offsets"},
		{"three offsets", headed(`{`+f32("a", "1", "0,4,4")+`}`, 4), "offsets"},
		{"end before begin", headed(`{`+f32("a", "0", "4,0")+`}`, 4), "overlap"},
		{"hole at the start", headed(`{`+f32("a", "1", "4,8")+`}`, 8), "hole"},
		{"hole", headed(`{`+f32("a", "1", "0,4")+`,`+f32("b", "1", "8,12")+`}`, 12), "hole"},
		{"overlap", headed(`{`+f32("a", "2", "0,8")+`,`+f32("b", "1", "4,8")+`}`, 8), "overlap"},
		{"same place", headed(`{`+f32("a", "1", "0,4")+`,`+f32("b", "1", "0,4")+`}`, 4), "overlap"},
		{"too small for shape", headed(`{`+f32("a", "2", "0,4")+`}`, 4), "match"},
		{"truncated", headed(`{`+f32("a", "2", "0,8")+`}`, 7), "truncated"},
		{"bytes left over", headed(`{`+f32("a", "1", "0,4")+`}`, 5), "follow"},
	}
	for _, c := range cases {
		_, err := decode(c.file)
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got the error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// TestShortReader wants an error from a reader that ends before its size, and
// from a file cut anywhere.
func TestShortReader(t *testing.T) {
	b := encode(t, sample())
	if _, err := Decode(bytes.NewReader(b[:len(b)-1]), int64(len(b))); err == nil {
		t.Error("a short reader gave no error")
	}
	for n := range len(b) {
		if _, err := decode(b[:n]); err == nil {
			t.Fatalf("a file cut after %d of %d bytes gave no error", n, len(b))
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	one := New("a", nil, []float32{1})
	for name, f := range map[string]*File{
		"two of a name":       {Tensors: []Tensor{one, one}},
		"reserved name":       {Tensors: []Tensor{New(metadataKey, nil, []float32{1})}},
		"name not UTF-8":      {Tensors: []Tensor{New("\xff", nil, []float32{1})}},
		"metadata not UTF-8":  {Metadata: map[string]string{"a": "\xff"}},
		"data and shape":      {Tensors: []Tensor{{Name: "a", Shape: []int{2}, DType: F32, Data: make([]byte, 4)}}},
		"negative dimension":  {Tensors: []Tensor{{Name: "a", Shape: []int{-1}, DType: F32}}},
		"overflowing product": {Tensors: []Tensor{{Name: "a", Shape: []int{math.MaxInt, 2}, DType: F32}}},
		"unknown type":        {Tensors: []Tensor{{Name: "a", DType: "F4", Data: []byte{1}}}},
	} {
		var b bytes.Buffer
		var fe *FormatError
		if err := f.Encode(&b); !errors.As(err, &fe) || b.Len() > 0 {
			t.Errorf("%s: error %v and %d bytes written", name, err, b.Len())
		}
	}
}

// expected is a tensor of testdata/expected.json; values may hold "inf".
type expected struct {
	Name   string
	Shape  []int
	DType  string
	Values []any
}

var pythonTypes = map[string]DType{
	"torch.float32": F32, "torch.float64": F64, "torch.float16": F16, "torch.bfloat16": BF16, "torch.int64": I64,
	"torch.int32": I32, "torch.int16": I16, "torch.int8": I8, "torch.uint8": U8, "torch.bool": Bool,
}

// checkExpected compares f with the tensors that PyTorch noted under key.
func checkExpected(t *testing.T, f *File, key string, ordered bool) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]expected
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // int64 values do not fit a float64
	if err := dec.Decode(&all); err != nil {
		t.Fatal(err)
	}
	if len(all[key]) == 0 || len(f.Tensors) != len(all[key]) {
		t.Fatalf("%d tensors, want %d", len(f.Tensors), len(all[key]))
	}
	for i, want := range all[key] {
		x, ok := f.Lookup(want.Name)
		if !ok || (ordered && f.Tensors[i].Name != want.Name) {
			t.Errorf("tensor %d is %s, want %s", i, f.Tensors[i].Name, want.Name)
			continue
		}
		if x.DType != pythonTypes[want.DType] || !reflect.DeepEqual(x.Shape, want.Shape) {
			t.Errorf("%s is %s %v, want %s %v", x.Name, x.DType, x.Shape, want.DType, want.Shape)
		}
		if got, wanted := values(t, x), fmt.Sprint(wantValues(t, x.DType, want.Values)); got != wanted {
			t.Errorf("%s is %s, want %s", x.Name, got, wanted)
		}
	}
}

func values(t *testing.T, x *Tensor) string {
	t.Helper()
	var v any
	var err error
	if x.DType.IsFloat() {
		v, err = x.Float64s()
	} else {
		v, err = x.Int64s()
	}
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(v)
}

func wantValues(t *testing.T, d DType, list []any) any {
	t.Helper()
	floats, ints := []float64{}, []int64{}
	for _, v := range list {
		n, ok := v.(json.Number)
		if !ok {
			floats = append(floats, math.Inf(1))
			continue
		}
		f, err1 := n.Float64()
		floats = append(floats, f)
		if d.IsFloat() {
			continue
		}
		i, err2 := n.Int64()
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		ints = append(ints, i)
	}
	if d.IsFloat() {
		return floats
	}
	return ints
}
