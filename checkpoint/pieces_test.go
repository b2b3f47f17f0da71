package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

// Pieces of pickles.

func u32(n int) string { return string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func str(s string) string { return "X" + u32(len(s)) + s }

func num(n int64) string {
	if n >= math.MinInt32 && n <= math.MaxInt32 {
		return "J" + u32(int(n))
	}
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func nums(list ...int64) string {
	s := "("
	for _, n := range list {
		s += num(n)
	}
	return s + "t"
}

const (
	proto   = "\x80\x02"
	rebuild = "ctorch._utils\n_rebuild_tensor_v2\n"
	ordered = "ccollections\nOrderedDict\n)R"
)

// stored is a storage of numel floats, by its persistent id.
func stored(class, key string, numel int64) string {
	return "(" + str("storage") + "ctorch\n" + class + "\n" + str(key) + str("cpu") + num(numel) + "tQ"
}

// tensor is a float tensor over storage "0" of numel elements.
func tensor(numel, offset int64, size, stride string) string {
	return rebuild + "(" + stored("FloatStorage", "0", numel) + num(offset) + size + stride + "\x89" + ordered + "tR"
}

func dictOf(key, value string) string { return proto + "}" + str(key) + value + "s." }

// zipOf makes a PyTorch zip file of a pickle and the storage "0".
func zipOf(t testing.TB, pickle string, data []byte) []byte {
	return zipMembers(t, [][2]string{{"archive/data.pkl", pickle}, {"archive/data/0", string(data)}})
}

func zipMembers(t testing.TB, members [][2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range members {
		f, err := w.CreateHeader(&zip.FileHeader{Name: m[0], Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(m[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// legacyHead are the three pickles before the object in a legacy file.
const legacyHead = proto + "\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + proto + "M\xe9\x03." + proto + "}X\x0d\x00\x00\x00little_endian\x88s."

// legacyOf makes a legacy file of a pickle, storage keys and what follows.
func legacyOf(pickle string, keys []string, data []byte) []byte {
	s := legacyHead + pickle + proto + "]("
	for _, k := range keys {
		s += str(k)
	}
	return append([]byte(s+"e."), data...)
}

func counted(data []byte) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(len(data)/4)), data...)
}
