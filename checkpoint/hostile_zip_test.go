package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"strings"
	"testing"
)

func TestHostileZip(t *testing.T) {
	data := []byte("wxyz")
	pickle := dictOf("w", tensor(1, 0, ")", ")"))
	good := zipOf(t, pickle, data)
	if _, err := importBytes(t, good); err != nil {
		t.Fatal(err)
	}
	for n := range good { // cut anywhere
		if _, err := importBytes(t, good[:n]); err == nil {
			t.Fatalf("a file cut after %d of %d bytes gave no error", n, len(good))
		}
	}
	flipped := bytes.Clone(good)
	flipped[bytes.Index(good, data)] ^= 1
	bomb := deflated(t, dictOf("w", tensor(16<<20, 0, nums(16<<20), nums(1))), make([]byte, 64<<20))
	member := func(extra ...[2]string) []byte {
		return zipMembers(t, append([][2]string{{"archive/data.pkl", pickle}, {"archive/data/0", string(data)}}, extra...))
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"flipped bit":       {flipped, "damaged"},
		"bomb of zeros":     {bomb, "times the size"},
		"bomb in pickle":    {deflated(t, strings.Repeat("\x00", maxPickle+1), nil), "more than"},
		"no pickle":         {zipMembers(t, [][2]string{{"a.jpg", "x"}}), "not a checkpoint"},
		"two pickles":       {member([2]string{"other/data.pkl", pickle}), "2 members"},
		"pickle at the top": {zipMembers(t, [][2]string{{"data.pkl", pickle}}), "not a checkpoint"},
		"member twice":      {member([2]string{"archive/data/0", "abcd"}), "twice"},
		"TorchScript":       {member([2]string{"archive/constants.pkl", ""}), "TorchScript"},
		"big-endian":        {member([2]string{"archive/byteorder", "big"}), "byte order"},
		"long byte order":   {member([2]string{"archive/byteorder", strings.Repeat("x", 99)}), "more than"},
		"many members":      {manyMembers(), "directory"},
		"method 99":         {withMethod(good, 99), "method 99"},
		"two sizes":         {withSizes(good), "two different sizes"},
	} {
		_, err := importBytes(t, c.file)
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

// deflated compresses, so that a small file stands for much.
func deflated(t *testing.T, pickle string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, m := range []struct {
		name string
		data []byte
	}{{"a/data.pkl", []byte(pickle)}, {"a/data/0", data}} {
		f, err := w.Create(m.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(m.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDeflated reads a file that someone packed again.
func TestDeflated(t *testing.T) {
	f, err := importBytes(t, deflated(t, dictOf("w", tensor(100, 0, nums(100), nums(1))), make([]byte, 400)))
	if err != nil || len(f.Tensors) != 1 || f.Tensors[0].Len() != 100 {
		t.Errorf("got %v", err)
	}
}

// directory writes the central directory record of a member that is not there.
func directory(b *bytes.Buffer) {
	b.WriteString("PK\x01\x02")
	b.Write(make([]byte, 42))
}

// manyMembers has a directory of a million members in 46 MB.
func manyMembers() []byte {
	var b bytes.Buffer
	b.WriteString("PK\x03\x04")
	const n = 1 << 20
	at := b.Len()
	for range n {
		directory(&b)
	}
	size := b.Len() - at
	end := make([]byte, 22)
	copy(end, "PK\x05\x06")
	binary.LittleEndian.PutUint16(end[8:], n&0xffff)
	binary.LittleEndian.PutUint16(end[10:], n&0xffff)
	binary.LittleEndian.PutUint32(end[12:], uint32(size))
	binary.LittleEndian.PutUint32(end[16:], uint32(at))
	b.Write(end)
	return b.Bytes()
}

// withMethod changes the compression method of the first member.
func withMethod(b []byte, method uint16) []byte {
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint16(b[at+10:], method)
	return b
}

// withSizes changes the compressed size of the first member.
func withSizes(b []byte) []byte {
	b = bytes.Clone(b)
	at := bytes.Index(b, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(b[at+20:], 1)
	return b
}

// TestZipBombOverlap has many storages that all point to one block of zeros.
func TestZipBombOverlap(t *testing.T) {
	const members, elems = 64, 1 << 20
	var pickle strings.Builder
	pickle.WriteString(proto + "}")
	list := [][2]string{{"a/data.pkl", ""}}
	for i := range members {
		key := string(rune('A' + i))
		pickle.WriteString(str(key) + rebuild + "(" + stored("FloatStorage", key, elems) + num(0) + nums(elems) + nums(1) + "\x89NtRs")
		list = append(list, [2]string{"a/data/" + key, ""})
	}
	pickle.WriteString(".")
	list[0][1] = pickle.String()
	b := zipMembers(t, list)
	zeros := make([]byte, 4*elems)
	// The block goes before everything, under one local header, and each
	// directory record is bent towards it.
	var local bytes.Buffer
	w := zip.NewWriter(&local)
	f, err := w.CreateRaw(&zip.FileHeader{Name: "a/data/A", Method: zip.Store, CRC32: crc32.ChecksumIEEE(zeros), CompressedSize64: 4 * elems, UncompressedSize64: 4 * elems})
	if err == nil {
		_, err = f.Write(zeros)
	}
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	shift := local.Len()
	b = append(local.Bytes(), b...)
	end := bytes.LastIndex(b, []byte("PK\x05\x06"))
	at := int(binary.LittleEndian.Uint32(b[end+16:])) + shift
	binary.LittleEndian.PutUint32(b[end+16:], uint32(at))
	for i := 0; at < end; i++ {
		name := int(binary.LittleEndian.Uint16(b[at+28:]))
		if i == 0 {
			binary.LittleEndian.PutUint32(b[at+42:], uint32(shift))
		} else {
			binary.LittleEndian.PutUint32(b[at+16:], crc32.ChecksumIEEE(zeros))
			binary.LittleEndian.PutUint32(b[at+20:], 4*elems)
			binary.LittleEndian.PutUint32(b[at+24:], 4*elems)
			binary.LittleEndian.PutUint32(b[at+42:], 0)
		}
		at += 46 + name + int(binary.LittleEndian.Uint16(b[at+30:]))
	}
	if _, err := importBytes(t, b); err == nil || !strings.Contains(err.Error(), "times the size") {
		t.Errorf("64 storages in one block gave %v", err)
	}
}
