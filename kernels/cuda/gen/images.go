package main

import "fmt"

// imagesFile is ptx/images.ptx.
func imagesFile() []*entry { return []*entry{images()} }

// imageHead is the bytes in front of the pixels for each image.
const imageHead = 12

func images() *entry {
	e := newEntry("images", `images: y[i][r][x][c] = (v/255 - mean)/std of byte v, channel c of the pixel of image i that comes
to row r, column x, or of 0 where that lies outside. packed begins with DY, DX and Mirror of
each image, 32 bits each; the pixels begin heads bytes in.`)
	y, packed, n, heads := e.ptr("y"), e.ptr("packed"), e.num("n"), e.num("heads")
	channels, w, h := e.divisor("channels"), e.divisor("w"), e.divisor("h")
	var mean, std [3]string
	for c := range mean {
		mean[c], std[c] = e.f32(fmt.Sprint("mean", c)), e.f32(fmt.Sprint("std", c))
	}
	k := e.thread("k")
	e.retWhen(e.let("out", "setp.ge.u32", k, n))
	pixel, c := channels.over(e, k)
	line, x := w.over(e, pixel)
	i, row := h.over(e, line)
	head := e.let("head", "mad.wide.u32", i, fmt.Sprint(imageHead), packed)
	var move [3]string
	for j, name := range []string{"dy", "dx", "mirror"} {
		move[j] = e.reg("s32", name)
		e.raw("ld.global.s32 %s, [%s+%d];", move[j], head, 4*j)
	}
	e.note("where it comes from; what is negative is large without a sign")
	mirrored := e.let("mirrored", "setp.ne.s32", move[2], "0")
	last := e.let("last", "sub.u32", w.d, "1")
	from := e.let("column", "selp.b32", e.let("back", "sub.u32", last, x), x, mirrored)
	from = e.let("column", "add.s32", from, move[1])
	row = e.let("row", "add.s32", row, move[0])
	inside := e.let("inside", "setp.lt.u32", row, h.d)
	inside = e.let("inside", "setp.lt.and.u32", from, w.d, inside)
	at := e.let("line", "mad.lo.u32", i, h.d, row)
	at = e.let("pixel", "mad.lo.u32", at, w.d, from)
	at = e.let("byte", "mad.lo.u32", at, "3", c)
	wide := e.let("address", "cvt.u64.u32", e.let("byte", "add.u32", at, heads))
	e.set(wide, "add.u64", wide, packed)
	b := e.let("b", "mov.u32", "0")
	e.guard(inside, "ld.global.u8", b, "["+wide+"]")
	first, second := e.let("red", "setp.eq.u32", c, "0"), e.let("green", "setp.eq.u32", c, "1")
	pick := func(of [3]string) string { return e.sel("own", of[0], e.sel("own", of[1], of[2], second), first) }
	v := e.let("v", "div.rn.f32", e.let("v", "cvt.rn.f32.u32", b), imm(255))
	v = e.let("v", "div.rn.f32", e.sub("v", v, pick(mean)), pick(std))
	e.store(e.element("at_y", y, k), []string{v})
	e.do("ret")
	return e
}
