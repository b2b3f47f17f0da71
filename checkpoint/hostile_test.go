package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// importBytes reads a PyTorch file from memory as Open does, and fails the test
// if that takes much memory or time.
func importBytes(t testing.TB, b []byte) (*File, error) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	f, err := decodeAny(context.Background(), bytes.NewReader(b), int64(len(b)))
	runtime.ReadMemStats(&after)
	if d := time.Since(start); d > 20*time.Second {
		t.Errorf("took %v", d)
	}
	if m := (after.TotalAlloc - before.TotalAlloc) >> 20; m > 2048 {
		t.Errorf("allocated %d MiB", m)
	}
	return f, err
}

// TestHandMade checks the pieces: without their faults, such files are read.
func TestHandMade(t *testing.T) {
	data := New("", []int{6}, []float32{0, 1, 2, 3, 4, 5}).Data
	whole := dictOf("w", tensor(6, 1, nums(2, 2), nums(1, 3)))
	view := rebuild + "((" + str("storage") + "ctorch\nFloatStorage\n" + str("0") + str("cpu") + num(6) +
		"(" + str("v") + num(1) + num(5) + "ttQ" + num(0) + nums(2, 2) + nums(1, 3) + "\x89" + ordered + "tR"
	old := "ctorch._utils\n_rebuild_tensor\n(" + stored("FloatStorage", "0", 6) + num(1) + nums(2, 2) + nums(1, 3) + "tR"
	for name, b := range map[string][]byte{
		"zip":                   zipOf(t, whole, data),
		"legacy":                legacyOf(whole, []string{"0"}, counted(data)),
		"legacy view":           legacyOf(dictOf("w", view), []string{"0"}, counted(data)),
		"first rebuild":         zipOf(t, dictOf("w", old), data),
		"names that climb":      zipMembers(t, [][2]string{{"archive/data.pkl", whole}, {"archive/data/0", string(data)}, {"../../../../etc/passwd", "x"}, {"/abs", "x"}}),
		"dict within itself":    zipOf(t, proto+"}q\x00"+str("self")+"h\x00s"+str("state_dict")+"}"+str("w")+tensor(6, 1, nums(2, 2), nums(1, 3))+"ss.", data),
		"Python 3 long integer": zipOf(t, proto+"}"+str("step")+num(1<<40)+"s"+str("w")+tensor(6, 1, nums(2, 2), nums(1, 3))+"s.", data),
	} {
		f, err := importBytes(t, b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		x, ok := f.Lookup("w")
		if !ok {
			t.Errorf("%s: no w", name)
			continue
		}
		if got := values(t, x); got != "[1 4 2 5]" {
			t.Errorf("%s: %s, want [1 4 2 5]", name, got)
		}
	}
}

// TestHostilePickles wants, for each fault and each attack, a quick error that
// names it.
func TestHostilePickles(t *testing.T) {
	big := strings.Repeat
	good := tensor(1, 0, ")", ")")
	cases := []struct{ name, pickle, want string }{
		{"empty", "", "truncated"},
		{"no STOP", proto, "truncated"},
		{"STOP on empty stack", proto + ".", "too few"},
		{"os.system", proto + "cos\nsystem\n" + str("true") + "\x85R.", `"os.system"`},
		{"eval by stack", "\x80\x04" + str("builtins") + str("eval") + "\x93.", `"builtins.eval"`},
		{"object", proto + "c__builtin__\nobject\n.", `"__builtin__.object"`},
		{"reconstructor", proto + "ccopy_reg\n_reconstructor\n.", "_reconstructor"},
		{"INST", proto + "(ios\nsystem\n.", "0x69"},
		{"OBJ", proto + "(o.", "0x6f"},
		{"EXT1", proto + "\x82\x01.", "0x82"},
		{"PERSID", proto + "Pxyz\n.", "0x50"},
		{"0xff", proto + "\xff.", "0xff"},
		{"POP", proto + "N0.", "0x30"},
		{"string of 4 GB", proto + "X\xff\xff\xff\xff" + "abc.", "claims"},
		{"string of 2^63", "\x80\x04\x8d" + big("\xff", 8) + "abc.", "claims"},
		{"bytes of 4 GB", proto + "B\xff\xff\xff\xff.", "claims"},
		{"frame of 2^62", "\x80\x04\x95" + big("\x3f", 8) + "N.", "claims"},
		{"frame in frame", "\x80\x04\x95\x0a" + big("\x00", 7) + "\x95\x01" + big("\x00", 7) + "N.", "before the last"},
		{"long of 0 bytes", proto + "\x8a\x00.", "integer of 0"},
		{"long of 2 GB", proto + "\x8b\xff\xff\xff\x7f.", "integer of"},
		{"long negative", proto + "\x8b\xff\xff\xff\xff.", "integer of"},
		{"long of 1 MB", proto + "\x8b\x00\x00\x10\x00" + big("\x01", 1<<20) + ".", "integer of"},
		{"endless line", proto + "c" + big("a", 1<<20), "line"},
		{"integer line", proto + "I" + big("9", 200) + "\n.", "damaged"},
		{"memo never stored", proto + "h\x05.", "never stored"},
		{"memo of nothing", proto + "q\x00.", "empty"},
		{"no mark", proto + "Nt.", "no mark"},
		{"key without value", proto + "}(Nu.", "without a value"},
		{"pop below mark", proto + "N(\x85.", "too few"},
		{"call a number", proto + "K\x01)R.", "damaged"},
		{"new a number", proto + "K\x01)\x81.", "damaged"},
		{"append to a number", proto + "K\x01Na.", "damaged"},
		{"key without hash", proto + ordered + "C\x01aNs.", "damaged"},
		{"build a number", dictOf("a", "K\x01}b"), "damaged"},
		{"marks", proto + big("(", maxPickle-3) + ".", "memory"},
		{"lists", proto + big("]", maxPickle-3) + ".", "memory"},
		{"dicts", proto + big("}", maxPickle-3) + ".", "memory"},
		{"ordered dicts", proto + "ccollections\nOrderedDict\nq\x00" + big("h\x00)R", 4<<20-16) + ".", "memory"},
		{"memo", proto + "N" + big("\x94", maxPickle-16) + ".", "memory"},
		{"long key in a dict", proto + "X\x00\x00\x40\x00" + big("k", 4<<20) + "q\x00" + ordered + big("h\x00h\x00s", 2<<20) + ".", "too long"},
		{"many attributes", manyAttributes(), "would take"},
		{"not a dict", proto + "K\x01.", "no dict"},
		{"empty dict", proto + "}.", "none"},
		{"only numbers", dictOf("epoch", "K\x01"), `"epoch"`},
		{"key no string", proto + "}K\x01" + good + "s.", "no string"},
		{"entry no tensor", proto + "}" + str("a") + good + "s" + str("b") + "]s.", `"b"`},
		{"name twice", proto + "}" + str("a") + good + "s" + str("module.a") + good + "s.", `"a"`},
		{"name not UTF-8", dictOf("\xff", good), "UTF-8"},
		{"reserved name", dictOf("__metadata__", good), "__metadata__"},
		{"negative offset", dictOf("a", tensor(1, -1, nums(1), nums(1))), "impossible"},
		{"negative size", dictOf("a", tensor(1, 0, nums(-1), nums(1))), "impossible"},
		{"negative stride", dictOf("a", tensor(1, 0, nums(1), nums(-1))), "negative stride"},
		{"beyond storage", dictOf("a", tensor(1, 0, nums(2), nums(1))), "leaves"},
		{"offset beyond", dictOf("a", tensor(1, 1, ")", ")")), "leaves"},
		{"stride beyond", dictOf("a", tensor(1, 0, nums(2), nums(7))), "leaves"},
		{"overflowing stride", dictOf("a", tensor(1, 0, nums(3, 5), nums(1<<62, 1<<62))), "leaves"},
		{"overflowing product", dictOf("a", tensor(1, 0, nums(1<<32, 1<<32), nums(0, 0))), "impossible"},
		{"expanded to 8 EB", dictOf("a", tensor(1, 0, nums(1<<60), nums(0))), "times the size"},
		{"expanded to 1 TB", dictOf("a", tensor(1, 0, nums(1<<20, 1<<18), nums(0, 0))), "times the size"},
		{"ranks differ", dictOf("a", tensor(1, 0, nums(1), ")")), "unknown way"},
		{"rank 65", dictOf("a", tensor(1, 0, nums(make([]int64, 65)...), nums(make([]int64, 65)...))), "unknown way"},
		{"size no number", dictOf("a", tensor(1, 0, "N\x85", nums(1))), "unknown way"},
		{"too few arguments", dictOf("a", rebuild+"("+stored("FloatStorage", "0", 1)+"tR"), "unknown way"},
		{"tensor without storage", dictOf("a", rebuild+"(NNNNNNtR"), "unknown way"},
		{"parameter of nothing", dictOf("a", "ctorch._utils\n_rebuild_parameter\n(N\x89NtR"), "unknown way"},
		{"storage of 2^62", dictOf("a", tensor(1<<62, 0, ")", ")")), "claims"},
		{"storage negative", dictOf("a", tensor(-1, 0, nums(0), nums(1))), "claims"},
		{"storage larger than file", dictOf("a", tensor(1<<30, 0, ")", ")")), "should have"},
		{"storage smaller than member", dictOf("a", tensor(0, 0, nums(0), nums(1))), "more than"},
		{"storage of two types", proto + "}" + str("a") + good + "s" + str("b") + rebuild + "(" + stored("IntStorage", "0", 1) + num(0) + "))\x89NtRs.", "two ways"},
		{"storage of two sizes", proto + "}" + str("a") + good + "s" + str("b") + tensor(2, 0, ")", ")") + "s.", "two ways"},
		{"storage that climbs", dictOf("a", rebuild+"("+stored("FloatStorage", "../data.pkl", 1)+num(0)+"))\x89NtR"), "lacks"},
		{"storage unknown", dictOf("a", rebuild+"("+stored("FloatStorage", "7", 1)+num(0)+"))\x89NtR"), "lacks"},
		{"complex", dictOf("a", rebuild+"("+stored("ComplexFloatStorage", "0", 1)+num(0)+"))\x89NtR"), "ComplexFloatStorage"},
		{"persistent nothing", dictOf("a", "NQ"), "unknown way"},
		{"persistent module", dictOf("a", "("+str("module")+"NNNtQ"), "whole module"},
		{"persistent short", dictOf("a", "("+str("storage")+"tQ"), "unknown way"},
	}
	for _, c := range cases {
		var keys []string
		if strings.Contains(c.pickle, "Storage") {
			keys = []string{"0"}
		}
		for kind, b := range map[string][]byte{
			"zip":    zipOf(t, c.pickle, make([]byte, 4)),
			"legacy": legacyOf(c.pickle, keys, counted(make([]byte, 4))),
		} {
			if kind == "legacy" && (len(c.pickle) > maxPickle/2 || strings.HasPrefix(c.name, "storage") || c.pickle == "" || c.pickle == proto) {
				continue // the file differs, so its faults do
			}
			_, err := importBytes(t, b)
			var fe *FormatError
			if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s (%s): got %v, want %q", c.name, kind, err, c.want)
			} else if len(err.Error()) > 600 {
				t.Errorf("%s (%s): the message has %d bytes", c.name, kind, len(err.Error()))
			}
		}
	}
}

