package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// fuzzOne reads b and checks what holds for any input: no panic, no hang, and
// either a FormatError or a file that can be written and read back unchanged.
func fuzzOne(t *testing.T, read func([]byte) (*File, error), b []byte) {
	start := time.Now()
	f, err := read(b)
	if d := time.Since(start); d > 10*time.Second {
		t.Fatalf("took %v", d)
	}
	var fe *FormatError
	if err != nil {
		if !errors.As(err, &fe) {
			t.Fatalf("%v (%T) is no FormatError", err, err)
		}
		if len(err.Error()) > 1000 {
			t.Fatalf("the message has %d bytes", len(err.Error()))
		}
		return
	}
	enc := encode(t, f)
	again, err := decode(enc)
	if err != nil {
		t.Fatalf("what was read cannot be read back: %v", err)
	}
	if !bytes.Equal(enc, encode(t, again)) {
		t.Fatal("reading back gave something else")
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func FuzzSafetensors(f *testing.F) {
	f.Add(encode(f, sample()))
	f.Add(encode(f, &File{}))
	f.Add(fixture(f, "kinds.safetensors"))
	f.Add(headed(`{"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}`, 8))
	f.Fuzz(func(t *testing.T, b []byte) { fuzzOne(t, decode, b) })
}

// FuzzPyTorch fuzzes whole files, zip and legacy.
func FuzzPyTorch(f *testing.F) {
	for _, name := range []string{"kinds_zip.pt", "kinds_legacy.pt", "kinds_zip_protocol4.pt", "kinds_legacy_protocol4.pt",
		"run_zip.pth.tar", "run_legacy.pth", "module_zip.pt", "sparse_zip.pt", "torchscript.pt"} {
		f.Add(fixture(f, name))
	}
	pickle := dictOf("w", tensor(2, 0, nums(2), nums(1)))
	f.Add(zipOf(f, pickle, make([]byte, 8)))
	f.Add(legacyOf(pickle, []string{"0"}, counted(make([]byte, 8))))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzOne(t, func(b []byte) (*File, error) {
			return decodeAny(context.Background(), bytes.NewReader(b), int64(len(b)))
		}, b)
	})
}

// FuzzPickle fuzzes the object pickle, past the checksums of a zip file: the
// scanner, the machine and what is made of its result. What the scanner accepts
// the machine must run without a panic.
func FuzzPickle(f *testing.F) {
	ctx := context.Background()
	for _, name := range []string{"kinds_zip.pt", "kinds_zip_protocol4.pt", "run_zip.pth.tar", "module_zip.pt"} {
		b := fixture(f, name)
		src := &zipSource{}
		if err := src.open(bytes.NewReader(b), int64(len(b))); err != nil {
			f.Fatal(err)
		}
		data, err := src.readMember("data.pkl", maxPickle)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(dictOf("w", tensor(2, 0, nums(2), nums(1)))))
	f.Fuzz(func(t *testing.T, b []byte) {
		fuzzOne(t, func(b []byte) (*File, error) {
			table := storageTable{}
			top, _, err := loadPickle(ctx, b, table.parseLegacy)
			if err != nil {
				return nil, err
			}
			return stateFile(ctx, zeroSource{}, top, 1<<16)
		}, b)
	})
}

// zeroSource gives every storage the bytes it claims, up to a limit.
type zeroSource struct{}

func (zeroSource) size(s *storage) (int64, error) { return int64(s.numel * s.dtype.Size()), nil }

func (zeroSource) read(s *storage) ([]byte, error) { return make([]byte, s.numel*s.dtype.Size()), nil }
