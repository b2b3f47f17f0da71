package kernels

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
)

// blockCase draws the operands of a dense block.
func blockCase(at DenseBlockAttr) (in [][]float64, size int) {
	r := rand.New(rand.NewPCG(uint64(at.W), uint64(at.K)))
	in = [][]float64{normals(r, at.N*at.H*at.W*at.C, 0.2, 1)}
	for i := range at.Layers {
		c := at.C + i*at.Growth
		in = append(in, normals(r, c, 1, 0.4), normals(r, c, 0, 0.4), normals(r, c*at.K, 0, 0.3),
			normals(r, at.K, 0.6, 0.4), normals(r, at.K, 0.1, 0.4), normals(r, 9*at.K*at.Growth, 0, 0.1))
	}
	return in, at.N * at.H * at.W * at.channels()
}

// blockDirect computes a dense block from its definition, element by element.
func blockDirect(at DenseBlockAttr, in [][]float64) []float64 {
	width := at.channels()
	y := make([]float64, at.N*at.H*at.W*width)
	for p := range at.N * at.H * at.W {
		copy(y[p*width:], in[0][p*at.C:][:at.C])
	}
	for i := range at.Layers {
		c, l := at.C+i*at.Growth, in[1+6*i:]
		mid := make([]float64, at.N*at.H*at.W*at.K)
		for p := range at.N * at.H * at.W {
			for k := range at.K {
				var s float64
				for j := range c {
					s += max(0, l[0][j]*y[p*width+j]+l[1][j]) * l[2][j*at.K+k]
				}
				mid[p*at.K+k] = max(0, l[3][k]*s+l[4][k])
			}
		}
		for p := range at.N * at.H * at.W {
			h, w := p/at.W%at.H, p%at.W
			for o := range at.Growth {
				for tap := range 9 {
					dh, dw := tap/3-1, tap%3-1
					if h+dh < 0 || h+dh >= at.H || w+dw < 0 || w+dw >= at.W {
						continue
					}
					for k := range at.K {
						y[p*width+c+o] += mid[(p+dh*at.W+dw)*at.K+k] * l[5][(tap*at.K+k)*at.Growth+o]
					}
				}
			}
		}
	}
	return y
}

var blockShapes = []DenseBlockAttr{
	{1, 1, 1, 1, 1, 1, 1}, {2, 5, 3, 2, 5, 3, 2}, {2, 8, 8, 24, 48, 12, 3}, {1, 32, 32, 24, 48, 12, 2},
	{1, 16, 16, 20, 28, 13, 2}, {1, 7, 9, 6, 64, 25, 2}, {1, 4, 100, 3, 30, 12, 1}, {3, 2, 2, 4, 4, 4, 0},
}

func TestDenseBlockMatchesItsDefinition(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		for _, at := range blockShapes {
			in, size := blockCase(at)
			want := blockDirect(at, in)
			for dev, tol := range map[Device]float64{CPU64: 1e-12, CPU: 2e-6} {
				got := runOn(dev, DenseBlock, &at, in, size)[0]
				within(t, fmt.Sprintf("%s %+v", dev.Name(), at), got, want, tol)
			}
		}
	})
}

// TestDenseBlockPassesNaN: a pixel that is not a number spoils its neighbours as far
// as the layers reach, and no other image.
func TestDenseBlockPassesNaN(t *testing.T) {
	eachVectorSet(t, func(t *testing.T) {
		at := DenseBlockAttr{2, 5, 4, 3, 4, 2, 1}
		in, size := blockCase(at)
		in[0][(2*4+1)*3] = math.NaN() // row 2, column 1 of the first image
		for i, v := range runOn(CPU, DenseBlock, &at, in, size)[0] {
			p, c := i/at.channels(), i%at.channels()
			row, col := p/4, p%4
			spoilt := c == 0 && p == 9 || c >= 3 && row >= 1 && row <= 3 && col <= 2
			if nan := math.IsNaN(v); spoilt && !nan || nan && p >= 5*4 {
				t.Fatalf("row %d, column %d, channel %d: %g", row, col, c, v)
			}
		}
	})
}

func TestDenseBlockSameBitsForAnyGOMAXPROCS(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	at := DenseBlockAttr{5, 8, 8, 24, 48, 12, 3}
	in, size := blockCase(at)
	var first []float64
	for _, procs := range []int{1, 2, 4} {
		runtime.GOMAXPROCS(procs)
		got := runOn(CPU, DenseBlock, &at, in, size)[0]
		if first == nil {
			first = got
		}
		within(t, fmt.Sprint("GOMAXPROCS ", procs), got, first, 0)
	}
}
