package main

// The instructions of a map, on numbered registers.
func (t *transform) add(a, b, to int) { t.w.op("VADDPS %s, %s, %s", t.reg(b), t.reg(a), t.reg(to)) }
func (t *transform) sub(a, b, to int) { t.w.op("VSUBPS %s, %s, %s", t.reg(b), t.reg(a), t.reg(to)) }
func (t *transform) move(a, to int)   { t.w.op("VMOVAPS %s, %s", t.reg(a), t.reg(to)) }
func (t *transform) mul(c string, a, to int) {
	t.w.op("VMULPS %s, %s, %s", t.constant(c), t.reg(a), t.reg(to))
}
func (t *transform) plus(c string, a, to int) { // to += c*a
	t.w.op("VFMADD231PS %s, %s, %s", t.constant(c), t.reg(a), t.reg(to))
}
func (t *transform) minus(c string, a, to int) { // to -= c*a
	t.w.op("VFNMADD231PS %s, %s, %s", t.constant(c), t.reg(a), t.reg(to))
}

// inputLine: rows of B' are the coefficients of the product of (x - point) over
// all points but one, and over all for infinity:
//
//	d0 + 3/2 d1 -   2 d2 - 3/2 d3 + d4
//	   -     d1 - 5/2 d2 - 1/2 d3 + d4
//	         d1 + 1/2 d2 - 5/2 d3 + d4
//	   - 1/2 d1 -     d2 + 1/2 d3 + d4
//	       2 d1 -     d2 -   2 d3 + d4
//	         d1 + 3/2 d2 -   2 d3 - 3/2 d4 + d5
func inputLine(t *transform) []int {
	const p, q = 6, 7
	t.sub(4, 2, p)
	t.sub(1, 3, q)
	t.move(p, 8)
	t.minus("half", q, 8)
	t.add(p, q, 10)
	t.add(10, q, 9)
	t.sub(p, q, 11)
	t.sub(0, 2, 0)
	t.add(0, p, 0)
	t.plus("1p5", q, 0)
	t.sub(5, 3, 5)
	t.add(5, q, 5)
	t.minus("1p5", p, 5)
	t.add(2, 3, 12)
	t.minus("1p5", 12, 11)
	t.sub(2, 3, 13)
	t.plus("1p5", 13, 10)
	return []int{0, 11, 10, 8, 9, 5}
}

// outputLine: row j of A' is the j-th power of every point; infinity counts in
// the last.
func outputLine(t *transform) []int {
	const s, d = 6, 7
	t.add(1, 2, s)
	t.sub(1, 2, d)
	t.add(0, s, 8)
	t.add(8, 3, 8)
	t.add(8, 4, 8)
	t.move(d, 9)
	t.plus("2", 3, 9)
	t.minus("half", 4, 9)
	t.plus("4", 3, s)
	t.plus("quarter", 4, s)
	t.plus("8", 3, d)
	t.minus("eighth", 4, d)
	t.add(d, 5, d)
	return []int{8, 9, s, d}
}

// outputGradLine is the transpose of outputLine.
func outputGradLine(t *transform) []int {
	t.add(0, 2, 4)
	t.add(1, 3, 5)
	t.add(4, 5, 6)
	t.sub(4, 5, 7)
	t.move(0, 8)
	t.plus("2", 1, 8)
	t.plus("4", 2, 8)
	t.plus("8", 3, 8)
	t.move(0, 9)
	t.minus("half", 1, 9)
	t.plus("quarter", 2, 9)
	t.minus("eighth", 3, 9)
	return []int{0, 6, 7, 8, 9, 3}
}

// weightsLine: row i of G is (1, p, p^2) for point p over the product of its
// differences to the others: 1, -3, 3, 15, -15/16.
func weightsLine(t *transform) []int {
	t.add(0, 2, 3)
	t.add(3, 1, 4)
	t.mul("minusThird", 4, 4)
	t.sub(3, 1, 5)
	t.mul("third", 5, 5)
	t.mul("15th", 0, 6)
	t.plus("2by15", 1, 6)
	t.plus("4by15", 2, 6)
	t.mul("minus16by15", 0, 7)
	t.plus("8by15", 1, 7)
	t.minus("4by15", 2, 7)
	return []int{0, 4, 5, 6, 7, 2}
}

// weightGradLine is the transpose of weightsLine.
func weightGradLine(t *transform) []int {
	const a, b = 6, 7
	t.sub(2, 1, a)
	t.add(1, 2, b)
	t.plus("third", a, 0)
	t.plus("15th", 3, 0)
	t.minus("16by15", 4, 0)
	t.mul("minusThird", b, 8)
	t.plus("2by15", 3, 8)
	t.plus("8by15", 4, 8)
	t.plus("third", a, 5)
	t.plus("4by15", 3, 5)
	t.minus("4by15", 4, 5)
	return []int{0, 8, 5}
}