// manyAttributes sets a large dict as the attributes of many objects.
func manyAttributes() string {
	var b strings.Builder
	b.WriteString(proto + "}(")
	for i := range 20000 {
		b.WriteString(num(int64(i)) + "N")
	}
	b.WriteString("uq\x00" + ordered)
	b.WriteString(strings.Repeat("h\x00b", 1<<20))
	b.WriteString(".")
	return b.String()
}

func TestHostileLegacy(t *testing.T) {
	data := []byte{1, 2, 3, 4}
	pickle := dictOf("w", tensor(1, 0, ")", ")"))
	good := legacyOf(pickle, []string{"0"}, counted(data))
	if _, err := importBytes(t, good); err != nil {
		t.Fatal(err)
	}
	for n := range good {
		if _, err := importBytes(t, good[:n]); err == nil {
			t.Fatalf("a file cut after %d of %d bytes gave no error", n, len(good))
		}
	}
	view := func(first, numel int64) string {
		return dictOf("w", rebuild+"(("+str("storage")+"ctorch\nFloatStorage\n"+str("0")+str("cpu")+num(1)+
			"("+str("v")+num(first)+num(numel)+"ttQ"+num(0)+"))\x89NtR")
	}
	head := legacyHead
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"plain pickle":         {[]byte(dictOf("w", "K\x01")), "magic"},
		"other magic":          {[]byte(strings.Replace(string(good), "\x6c\xfc", "\x6c\xfd", 1)), "magic"},
		"other version":        {[]byte(strings.Replace(string(good), "M\xe9\x03", "M\xea\x03", 1)), "1002"},
		"big-endian":           {[]byte(strings.Replace(string(good), "little_endian\x88", "little_endian\x89", 1)), "big-endian"},
		"storage in preamble":  {[]byte(proto + "NQ."), "refers to a storage"},
		"keys no list":         {[]byte(head + pickle + proto + "N."), "list of storages"},
		"key unknown":          {legacyOf(pickle, []string{"1"}, counted(data)), `"1"`},
		"key twice":            {legacyOf(pickle, []string{"0", "0"}, append(counted(data), counted(data)...)), "twice"},
		"key missing":          {legacyOf(pickle, nil, nil), "missing"},
		"count differs":        {legacyOf(pickle, []string{"0"}, append(counted(make([]byte, 8)), data...)), "has 2"},
		"count huge":           {legacyOf(pickle, []string{"0"}, bytes.Repeat([]byte{255}, 12)), "has 18446744073709551615"},
		"view leaves":          {legacyOf(view(1, 1), []string{"0"}, counted(data)), "leaves"},
		"view negative":        {legacyOf(view(-1, 1), []string{"0"}, counted(data)), "leaves"},
		"view overflows":       {legacyOf(view(1, math.MaxInt64), []string{"0"}, counted(data)), "leaves"},
		"storage beyond file":  {legacyOf(dictOf("w", tensor(1<<30, 0, ")", ")")), []string{"0"}, append(binary.LittleEndian.AppendUint64(nil, 1<<30), data...)), "ends inside"},
		"expanded":             {legacyOf(dictOf("w", tensor(1, 0, nums(1<<40), nums(0))), []string{"0"}, counted(data)), "times the size"},
		"nothing but its head": {[]byte(head), "truncated"},
	} {
		_, err := importBytes(t, c.file)
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
