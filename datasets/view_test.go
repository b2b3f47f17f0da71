package datasets

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
)

func smallSet() *Memory {
	pixels := make([]uint8, 5*2*1*3)
	for i := range pixels {
		pixels[i] = uint8(i)
	}
	return NewMemory("small", []string{"a", "b", "c"}, 2, 1, pixels, []int{2, 0, -1, 1, 2})
}

func digestOfSet(t *testing.T, s Set) string {
	t.Helper()
	d, err := s.Digest()
	must(t, err)
	return d
}

// The digest is of height, width, and every image with its label.
func TestDigest(t *testing.T) {
	s := NewMemory("n", nil, 1, 2, []uint8{1, 2, 3, 4, 5, 6}, []int{-1})
	sum := sha256.Sum256([]byte{1, 0, 0, 0, 2, 0, 0, 0, 1, 2, 3, 4, 5, 6, 255, 255, 255, 255})
	if got, want := digestOfSet(t, s), hex.EncodeToString(sum[:]); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s.pixels[0] = 9
	if got, want := digestOfSet(t, s), hex.EncodeToString(sum[:]); got != want {
		t.Error("the digest was computed again")
	}
	s = NewMemory("n", nil, 1, 2, []uint8{1, 2, 3, 4, 5, 6}, []int{-1})
	other := NewMemory("other name", []string{"x"}, 1, 2, []uint8{1, 2, 3, 4, 5, 6}, nil)
	if digestOfSet(t, other) != digestOfSet(t, s) {
		t.Error("the digest depends on more than the data")
	}
	tall := NewMemory("n", nil, 2, 1, []uint8{1, 2, 3, 4, 5, 6}, nil)
	if digestOfSet(t, tall) == digestOfSet(t, s) {
		t.Error("the digest does not depend on the shape")
	}
}

func TestSubsetAndLimit(t *testing.T) {
	s := smallSet()
	v := Subset(s, []int{4, 1, 1})
	if got, want := summary(t, v), "18:2 06:0 06:0"; got != want || v.Name() != "small" || len(v.Classes()) != 3 {
		t.Errorf("%s %s, want %s", v.Name(), got, want)
	}
	if got, want := summary(t, Limit(s, 2)), "00:2 06:0"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if Limit(s, 5) != Set(s) || Limit(s, 0).Len() != 0 {
		t.Error("Limit at its ends")
	}
	if h, w := v.Size(); h != 2 || w != 1 {
		t.Errorf("%dx%d", w, h)
	}
	same := Subset(s, []int{0, 1, 2, 3, 4})
	if digestOfSet(t, same) != digestOfSet(t, s) || digestOfSet(t, v) == digestOfSet(t, s) {
		t.Error("digests of views")
	}
}

func TestFilterClasses(t *testing.T) {
	s := smallSet()
	for _, list := range []string{`{"A": {"c": "name", "b": "name", "z": ""}, "B": {"a": ["x", "y"]}}`, `["b", "c"]`, `{"A": ["c", "b"]}`, `{"b": 1, "c": {}}`} {
		v, err := FilterClasses(s, writeFile(t, "list.json", []byte(list)))
		must(t, err)
		if got, want := summary(t, v), "00:1 12:0 18:1"; got != want || !slices.Equal(v.Classes(), []string{"b", "c"}) {
			t.Errorf("%s: %v %s, want %s", list, v.Classes(), got, want)
		}
	}
	for list, words := range map[string]string{
		`{"A": {"x": ""}}`: "none of its 1 classes (x, ...) is one of the 3 of small (a, ...)",
		`[]`:               "lists no class",
		`12`:               "wants a JSON array",
		`{"A": 1}`:         "wants a JSON array",
	} {
		_, err := FilterClasses(s, writeFile(t, "list.json", []byte(list)))
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: error %v, want %q", list, err, words)
		}
	}
	if _, err := FilterClasses(s, "no such file"); err == nil {
		t.Error("a list that is not there")
	}
	flat := NewMemory("flat", nil, 1, 1, []uint8{1, 2, 3}, nil)
	if _, err := FilterClasses(flat, writeFile(t, "list.json", []byte(`["a"]`))); err == nil || !strings.Contains(err.Error(), "no classes") {
		t.Errorf("without classes: %v", err)
	}
}
