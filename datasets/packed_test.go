package datasets

import (
	"context"
	"errors"
	"slices"
	"testing"
)

// placed is a batch of bytes as it would be without BatchConfig.Bytes.
func placed(t *testing.T, b *Batch, n Normalization) []float32 {
	t.Helper()
	table, err := n.lookup()
	if err != nil {
		t.Fatal(err)
	}
	size := b.H * b.W * 3
	images := make([]float32, b.N*size)
	for k, m := range b.Moves {
		place(images[k*size:][:size], b.Pixels[k*size:][:size], b.H, b.W, m, table)
	}
	return images
}

// TestBytesAreTheSameImages moves and normalises batches of bytes afterwards.
func TestBytesAreTheSameImages(t *testing.T) {
	s := newCountingSet(41, 9)
	for _, a := range []*Augment{nil, FlipThenCrop(), CropThenFlip(), CropFlipJitter(), RandomResizedCrop()} {
		c := BatchConfig{Size: 12, Shuffle: true, Seed: 3, Epoch: 1, Augment: a, Normalize: presets[0].cifar10, Workers: 2}
		want := collect(t, Batches(context.Background(), s, c), 0)
		c.Bytes = true
		at := 0
		for b, err := range Batches(context.Background(), s, c) {
			if err != nil {
				t.Fatal(err)
			}
			w := want[at]
			if at++; b.Images != nil || !slices.Equal(b.Indices, w.Indices) || !slices.Equal(b.Labels, w.Labels) {
				t.Fatalf("batch %d is of other images", at)
			}
			if !slices.Equal(placed(t, b, c.Normalize), w.Images) {
				t.Errorf("%+v: batch %d has other pixels", a, at)
			}
		}
		if at != len(want) {
			t.Errorf("%d batches, not %d", at, len(want))
		}
		gathered, err := Gather(s, want[0].Indices, c)
		if err != nil || !slices.Equal(placed(t, gathered, c.Normalize), want[0].Images) {
			t.Errorf("%+v: gathered, error %v", a, err)
		}
	}
}

func TestAppendPacked(t *testing.T) {
	a := &Batch{N: 1, H: 1, W: 1, Pixels: []uint8{7, 8, 9}, Moves: []Move{{DY: -1, DX: 2, Mirror: true}}}
	b := &Batch{N: 1, H: 1, W: 1, Pixels: []uint8{1, 2, 3}, Moves: []Move{{}}}
	want := []byte{255, 255, 255, 255, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8, 9, 1, 2, 3}
	if got := AppendPacked(nil, a, b); !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
	defer func() {
		var m *MisuseError
		if e, ok := recover().(error); !ok || !errors.As(e, &m) {
			t.Errorf("other sizes: %v", e)
		}
	}()
	b.W = 2
	AppendPacked(nil, a, b)
}
