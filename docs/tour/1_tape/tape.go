package main

import "math"

// A number that remembers how it was computed. back turns the derivative of the
// final result with respect to this number (its cotangent, g) into one
// contribution for each of the numbers it was computed from.
type number struct {
	value float64
	from  []*number
	back  func(g *number) []*number
	place int // on the tape
}

// A tape lists numbers in the order in which they were computed, so that
// everything a number depends on stands before it.
type tape struct{ numbers []*number }

func (t *tape) add(value float64, from []*number, back func(g *number) []*number) *number {
	n := &number{value, from, back, len(t.numbers)}
	t.numbers = append(t.numbers, n)
	return n
}

// Variables and constants come from nowhere.
func (t *tape) number(v float64) *number { return t.add(v, nil, nil) }

// Three operations. Look at the rules: they do not compute with float64. They
// call plus, times and tanh again, so what a rule does lands on the tape, and has
// rules itself. That is the whole trick of double backprop.

func (t *tape) plus(a, b *number) *number {
	return t.add(a.value+b.value, []*number{a, b}, func(g *number) []*number {
		return []*number{g, g}
	})
}

func (t *tape) times(a, b *number) *number {
	return t.add(a.value*b.value, []*number{a, b}, func(g *number) []*number {
		return []*number{t.times(g, b), t.times(g, a)}
	})
}

func (t *tape) tanh(a *number) *number {
	var y *number
	y = t.add(math.Tanh(a.value), []*number{a}, func(g *number) []*number {
		square := t.times(y, y) // tanh' = 1 - tanh²
		return []*number{t.times(g, t.plus(t.number(1), t.times(t.number(-1), square)))}
	})
	return y
}

// grad returns the derivatives of y with respect to xs. It walks back from y; when
// it comes to a number, everything that used it has been visited, so its
// cotangent is complete. The sum over all uses of a number is the chain rule.
//
// The loop is over the tape as it was before: what the rules append while it
// runs belongs to the derivative, and waits for the next call of grad.
func (t *tape) grad(y *number, xs ...*number) []*number {
	cotangent := map[*number]*number{y: t.number(1)}
	for i := y.place; i >= 0; i-- {
		n := t.numbers[i]
		g := cotangent[n]
		if g == nil || n.back == nil { // y does not depend on it, or it comes from nowhere
			continue
		}
		for k, contribution := range n.back(g) {
			if sum := cotangent[n.from[k]]; sum != nil {
				contribution = t.plus(sum, contribution)
			}
			cotangent[n.from[k]] = contribution
		}
	}
	out := make([]*number, len(xs))
	for i, x := range xs {
		if out[i] = cotangent[x]; out[i] == nil {
			out[i] = t.number(0)
		}
	}
	return out
}
