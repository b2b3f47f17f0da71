package cuda_test

import (
	"fmt"

	"gradgrad/kernels"
)

func init() { addCases(denseCases) }

// denseCases are parts of every width, some of whose cotangents are not there.
func denseCases(s source, full bool) (cases []kcase) {
	type size struct {
		m, k   int
		widths []int
	}
	sizes := []size{{40, 8, []int{8, 4, 12}}, {270, 33, []int{5}}, {270, 116, []int{4, 4}}, {20, 12, []int{4, 4, 3}}}
	if full {
		many := make([]int, 35)
		for i := range many {
			many[i] = 4
		}
		sizes = append(sizes, size{300, 48, []int{24, 12, 12, 12, 12, 64}}, size{10, 4, many}, size{5, 8, []int{1000, 1100}}, size{1, 1, []int{1}},
			size{3000, 48, []int{36, 12}})
	}
	for _, z := range sizes {
		cases = append(cases, denseCase(s, z.m, z.k, z.widths)...)
	}
	return cases
}

func denseCase(s source, m, k int, widths []int) (cases []kcase) {
	c := 0
	for _, w := range widths {
		c += w
	}
	at := func(full bool) *kernels.AffineConvAttr {
		return &kernels.AffineConvAttr{M: m, K: k, Widths: widths, Full: full}
	}
	var parts, us, onto, outs []filling
	for i, w := range widths {
		// Away from the kink, and with few enough bits that scale and shift do not round:
		// then the factors of products are the oracle's in every precision.
		parts = append(parts, s.fill(m*w, func(int) float64 { return float64(2*s.IntN(5)-4)/2 + float64(s.IntN(4096)+1600)/16384 }))
		outs = append(outs, blank(m*w))
		if i%2 == 0 {
			us, onto = append(us, s.normal(m*w)), append(onto, nil)
		} else {
			us, onto = append(us, nil), append(onto, s.normal(m*w))
		}
	}
	scale := s.fill(c, func(i int) float64 { return []float64{1, -2, 0.5, -1, 2, -0.5, 1}[i%7] })
	shift, w, g := s.fill(c, func(i int) float64 { return float64(1+i%2) / 32 }), s.normal(c*k), s.normal(m*k)
	name := fmt.Sprintf("%dx%v to %d", m, widths, k)
	join := func(first []filling, rest ...[]filling) []filling {
		all := append([]filling{}, first...)
		for _, r := range rest {
			all = append(all, r...)
		}
		return all
	}
	head := []filling{g, scale, shift, w}
	cases = append(cases,
		kcase{kernel: kernels.AffineConv, name: name, attr: at(false), in: join(head[1:], parts), out: []filling{blank(m * k)}},
		kcase{kernel: kernels.AffineConvGrad, name: name, attr: at(false), in: join(head, parts), out: outs},
		kcase{kernel: kernels.AffineConvGrad, name: name + ", all of it", attr: at(true), in: join(head, parts, onto),
			out: join(outs, []filling{blank(c), blank(c), blank(c * k)})},
		kcase{kernel: kernels.AffineConvGrad2, name: name, attr: at(false), in: join(head, parts, us), out: []filling{blank(m * k), blank(c), blank(c * k)}})
	return cases
}
