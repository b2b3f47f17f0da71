package ptxsim

import "encoding/binary"

var matrixOps = map[string]func(*build) action{"ldmatrix": ldmatrix, "mma": mma}

// ldmatrix loads one, two or four matrices of 8 rows of 8 16-bit values. Lane l of
// the eight that belong to a matrix gives the address of row l.
func ldmatrix(b *build) action {
	b.has("aligned")
	if !b.has("sync") || !b.has("m8n8") {
		b.fail("ldmatrix wants .sync and .m8n8")
	}
	n := map[string]int{"x1": 1, "x2": 2, "x4": 4}[b.oneOf("x1", "x2", "x4")]
	trans := b.has("trans")
	where := b.space()
	b.typeOf("b", 16)
	b.arity(2, 2)
	if n == 0 || where != sharedSpace {
		b.fail("ldmatrix wants .x1, .x2 or .x4 and .shared")
	}
	b.grain(where, 16)
	t := dtypes["b32"]
	var d []int
	list := b.elements(0, n)
	for i := range list {
		d = append(d, b.result(&list[i], t, false))
	}
	addr := b.addresses(1, where)
	return func(w *warp, m uint32) {
		w.whole(m)
		addr(w, m)
		var rows [4][8][]byte
		w.countShared(&w.addr, full>>(lanes-8*n), 16)
		for i := range 8 * n {
			rows[i/8][i%8] = w.sharedAt(i, w.addr[i], 16, load)
		}
		for j, r := range d {
			for i := range lanes {
				w.r32[r][i] = fragment(&rows[j], i, trans)
			}
		}
	}
}

// fragment is what lane i gets of a matrix: two neighbours of row i/4, or of column
// i/4 when it is transposed.
func fragment(rows *[8][]byte, i int, trans bool) uint32 {
	if !trans {
		return binary.LittleEndian.Uint32(rows[i/4][4*(i%4):])
	}
	lo := binary.LittleEndian.Uint16(rows[2*(i%4)][2*(i/4):])
	hi := binary.LittleEndian.Uint16(rows[2*(i%4)+1][2*(i/4):])
	return uint32(hi)<<16 | uint32(lo)
}

// whole checks that all lanes run an instruction that needs them.
func (w *warp) whole(m uint32) {
	if m != full {
		w.fault(Divergence, m, "an instruction for whole warps that only lanes %08x reach", m)
	}
}

// mmaShape describes the fragments of one kind of mma.m16n8: how many values of k
// there are, and how many lie in one register.
type mmaShape struct{ k, per int }

// mma compiles mma.sync of bf16, f16 and tf32 with float32 accumulators:
// d = a*b + c with a of 16 x k, b of k x 8.
func mma(b *build) action {
	b.has("aligned")
	shape := b.oneOf("m16n8k4", "m16n8k8", "m16n8k16")
	if !b.has("sync") || !b.has("row") || !b.has("col") || shape == "" {
		b.fail("the simulator knows mma.sync.aligned.m16n8k4, k8 and k16, .row.col")
	}
	td, ta, tb, tc := b.typ(), b.typ(), b.typ(), b.typ()
	s := mmaShape{map[string]int{"m16n8k4": 4, "m16n8k8": 8, "m16n8k16": 16}[shape], 1}
	f32t := dtypes["f32"]
	switch {
	case td != f32t || tc != f32t || ta != tb:
		b.fail("the simulator knows mma with results of type f32 only")
	case ta == dtypes["tf32"] && s.k <= 8:
	case (ta == dtypes["bf16"] || ta == dtypes["f16"]) && s.k >= 8:
		s.per = 2
	default:
		b.fail("no %s with type %s", shape, ta)
	}
	b.arity(4, 4)
	na := 16 * s.k / (lanes * s.per)
	take := func(i, n int, result bool) []int {
		var r []int
		list := b.elements(i, n)
		t := dtypes["b32"]
		if i == 0 || i == 3 {
			t = f32t
		}
		for j := range list {
			if result {
				r = append(r, b.result(&list[j], t, false))
			} else {
				r = append(r, b.value(&list[j], t, false))
			}
		}
		return r
	}
	d, ra, rb, rc := take(0, 4, true), take(1, na, false), take(2, na/2, false), take(3, 4, false)
	get := mmaReader(ta)
	return func(w *warp, m uint32) {
		w.whole(m)
		var x [16][16]float64
		var y [8][16]float64
		s.gather(w, ra, rb, get, &x, &y)
		s.multiply(w, d, rc, &x, &y)
	}
}

// mmaReader reads one element of a register.
func mmaReader(t dtype) func(r uint32, i int) float64 {
	switch {
	case t.kind == 't': // the hardware does not look at the lower 13 bits
		return func(r uint32, _ int) float64 { return float64(f32(r &^ (1<<13 - 1))) }
	case t.kind == 'h':
		return func(r uint32, i int) float64 { return float64(fromBrain(uint16(r >> (16 * i)))) }
	}
	return func(r uint32, i int) float64 { return fromHalf(uint16(r >> (16 * i))) }
}

// gather collects the matrices: x by rows, y by columns. Lane l holds rows l/4 and
// l/4+8 of a, and column l/4 of b; its registers step over k.
func (s mmaShape) gather(w *warp, ra, rb []int, get func(uint32, int) float64, x *[16][16]float64, y *[8][16]float64) {
	step := 4 * s.per // values of k that the four lanes of a row hold in one register each
	for j, r := range ra {
		row, k0 := 8*(j%2), j/2*step
		for l, v := range &w.r32[r] {
			for i := range s.per {
				x[row+l/4][k0+l%4*s.per+i] = get(v, i)
			}
		}
	}
	for j, r := range rb {
		for l, v := range &w.r32[r] {
			for i := range s.per {
				y[l/4][j*step+l%4*s.per+i] = get(v, i)
			}
		}
	}
}

// multiply sums in float64, where products are exact, and rounds once.
func (s mmaShape) multiply(w *warp, d, rc []int, x *[16][16]float64, y *[8][16]float64) {
	var out [4][lanes]uint32
	for j := range 4 {
		c := &w.r32[rc[j]]
		for l := range lanes {
			row, col := &x[l/4+j/2*8], &y[l%4*2+j%2]
			sum := float64(f32(c[l]))
			for k := range s.k {
				sum += row[k&15] * col[k&15]
			}
			out[j][l] = bits32(float32(sum))
		}
	}
	for j := range 4 {
		w.r32[d[j]] = out[j]
	}
}
