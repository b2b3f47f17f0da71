package checkpoint_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"

	"gradgrad/checkpoint"
)

// A training run saves its weights and how far it is, and another program reads
// them from the run directory.
func Example() {
	run, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(run)

	f := &checkpoint.File{
		Metadata: map[string]string{"arch": "wrn-16-1", "epoch": "3"},
		Tensors: []checkpoint.Tensor{
			checkpoint.New("fc.weight", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6}),
			checkpoint.New("bn1.num_batches_tracked", nil, []int64{1173}),
		},
	}
	if err := checkpoint.Write(filepath.Join(run, checkpoint.RunFile), f); err != nil {
		log.Fatal(err)
	}

	got, err := checkpoint.Open(context.Background(), run)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range got.Tensors {
		fmt.Println(t.Name, t.DType, t.Shape)
	}
	fmt.Println("epoch", got.Metadata["epoch"])
	// Output:
	// fc.weight F32 [2 3]
	// bn1.num_batches_tracked I64 []
	// epoch 3
}

// A PyTorch checkpoint becomes a safetensors file, which is safe to pass on.
func ExampleImportPyTorch() {
	f, err := checkpoint.ImportPyTorch(context.Background(), "testdata/run_zip.pth.tar")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(f.Tensors), "tensors; arch", f.Metadata["arch"])
	conv, ok := f.Lookup("0.weight") // saved as module.0.weight
	fmt.Println(conv.Shape, ok)
	// Output:
	// 8 tensors; arch wrn-40-2
	// [4 3 3 3] true
}

// What is wrong with a file is in the error; whether it is there can be asked.
func ExampleOpen_errors() {
	_, err := checkpoint.Open(context.Background(), "testdata/module_zip.pt")
	var bad *checkpoint.FormatError
	fmt.Println(errors.As(err, &bad))
	_, err = checkpoint.Open(context.Background(), "absent.safetensors")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	fmt.Println(err)
	// Output:
	// true
	// true
	// checkpoint absent.safetensors: no such file or directory; check the path
}

func ExampleTensor_Float32s() {
	half := checkpoint.Tensor{Name: "w", Shape: []int{2}, DType: checkpoint.F16, Data: []byte{0x00, 0x3c, 0x00, 0xc0}}
	v, err := half.Float32s()
	fmt.Println(v, err)
	// Output: [1 -2] <nil>
}
