package cuda_test

import "gradgrad/kernels"

func init() { addCases(denseBlockCases) }

func denseBlockCases(s source, full bool) (all []kcase) {
	blocks := []kernels.DenseBlockAttr{{N: 2, H: 4, W: 3, C: 5, K: 6, Growth: 3, Layers: 3}, {N: 1, H: 4, W: 4, C: 8, K: 16, Growth: 4, Layers: 2}}
	if full {
		blocks = append(blocks, kernels.DenseBlockAttr{N: 2, H: 8, W: 8, C: 24, K: 48, Growth: 12, Layers: 6})
	}
	for _, at := range blocks {
		pixels := at.N * at.H * at.W
		in := []filling{s.normal(pixels * at.C)}
		for i := range at.Layers {
			c := at.C + i*at.Growth
			in = append(in, s.from(c, 1, 0.4), s.from(c, 0, 0.4), s.from(c*at.K, 0, 0.3),
				s.from(at.K, 0.6, 0.4), s.from(at.K, 0.1, 0.4), s.from(9*at.K*at.Growth, 0, 0.1))
		}
		all = append(all, kcase{kernel: kernels.DenseBlock, attr: &at, in: in, out: []filling{blank(pixels * (at.C + at.Layers*at.Growth))}})
	}
	return all
}
