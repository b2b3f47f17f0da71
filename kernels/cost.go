package kernels

// Cost is what one call of a kernel cannot do without.
type Cost struct {
	// Elements are those of the operands and the results, each counted once.
	Elements int
	// MultiplyAdds are those of convolutions and matrix products by their definition; what
	// other kernels compute is little beside their elements, and counts as none.
	MultiplyAdds int
	// Products are the multiply-adds that the CPU makes for them: fewer by Winograd's
	// convolutions, which have 36 for a patch of 4x4 results instead of 144, or 16 for one
	// of 2x2 instead of 36.
	Products int
}

// CostOf counts a call of a kernel.
func CostOf(k *Kernel, a *Args) Cost {
	var c Cost
	for _, buffers := range [][]Buffer{a.In, a.Out} {
		for _, b := range buffers {
			if b != nil { // operands and results may be left out
				c.Elements += b.Len()
			}
		}
	}
	c.MultiplyAdds = multiplyAdds(k, a.Attr)
	c.Products = c.MultiplyAdds
	if g, ok := a.Attr.(*ConvAttr); ok {
		switch {
		case g.winograd():
			c.Products = positions * g.N * ((g.OutH + 3) / 4) * ((g.OutW + 3) / 4) * g.C * g.K
		case g.winograd2():
			c.Products = wino2Positions * g.N * ((g.OutH + 1) / 2) * ((g.OutW + 1) / 2) * g.C * g.K
		}
	}
	return c
}

func multiplyAdds(k *Kernel, attr any) int {
	switch g := attr.(type) {
	case *ConvAttr:
		return g.N * g.OutH * g.OutW * g.K * g.KH * g.KW * g.C / max(1, g.Groups)
	case *MatmulAttr:
		return g.Batch * g.M * g.N * g.K
	case *AffineConvAttr:
		c := 0
		for _, w := range g.Widths {
			c += w
		}
		if k == AffineConvGrad2 || g.Full { // two products each
			c *= 2
		}
		return g.M * g.K * c
	case *DenseBlockAttr:
		perPixel := 0
		for i := range g.Layers {
			perPixel += (g.C+i*g.Growth)*g.K + 9*g.K*g.Growth
		}
		return g.N * g.H * g.W * perPixel
	}
	return 0
}
