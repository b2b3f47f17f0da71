// Package gradgrad is the door to a deep-learning engine written from scratch in
// Go: a tape autograd whose gradients can be differentiated again, and on top of
// it Gradient-Regularized Out-of-Distribution Detection (GReg,
// arXiv:2404.12368).
//
// This package holds no code. Start with
//
//	go run ./cmd/cifar      a complete small experiment, no data needed
//	docs/tour               double backprop in three short programs
//	docs/architecture.md    how the house is built
//
// and then the packages, from the ground up:
//
//	kernels      devices and the arithmetic: Go and assembly
//	kernels/cuda the same for NVIDIA GPUs in PTX, and on a simulator of one
//	autograd     values, the tape, the table of operations, Grad and Backward
//	optim        SGD, Adam, learning-rate schedules
//	kmeans       k-means for samplers, usable alone
//	layers       modules with named parameters
//	models       ResNet-18, WRN, DenseNet
//	checkpoint   safetensors; import from PyTorch
//	datasets     image sets as streams of batches
//	ood          scores, metrics, thresholds for any classifier
//	greg         the losses, training and evaluation
//	report       tables, figures, one HTML page
//
// The programs are cmd/cifar and cmd/imagenet (the paper's experiments), cmd/detect
// (single pictures) and cmd/convert (PyTorch's files).
package gradgrad
