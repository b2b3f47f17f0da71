package kernels

import (
	"fmt"
	"testing"
)

var normBenchShapes = [][2]int{
	{131072, 16}, {131072, 32}, {32768, 64}, {8192, 128}, {131072, 48},
	{131072, 64}, {32768, 128}, {8192, 256}, {2048, 512},
	{131072, 12}, {131072, 24}, {131072, 36}, {32768, 108}, {32768, 342},
}

// BenchmarkBatchNorm reports the bytes of whole tensors read and written, every
// tensor counted once a pass.
func BenchmarkBatchNorm(b *testing.B) {
	for _, shape := range normBenchShapes {
		m, c := shape[0], shape[1]
		at := &NormAttr{M: m, C: c, Eps: 1e-5, ReLU: true, NoDW: true}
		n := m * c
		big := func() Buffer {
			buf := CPU.Alloc(n)
			for i := range Data[float32](buf) {
				Data[float32](buf)[i] = float32(i*7919%1000)/500 - 1
			}
			return buf
		}
		row := func() Buffer {
			buf := CPU.Alloc(c)
			vecFill(Data[float32](buf), 1)
			return buf
		}
		x, g, u, s, y, z := big(), big(), big(), big(), big(), big()
		gamma, beta, mean, rstd, v := row(), row(), row(), row(), row()
		for _, k := range []struct {
			k       *Kernel
			in, out []Buffer
			passes  int
		}{
			{BatchNorm, []Buffer{x, gamma, beta}, []Buffer{y, mean, rstd, v}, 3},
			{BatchNormGrad, []Buffer{g, x, gamma, beta, mean, rstd}, []Buffer{y, gamma, v}, 5},
			{BatchNormGrad2, []Buffer{u, nil, nil, g, x, gamma, beta, mean, rstd}, []Buffer{y, z, v}, 8},
			{ChannelAffine, []Buffer{x, gamma, beta}, []Buffer{y}, 2},
			{BatchNormApply, []Buffer{x, gamma, beta, mean, rstd}, []Buffer{y}, 2},
			{BatchNormAdd, []Buffer{x, gamma, beta, s}, []Buffer{y, mean, rstd, v}, 4},
			{BatchNormAddGrad, []Buffer{g, x, gamma, mean, rstd, s}, []Buffer{y, z, gamma, v}, 7},
			{BatchNormAddGrad2, []Buffer{s, u, nil, nil, g, x, gamma, mean, rstd, s}, []Buffer{y, z, v}, 10},
			{Normalise, []Buffer{x}, []Buffer{y, rstd, mean, v}, 3},
			{NormaliseGrad, []Buffer{g, x, rstd, nil}, []Buffer{y}, 5},
			{NormaliseGrad2, []Buffer{u, g, x, rstd, nil}, []Buffer{y, z, mean, v}, 8},
		} {
			a := &Args{In: k.in, Out: k.out, Attr: at}
			b.Run(fmt.Sprintf("%s/%dx%d", k.k.Name, m, c), func(b *testing.B) {
				b.ReportAllocs()
				b.SetBytes(int64(4 * n * k.passes))
				for b.Loop() {
					CPU.Run(k.k, a)
				}
			})
		}
	}
}
