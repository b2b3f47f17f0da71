package main

import "fmt"

// joinFile is ptx/join.ptx.
func joinFile() []*entry { return []*entry{linearMany(), sgdMany(), adamMany()} }

// The most pieces of work of one launch, and the elements of a block.
const (
	mostJoined  = 32
	joinedBlock = 1024
)

const joinDoc = `
Up to %d pieces of work, a block to %d elements of one: piece k begins at block startk, those
that are not there begin behind the last block.`

// joined declares pieces of work: pointers, and numbers of each; it finds the block's
// own and returns its registers, the first element of the thread and the end.
func (e *entry) joined(pointers, numbers []string) (at, num []string, first, end string) {
	fields := []field{{u32Param, "start"}, {u32Param, "n"}}
	for _, name := range pointers {
		fields = append(fields, field{ptrParam, name})
	}
	for _, name := range numbers {
		fields = append(fields, field{f32Param, name})
	}
	block := e.let("block", "mov.u32", "%ctaid.x")
	own := e.piecesOf(mostJoined, fields...)(block)
	start, n := own[0], own[1]
	at, num = own[2:2+len(pointers)], own[2+len(pointers):]
	lo := e.let("lo", "mul.lo.u32", e.let("inside", "sub.u32", block, start), fmt.Sprint(joinedBlock))
	first = e.let("i", "add.u32", lo, e.let("thread", "mov.u32", "%tid.x"))
	end = e.let("end", "min.u32", e.let("hi", "add.u32", lo, fmt.Sprint(joinedBlock)), n)
	return at, num, first, end
}

// span writes a loop over the thread's elements of the block.
func (e *entry) span(i, end string, body func()) {
	e.loop("span", func() string { return e.let("more", "setp.lt.u32", i, end) }, func() {
		body()
		e.set(i, "add.u32", i, fmt.Sprint(blockLanes))
	})
}

func linearMany() *entry {
	e := newEntry("linear_many", "linear_many: y = p*a + q*b, or p*a + q where b is 0."+fmt.Sprintf(joinDoc, mostJoined, joinedBlock))
	at, num, i, end := e.joined([]string{"y", "a", "b"}, []string{"p", "q"})
	alone := e.let("alone", "setp.eq.u64", at[2], "0")
	e.span(i, end, func() {
		a := e.load("va", e.element("at_a", at[1], i), 1)[0]
		b := e.let("vb", "mov.f32", imm(1))
		e.raw("@!%s ld.global.f32 %s, [%s];", alone, b, e.element("at_b", at[2], i))
		t := e.sel("t", num[1], e.mul("t", num[1], b), alone)
		e.store(e.element("at_y", at[0], i), []string{e.fma("v", num[0], a, t)})
	})
	e.do("ret")
	return e
}

func sgdMany() *entry {
	e := newEntry("sgd_many", "sgd_many: what sgd does, for many arrays."+fmt.Sprintf(joinDoc, mostJoined, joinedBlock))
	first := e.num("first")
	k := e.varying("mom", "decay", "cd", "cm")
	at, _, i, end := e.joined([]string{"w", "m", "grad"}, nil)
	begins := e.let("begins", "setp.ne.u32", first, "0")
	e.span(i, end, func() {
		atW, atM := e.element("at_w", at[0], i), e.element("at_m", at[1], i)
		w, g := e.load("vw", atW, 1)[0], e.load("vg", e.element("at_g", at[2], i), 1)[0]
		m := e.loadUnless(begins, "vm", atM, 1)[0]
		d := e.fma("d", k[1], w, g)
		m = e.fma("m", k[0], m, d)
		e.store(atM, []string{m})
		e.store(atW, []string{e.fma("w", k[3], m, e.fma("w", k[2], d, w))})
	})
	e.do("ret")
	return e
}

func adamMany() *entry {
	e := newEntry("adam_many", "adam_many: what adam does, for many arrays with the same numbers."+fmt.Sprintf(joinDoc, mostJoined, joinedBlock))
	first := e.num("first")
	k := e.varying(adamNumbers...)
	at, _, i, end := e.joined([]string{"w", "m", "grad", "v"}, nil)
	begins := e.let("begins", "setp.ne.u32", first, "0")
	e.span(i, end, func() {
		atW, atM, atV := e.element("at_w", at[0], i), e.element("at_m", at[1], i), e.element("at_v", at[3], i)
		w, g := e.load("vw", atW, 1)[0], e.load("vg", e.element("at_g", at[2], i), 1)[0]
		m, v := e.loadUnless(begins, "vm", atM, 1)[0], e.loadUnless(begins, "vv", atV, 1)[0]
		w, m, v = e.adam(k, w, m, v, g)
		e.store(atM, []string{m})
		e.store(atV, []string{v})
		e.store(atW, []string{w})
	})
	e.do("ret")
	return e
}
