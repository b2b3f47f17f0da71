package cuda

import "gradgrad/kernels"

func init() {
	register(pool("maxpool", true), "maxpool")
	register(pool("avgpool", true), "avgpool")
	register(pool("maxpool_pick", true), "maxpool.pick")
	register(pool("maxpool_place", false), "maxpool.place")
	register(pool("avgpool_spread", false), "avgpool.spread")
}

// pool launches a kernel with a thread to an element of the result: of the cells, or
// of the images.
func pool(entry string, cells bool) launcher {
	return func(l *launch) {
		g := l.Attr.(*kernels.PoolAttr)
		n := g.N * g.H * g.W * g.C
		if cells {
			n = g.N * g.OutH * g.OutW * g.C
		}
		adaptive := 0
		if g.Adaptive {
			adaptive = 1
		}
		l.ptr(l.Out...).ptr(l.In...).num(n)
		for _, d := range []int{g.C, g.H, g.W, g.OutH, g.OutW} {
			l.divisor(d)
		}
		l.num(g.KH, g.KW).divisor(g.StrideH).divisor(g.StrideW).num(g.PadH, g.PadW, adaptive)
		l.flat(entry, n)
	}
}
