// Package models holds the networks: ResNet-18, wide ResNets and DenseNets, each
// a plain function of a [Config] in a file of its own.
//
//	m, err := models.New(models.Config{Arch: "wrn-40-2", Classes: 10}, kernels.CPU, seed)
//	logits, features := m.Forward(layers.Inference(tape), tape.New(pixels, n, 32, 32, 3))
//
// # Architectures
//
//	wrn-D-K              wide ResNet of depth D = 6n+4, K times as wide (arXiv 1605.07146)
//	resnet18             ResNet-18 with a 3x3 stem for 32x32 images (arXiv 1512.03385)
//	resnet18-imagenet    the same with the 7x7 stem and max-pool for large images
//	densenet101          DenseNet-BC for 32x32 images, depth 100, growth 12 (arXiv 1608.06993)
//	densenet-DEPTH-K     the same with any depth and growth
//	densenet121          the DenseNet for large images
//
// Layers, names of parameters and initial values are those of the published
// PyTorch code, so its checkpoints load. All networks take images [N, H, W, 3]
// that are already normalised, of any size that survives their strides.
//
// Beside the logits [N, Classes] a network returns its penultimate features
// [N, D]: the output of the last activation after global average pooling, which
// the head (see [Model]) maps to the logits. Post-hoc detectors work on those.
//
// # Checkpoints
//
// [State] turns a network into a checkpoint.File in PyTorch's layout and names,
// [Load] does the reverse. [Guess] tells which network a file holds, ours or a
// bare PyTorch one.
//
//	f, err := checkpoint.Open(ctx, "densenet.pth.tar")
//	cfg, err := models.Guess(f)
//	m, err := models.New(cfg, kernels.CPU, 0)
//	err = models.Load(m, f)
package models
