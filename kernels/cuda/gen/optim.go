package main

// optimFile is ptx/optim.ptx.
func optimFile() []*entry { return []*entry{sgd(), adam()} }

// varying declares numbers that a replayed graph finds in memory, at numbers, in their
// order; where that is 0 the parameters hold.
func (e *entry) varying(names ...string) []string {
	at := e.ptr("numbers")
	r := make([]string, len(names))
	for i, name := range names {
		r[i] = e.f32(name)
	}
	replayed := e.let("replayed", "setp.ne.u64", at, "0")
	for i := range r {
		e.raw("@%s ld.global.f32 %s, [%s+%d];", replayed, r[i], at, 4*i)
	}
	return r
}

// loadUnless reads v neighbouring elements, or takes them for 0 where the predicate
// is true: memory that holds nothing yet is not read.
func (e *entry) loadUnless(p, name, addr string, v int) []string {
	return e.loadIf("@!"+p, name, addr, v)
}

// loadIf reads v neighbouring elements under a guard, and takes them for 0 otherwise.
func (e *entry) loadIf(guard, name, addr string, v int) []string {
	r := make([]string, v)
	for i := range r {
		r[i] = e.let(name, "mov.f32", imm(0))
	}
	op := "ld.global.f32"
	if v == 4 {
		op = "ld.global.v4.f32"
	}
	e.raw("%s %s %s, [%s];", guard, op, vector(r), addr)
	return r
}

func sgd() *entry {
	e := newEntry("sgd", `sgd: d = decay*w + grad; m = mom*m + d; w += cd*d + cm*m. In the first step m is taken for 0.
numbers is 0 or, in a graph, where the float32 parameters are. Items as in copy.`)
	w, m, g := e.ptr("w"), e.ptr("m"), e.ptr("grad")
	n4, items, first := e.num("n4"), e.num("items"), e.num("first")
	k := e.varying("mom", "decay", "cd", "cm")
	mom, decay, cd, cm := k[0], k[1], k[2], k[3]
	begins := e.let("begins", "setp.ne.u32", first, "0")
	e.items(n4, items, func(at string, v int) {
		atW, atM := e.let("at_w", "add.u64", w, at), e.let("at_m", "add.u64", m, at)
		ws, gs := e.load("w", atW, v), e.load("g", e.let("at_g", "add.u64", g, at), v)
		ms := e.loadUnless(begins, "m", atM, v)
		for i := range ws {
			d := e.fma("d", decay, ws[i], gs[i])
			ms[i] = e.fma("m", mom, ms[i], d)
			ws[i] = e.fma("w", cm, ms[i], e.fma("w", cd, d, ws[i]))
		}
		e.store(atM, ms)
		e.store(atW, ws)
	})
	return e
}

// adamNumbers are the numbers of an update.
var adamNumbers = []string{"b1", "c1", "b2", "c2", "step", "root", "eps", "decay"}

// adam writes the update of one element and returns the registers of its new weight
// and moments.
func (e *entry) adam(k []string, w, m, v, g string) (w1, m1, v1 string) {
	b1, c1, b2, c2, step, root, eps, decay := k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7]
	d := e.fma("d", decay, w, g)
	m = e.fma("m", b1, m, e.mul("t", c1, d))
	v = e.fma("v", b2, v, e.mul("t", c2, e.mul("t", d, d)))
	below := e.fma("below", root, e.let("size", "sqrt.rn.f32", v), eps)
	return e.sub("w", w, e.let("t", "div.rn.f32", e.mul("t", step, m), below)), m, v
}

func adam() *entry {
	e := newEntry("adam", `adam: d = decay*w + grad; m = b1*m + c1*d; v = b2*v + c2*d*d;
w -= step*m/(root*sqrt(v) + eps). In the first step m and v are taken for 0. numbers is as in sgd.
Items as in copy.`)
	w, m, v, g := e.ptr("w"), e.ptr("m"), e.ptr("v"), e.ptr("grad")
	n4, items, first := e.num("n4"), e.num("items"), e.num("first")
	k := e.varying(adamNumbers...)
	begins := e.let("begins", "setp.ne.u32", first, "0")
	e.items(n4, items, func(at string, n int) {
		atW, atM, atV := e.let("at_w", "add.u64", w, at), e.let("at_m", "add.u64", m, at), e.let("at_v", "add.u64", v, at)
		ws, gs := e.load("w", atW, n), e.load("g", e.let("at_g", "add.u64", g, at), n)
		ms, vs := e.loadUnless(begins, "m", atM, n), e.loadUnless(begins, "v", atV, n)
		for i := range ws {
			ws[i], ms[i], vs[i] = e.adam(k, ws[i], ms[i], vs[i], gs[i])
		}
		e.store(atM, ms)
		e.store(atV, vs)
		e.store(atW, ws)
	})
	return e
}
