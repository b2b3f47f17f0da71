package main

import (
	"context"
	"math/rand/v2"

	"gradgrad/greg"
	"gradgrad/layers"
	"gradgrad/ood"
)

// candidatesAtOnce is how many candidates go through the network at a time, as in
// training.
const candidatesAtOnce = 128

// choose replaces the auxiliary images of the step by those that the sampler of GReg+
// chooses in the pool.
func (s *benchStep) choose() error {
	const pixels = benchSide * benchSide * 3
	batch := len(s.labels)
	sampler := &greg.ClusterSampler{Clusters: batch, Restarts: 3, Want: 2 * batch, TwoWay: true, Represent: "norm"}
	c := new(greg.Candidates)
	for at := 0; at < len(s.pool); at += candidatesAtOnce * pixels {
		part := s.pool[at:min(at+candidatesAtOnce*pixels, len(s.pool))]
		n := len(part) / pixels
		logits, features := s.net.Forward(layers.Inference(s.tape), s.tape.New(part, n, benchSide, benchSide, 3))
		c.Look(sampler, ood.Outputs{Logits: logits.Float32s(), Features: features.Float32s(), N: n, Classes: logits.Dim(1), Dim: features.Dim(1)})
		s.tape.Release()
	}
	choice, err := sampler.Choose(context.Background(), c, rand.New(rand.NewPCG(1, s.step)))
	if err != nil {
		return err
	}
	x := s.x[:batch*pixels]
	for _, i := range choice.Indices {
		x = append(x, s.pool[i*pixels:(i+1)*pixels]...)
	}
	s.x = x
	return nil
}
