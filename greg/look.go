package greg

import (
	"slices"

	"gradgrad/autograd"
	"gradgrad/datasets"
	"gradgrad/layers"
	"gradgrad/ood"
)

// lookShape is the shape of images that the network looks at together.
type lookShape struct {
	n, h, w int
	bytes   bool
}

// look is what the trainer keeps for looking at images of one shape on a device that
// can replay work: they come in as those of steps do, and only what the network says of
// them comes back.
type look struct {
	lookShape
	images pictures
	log    records
}

// sendLook sends images to the device; nil where they are copied when the network looks.
func (t *Trainer) sendLook(b *datasets.Batch) (k *look, err error) {
	if t.inlet == nil {
		return nil, nil
	}
	defer autograd.Catch(&err)
	s := lookShape{b.N, b.H, b.W, b.Pixels != nil}
	if k = t.looks[s]; k == nil {
		dev := t.tape.Device()
		k = &look{lookShape: s, images: newPictures(dev, t.Config.Normalize, s.bytes, s.n, s.h, s.w), log: records{dev: dev}}
		t.looks[s] = k
	}
	host, err := t.inlet.Host(k.images.value.Size())
	if err != nil {
		return nil, err
	}
	k.images.fill(host, []*datasets.Batch{b})
	return k, t.inlet.Send()
}

// dropLook forgets images that were sent.
func (t *Trainer) dropLook() {
	if t.inlet != nil {
		t.inlet.Take() // into nothing, which cannot fail
	}
}

// look makes the network in evaluation mode look at images; outputs waits for what it
// says of them.
func (t *Trainer) look(k *look, b *datasets.Batch) (outputs func() (ood.Outputs, error), err error) {
	defer autograd.Catch(&err)
	labels := slices.Clone(b.Labels)
	if k == nil {
		o := t.lookAt(func() *autograd.Value { return t.tape.New(b.Images, b.N, b.H, b.W, 3) }, func(logits, features *autograd.Value) ood.Outputs {
			return outputsOf(t.Model.Config(), logits, features)
		})
		o.Labels = labels
		return func() (ood.Outputs, error) { return o, nil }, nil
	}
	if err := t.inlet.Take(k.images.value.Buffer()); err != nil {
		return nil, err
	}
	err = t.repeat.Do(k.lookShape, nil, func() {
		t.lookAt(func() *autograd.Value { return k.images.on(t.tape) }, func(logits, features *autograd.Value) (o ood.Outputs) {
			k.log.put(logits, features)
			return o
		})
	})
	return func() (o ood.Outputs, err error) {
		defer autograd.Catch(&err)
		parts := k.log.get()
		o = outputsFrom(t.Model.Config(), narrow(parts[0]), narrow(parts[1]), k.n)
		o.Labels = labels
		return o, nil
	}, err
}

// lookAt runs the network in evaluation mode on images that are put on the tape.
func (t *Trainer) lookAt(images func() *autograd.Value, read func(logits, features *autograd.Value) ood.Outputs) ood.Outputs {
	defer t.tape.Release()
	p := layers.Inference(t.tape)
	p.Conv = t.Config.Conv
	return read(t.Model.Forward(p, images()))
}
