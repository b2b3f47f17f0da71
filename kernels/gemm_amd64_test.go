//go:build amd64 && !noasm

package kernels

import (
	"fmt"
	"testing"
)

// hasTiles says whether this build has micro-kernels.
const hasTiles = true

// eachTileSet runs a test with every instruction set that this machine has,
// and with none.
func eachTileSet(t *testing.T, test func(t *testing.T)) {
	best := tiles
	defer func() { tiles = best }()
	sets := []tileSet{{}}
	if best.lanes >= 8 {
		sets = append(sets, tilesAVX2)
	}
	if best.lanes >= 16 {
		sets = append(sets, tilesAVX512)
	}
	for _, s := range sets {
		tiles = s
		t.Run(fmt.Sprintf("lanes=%d", s.lanes), test)
	}
}

func TestPanelsCoverColumns(t *testing.T) {
	for _, s := range []tileSet{tilesAVX512, tilesAVX2} {
		for n := 1; n < 400; n++ {
			next := 0
			p := s.panels(n)
			for i := range p.count {
				col, cols, vecs := p.at(i)
				if col != next || cols < 1 || cols > vecs*s.lanes || cols <= (vecs-1)*s.lanes || vecs > 3 {
					t.Fatalf("%d columns of %d lanes: strip %d is %d columns at %d in %d vectors", n, s.lanes, i, cols, col, vecs)
				}
				next += cols
			}
			if next != n {
				t.Fatalf("%d columns: strips cover %d", n, next)
			}
		}
	}
}

// The product of ones counts the steps: exact, whatever the tile.
func TestEveryTile(t *testing.T) {
	eachTileSet(t, func(t *testing.T) {
		for m := 1; m <= 52; m++ {
			for _, n := range []int{1, 7, 8, 9, 16, 17, 24, 31, 48, 49, 64, 81} {
				for _, transA := range []bool{false, true} {
					checkOnes(t, transA, m, n, m%7+3)
				}
			}
		}
	})
}

func checkOnes(t *testing.T, transA bool, m, n, k int) {
	t.Helper()
	fill := func(n int) []float32 {
		s := make([]float32, n)
		for i := range s {
			s[i] = 1
		}
		return s
	}
	ldc := n + 1
	c := fill(m * ldc)
	lda := k
	if transA {
		lda = m
	}
	Gemm(transA, false, m, n, k, fill(m*k), lda, fill(k*n), n, c, ldc, true)
	for i, v := range c {
		want := float32(k + 1)
		if i%ldc == n {
			want = 1 // the gap between two rows
		}
		if v != want {
			t.Fatalf("transA=%v %dx%dx%d: element %d,%d is %v, want %v", transA, m, n, k, i/ldc, i%ldc, v, want)
		}
	}
}

// A strip holds the rows one behind the other, with zeros behind their last column,
// and nothing is read or written beyond.
func TestPackRows(t *testing.T) {
	eachTileSet(t, func(t *testing.T) {
		if tiles.lanes == 0 {
			return // no strips
		}
		for cols := 1; cols <= 5*tiles.lanes; cols++ {
			const k, stride = 9, 100
			width := (cols + tiles.lanes - 1) / tiles.lanes * tiles.lanes
			src, dst := make([]float32, (k-1)*stride+cols), make([]float32, k*width+1)
			for i := range src {
				src[i] = float32(i + 1)
			}
			for i := range dst {
				dst[i] = -1
			}
			packRows(dst, width, src, stride, k, cols)
			for i, v := range dst {
				want := float32(0)
				if i == k*width {
					want = -1
				} else if i%width < cols {
					want = src[i/width*stride+i%width]
				}
				if v != want {
					t.Fatalf("%d columns in rows of %d: element %d is %v, want %v", cols, width, i, v, want)
				}
			}
		}
	})
}
