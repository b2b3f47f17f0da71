// Package datasets reads sets of images and turns them into batches.
//
// # Sets
//
// A [Set] is a finite list of RGB images of one size, one byte a sample, each
// with a label or -1. Sets come from three places:
//
//   - [Open] reads files: CIFAR-10 and CIFAR-100 (binary and python version),
//     SVHN (.mat), .npy files of images, 80 Million Tiny Images, folders of
//     class folders (ImageNet too) and tar archives of any of these. What it is
//     given, such as "svhn=test_32x32.mat" or "data.tar.zst#train", is a spec.
//     Published sets have names of their own ([KnownSets]), and package
//     datasets/fetch downloads them.
//   - [OpenSynthetic] draws images: ten classes of shapes and textures,
//     auxiliary outliers for training, and seven different families of
//     out-of-distribution images to test with. They need no data at all.
//   - [NewMemory] wraps pixels that the caller has.
//
// Which images of a set an evaluation took, and how it brought them to size, is
// part of a spec: "svhn#as=dice" is the first 1,000 images of each digit,
// "lsun-c#transform=resize" the set resized where GReg cuts it,
// "places365#list=names.txt" what a file lists. "imagenet10" and
// "imagenet10-aux" are GReg's in-distribution and auxiliary classes
// ([ImageNetSplit]).
//
// Sets are held in memory, one byte a sample, but those that are too large for
// it stay on disk and are read image by image (Options.Stream): an .npy file,
// the tiny images, ImageNet. They hold what they would hold in memory.
//
// [Subset], [Limit] and [FilterClasses] make sets of parts of sets. Set.Digest
// identifies the data, so that a result can say what it was computed from.
//
// # Batches
//
// [Batches] is one epoch of a set as an iterator:
//
//	norm, err := datasets.Preset("greg", "cifar10")
//	...
//	c := datasets.BatchConfig{
//		Size: 64, Shuffle: true, Seed: seed, Epoch: epoch, DropLast: true,
//		Augment: datasets.FlipThenCrop(), Normalize: norm,
//	}
//	for b, err := range datasets.Batches(ctx, train, c) {
//		if err != nil {
//			return err
//		}
//		step(b.Images, b.Labels) // b.Images is [b.N][b.H][b.W][3], NHWC
//	}
//
// Goroutines prepare the next batches while one is in use, into memory that goes
// round: a [Batch] is valid until the next iteration. They end with the loop,
// however it ends: after the last batch, by break, by an error or by
// cancellation of the context.
//
// [StreamFrom] goes on from epoch to epoch without end; iter.Pull2 turns it into
// a function to call for one more batch, which is how a training loop takes
// auxiliary images beside its own batches. [Gather] makes the batch of any
// images that a sampler has chosen.
//
// Pixels reach the network in the order of the published pipelines: [Augment] (a
// flip and a crop with black padding, in either order, or ImageNet's random
// resized crop out of the picture itself), scaling to [0, 1],
// [Normalization]. Out-of-distribution images get the constants of the
// in-distribution set; [Preset] has those of the published code bases.
//
// # Determinism
//
// Nothing here keeps random state. The order of an epoch is a pure function of
// (seed, epoch), the augmentation of an image one of (seed, epoch, index), a
// drawn image one of (family, size, seed, index); each address has a PCG
// generator of its own. Three things follow:
//
//   - The bits do not depend on the number of workers, on prefetching or on
//     GOMAXPROCS.
//   - A run that was stopped goes on with the same bits from its counters alone:
//     BatchConfig.Epoch and Start, or the batch number of [StreamFrom].
//   - Two sets that are read with one seed get the same order (if they are of one
//     length) and the same moves. Give the sets of a run seeds of their own.
package datasets
