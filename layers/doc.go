// Package layers holds the pieces that networks are made of: convolution,
// linear layer, batch norm and dropout, with named parameters, and the [Pass]
// that says how a network runs.
//
// A layer has no state but its parameters and buffers. Everything that differs
// between training and scoring is said by the Pass that is handed through:
//
//	tape := autograd.NewTape(dev)
//	p := layers.Training(tape, seed, step)     // batch statistics, dropout, gradients
//	p := layers.Inference(tape)                // running statistics, nothing recorded
//	y := conv.Forward(p, tape.New(pixels, n, 32, 32, 3))
//
// # Building
//
// A [Builder] makes layers under dotted names and remembers their state in the
// order in which they were made, which is the order of PyTorch's state_dict:
//
//	b := layers.NewBuilder(dev, seed)
//	b.ConvInit = layers.KaimingFanOut
//	block := b.In("block1.layer.0")
//	conv := block.Conv("conv1", 3, 16, 32, autograd.Square(1, 1)) // block1.layer.0.conv1.weight
//	norm := block.BatchNorm("bn1", 32, true)                      // with ReLU
//	b.Params()                                                    // for the optimiser
//	b.Entries()                                                   // for a checkpoint
//
// The initial value of a parameter is a function of the seed and of its name,
// so two networks that share a trunk begin with the same trunk.
//
// # Dense blocks
//
// [Channels] are groups of channels that many layers read, as in a DenseNet. They
// are never joined, and in train mode each group is normalised once for all its
// readers; [Channels.Conv] and [Channels.ReLU] read them all through a
// [BatchNorm2D], which keeps running statistics of its own.
//
//	c := p.Channels()
//	c.Add(x)                     // consumes x
//	c.Add(layer(c.Conv(bn, conv)))
//	y := c.ReLU(norm)
//	c.Done()
//
// # Memory
//
// A value that will not be read again should be told so with
// [autograd.Value.Done]; then inference needs memory for a few activations, and
// training for those that derivative rules read. [Pass.Through] runs layers one
// after the other and does that for the values between them, [Pass.Consume] also
// for the first. A layer by itself never calls Done on its operand.
//
// # Shapes
//
// Images are [N, H, W, C], convolution weights [KH, KW, Cin/groups, Cout], linear
// weights [out, in]. Operands that do not fit panic with *[autograd.ShapeError].
package layers
