package checkpoint

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestFixtures(t *testing.T) {
	for file, key := range map[string]string{
		"kinds_zip.pt": "kinds", "kinds_legacy.pt": "kinds",
		"kinds_zip_protocol4.pt": "kinds", "kinds_legacy_protocol4.pt": "kinds",
		"run_zip.pth.tar": "run", "run_legacy.pth": "run",
	} {
		t.Run(file, func(t *testing.T) {
			f, err := ImportPyTorch(context.Background(), filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			checkExpected(t, f, key, true)
			want := map[string]string{}
			if key == "run" {
				want = map[string]string{"epoch": "3", "arch": "wrn-40-2", "cla_acc": "94.0625", "amp": "false"}
			}
			if !reflect.DeepEqual(f.Metadata, want) {
				t.Errorf("metadata are %v, want %v", f.Metadata, want)
			}
			again, err := decode(encode(t, f))
			if err != nil {
				t.Fatal(err)
			}
			checkExpected(t, again, key, true)
		})
	}
}

// TestTensorsOwnTheirBytes changes one of two tensors that shared a storage.
func TestTensorsOwnTheirBytes(t *testing.T) {
	f, err := ImportPyTorch(context.Background(), "testdata/kinds_zip.pt")
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := f.Lookup("rows")
	columns, _ := f.Lookup("columns")
	before := bytes.Clone(columns.Data)
	clear(rows.Data)
	if !bytes.Equal(before, columns.Data) {
		t.Error("columns changed with rows")
	}
}

func TestRefusals(t *testing.T) {
	for file, want := range map[string]string{
		"module_zip.pt":  `"torch.nn.modules.linear.Linear"`,
		"sparse_zip.pt":  "_rebuild_sparse_tensor",
		"torchscript.pt": "TorchScript",
	} {
		_, err := Open(context.Background(), filepath.Join("testdata", file))
		var fe *FormatError
		if !errors.As(err, &fe) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "torch.save(model.state_dict()") {
			t.Errorf("%s: got %v, want %q", file, err, want)
		}
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for _, file := range []string{"kinds_zip.pt", "kinds_legacy.pt"} {
		if _, err := Open(ctx, filepath.Join("testdata", file)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a cancelled import gave %v", file, err)
		}
	}
}
