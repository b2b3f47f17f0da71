package datasets_test

import (
	"context"
	"fmt"
	"iter"

	"gradgrad/datasets"
)

// One epoch of training batches.
func Example() {
	train, err := datasets.OpenSynthetic("shapes", 1000, 32, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	norm, err := datasets.Preset("greg", train.Name())
	if err != nil {
		fmt.Println(err)
		return
	}
	c := datasets.BatchConfig{
		Size: 64, Shuffle: true, Seed: 7, DropLast: true,
		Augment: datasets.FlipThenCrop(), Normalize: norm,
	}
	batches, images := 0, 0
	for b, err := range datasets.Batches(context.Background(), train, c) {
		if err != nil {
			fmt.Println(err)
			return
		}
		if batches == 0 {
			fmt.Printf("[%d %d %d 3] float32, %d labels\n", b.N, b.H, b.W, len(b.Labels))
		}
		batches, images = batches+1, images+b.N
	}
	fmt.Printf("%d batches, %d images\n", batches, images)
	// Output:
	// [64 32 32 3] float32, 64 labels
	// 15 batches, 960 images
}

// A run that has consumed three batches of an endless stream goes on where it
// was, from that number alone.
func ExampleStreamFrom() {
	outliers, err := datasets.OpenSynthetic("outliers", 10, 16, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	c := datasets.BatchConfig{Size: 4, Shuffle: true, Seed: 7, DropLast: true}
	take := func(from, n int) (seen [][]int) {
		next, stop := iter.Pull2(datasets.StreamFrom(context.Background(), outliers, c, from))
		defer stop()
		for range n {
			b, err, _ := next()
			if err != nil {
				fmt.Println(err)
				return seen
			}
			seen = append(seen, append([]int(nil), b.Indices...))
		}
		return seen
	}
	whole, resumed := take(0, 5), take(3, 2)
	fmt.Println(fmt.Sprint(whole[3:]) == fmt.Sprint(resumed))
	// Output: true
}

func ExamplePreset() {
	for _, id := range []string{"cifar10", "cifar100"} {
		n, err := datasets.Preset("openmix", id)
		fmt.Println(n.Mean, n.Std, err)
	}
	_, err := datasets.Preset("cifar", "cifar10")
	fmt.Println(err)
	// Output:
	// [0.491 0.482 0.447] [0.247 0.243 0.262] <nil>
	// [0.507 0.487 0.441] [0.267 0.256 0.276] <nil>
	// no normalisation is called "cifar": choose one of greg, dice, energy, openmix, openood, imagenet
}

func ExampleOpenSynthetic() {
	s, err := datasets.OpenSynthetic("shapes", 20, 32, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	image := make([]uint8, 32*32*3)
	for i := range 3 {
		label, err := s.Read(i, image)
		fmt.Println(label, s.Classes()[label], err)
	}
	fmt.Println(datasets.SyntheticNames())
	// Output:
	// 0 disc <nil>
	// 1 ring <nil>
	// 2 moon <nil>
	// [shapes shapes-test outliers ood-shapes ood-textures ood-letters ood-scenes ood-blobs ood-scrambled ood-noise]
}

func ExampleGather() {
	s, err := datasets.OpenSynthetic("outliers", 100, 16, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := datasets.Gather(s, []int{42, 7}, datasets.BatchConfig{Seed: 1, Augment: datasets.CropThenFlip()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(b.N, b.Indices, b.Labels, len(b.Images) == 2*16*16*3)
	// Output: 2 [42 7] [-1 -1] true
}
