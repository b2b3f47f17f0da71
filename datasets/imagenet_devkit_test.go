package datasets

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// structs writes a struct array whose fields are arrays.
func (f *matFile) structs(name string, fields []string, values [][][]byte) []byte {
	var flags, shape, body, out bytes.Buffer
	const width = 32
	f.word(&flags, matStruct, 0)
	f.word(&shape, len(values), 1)
	f.element(&body, 6, flags.Bytes())
	f.element(&body, 5, shape.Bytes())
	f.element(&body, 1, []byte(name))
	f.word(&body, 4<<16|5, width) // a short element
	names := []byte{}
	for _, field := range fields {
		names = append(names, field+strings.Repeat("\x00", width-len(field))...)
	}
	f.element(&body, 1, names)
	for _, one := range values {
		for _, v := range one {
			body.Write(v)
		}
	}
	f.word(&out, matPlain, body.Len())
	out.Write(body.Bytes())
	return out.Bytes()
}

func (f *matFile) double(v float64) []byte {
	return f.array("", 6, 9, []int{1, 1}, f.order.AppendUint64(nil, math.Float64bits(v)))
}

// devkit is meta.mat with the classes numbered by the places in wnids, then groups.
func devkit(order binary.AppendByteOrder, packed bool, wnids []string) []byte {
	f := newMatFile(order)
	var values [][][]byte
	for i, wnid := range append(slices.Clone(wnids), "n00001740", "n00001930") {
		id := f.double(float64(i + 1))
		if i%2 == 1 { // MATLAB keeps small numbers in fewer bytes
			id = f.array("", 6, 4, []int{1, 1}, f.order.AppendUint16(nil, uint16(i+1)))
		}
		text := f.array("", matChar, 16, []int{1, len(wnid)}, []byte(wnid))
		if i%3 == 1 {
			var wide []byte
			for _, r := range wnid {
				wide = f.order.AppendUint16(wide, uint16(r))
			}
			text = f.array("", matChar, 4, []int{1, len(wnid)}, wide)
		}
		var none bytes.Buffer
		f.word(&none, matPlain, 0)
		children := f.array("", 6, 2, []int{1, 3}, []byte{1, 2, 3})
		values = append(values, [][]byte{id, text, children, none.Bytes()})
	}
	array := f.structs("synsets", []string{"ILSVRC2012_ID", "WNID", "children", "gloss"}, values)
	if packed {
		f.compressed(array)
	} else {
		f.Write(array)
	}
	return f.Bytes()
}

// backwards are the classes in an order that is not that of the labels.
func backwards() []string {
	wnids := slices.Clone(imageNetClasses)
	slices.Reverse(wnids)
	return wnids
}

// The numbers of the development kit are not the labels: meta.mat tells the WordNet
// ids, and the place among them, sorted, is the label.
func TestImageNetDevkit(t *testing.T) {
	id, aux, err := ImageNetSplit(10)
	must(t, err)
	numbers := backwards()
	truth, f := "", files{}
	for i, class := range append(slices.Clone(id), aux[0]) {
		f[fmt.Sprintf("CLS-LOC/val/ILSVRC2012_val_%08d.JPEG", i+1)] = plainPNG(t, 4, 4, uint8(i))
		truth += fmt.Sprintln(slices.Index(numbers, class) + 1)
	}
	for folder, c := range map[string]struct {
		order  binary.AppendByteOrder
		packed bool
	}{
		"": {binary.LittleEndian, true}, "data/": {binary.BigEndian, true}, "ILSVRC2012_devkit_t12/data/": {binary.LittleEndian, false},
	} {
		g := maps.Clone(f)
		g[folder+devkitTruth], g[folder+"meta.mat"] = []byte(truth), devkit(c.order, c.packed, numbers)
		dir := g.writeTo(t, t.TempDir())
		if got := summary(t, open(t, dir+"/CLS-LOC#id=10", Options{})); got != "00:0 01:1 02:2 03:3 04:4 05:5 06:6 07:7 08:8 09:9" {
			t.Errorf("%q: %s", folder, got)
		}
	}
	bad := func(truth string, meta []byte, says ...string) {
		t.Helper()
		g := maps.Clone(f)
		if g[devkitTruth] = []byte(truth); meta != nil {
			g["meta.mat"] = meta
		}
		wantError(t, g.writeTo(t, t.TempDir())+"/CLS-LOC#id=10", Options{}, says...)
	}
	good := devkit(binary.LittleEndian, true, numbers)
	bad(truth, nil, "meta.mat", "in an order of its own")
	bad(truth+"1001\n", good, "line 12", "1001")
	bad("1\n", good, "does not tell the class")
	bad(truth, good[:len(good)/2], "meta.mat")
	bad(truth, devkit(binary.LittleEndian, true, numbers[1:]), "does not number the 1000 classes")
	bad(truth, newMatFile(binary.LittleEndian).Bytes(), "does not number the 1000 classes")
}

func FuzzMatStruct(f *testing.F) {
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		for _, packed := range []bool{false, true} {
			f.Add(devkit(order, packed, []string{"n1", "n2", "n3"}))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		out, err := readMatStruct(bytes.NewReader(data), int64(len(data)), "synsets")
		if err == nil && len(out) > matMaxCells {
			t.Errorf("%d structs", len(out))
		}
	})
}
