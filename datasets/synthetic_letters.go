package datasets

import "math"

// letters are letters and digits as lines of a pen. Those that look like a
// known shape (O and 0 a ring, X and + a cross, C a moon) are left out.
var letters = []drawing{
	letter("A", []point{{-.65, .9}, {0, -.9}, {.65, .9}}, []point{{-.4, .3}, {.4, .3}}),
	letter("E", []point{{.5, -.9}, {-.5, -.9}, {-.5, .9}, {.5, .9}}, []point{{-.5, 0}, {.35, 0}}),
	letter("F", []point{{.5, -.9}, {-.5, -.9}, {-.5, .9}}, []point{{-.5, 0}, {.35, 0}}),
	letter("H", []point{{-.55, -.9}, {-.55, .9}}, []point{{.55, -.9}, {.55, .9}}, []point{{-.55, 0}, {.55, 0}}),
	letter("K", []point{{-.5, -.9}, {-.5, .9}}, []point{{.55, -.9}, {-.5, .1}}, []point{{-.1, -.2}, {.6, .9}}),
	letter("M", []point{{-.7, .9}, {-.6, -.9}, {0, .3}, {.6, -.9}, {.7, .9}}),
	letter("N", []point{{-.55, .9}, {-.55, -.9}, {.55, .9}, {.55, -.9}}),
	letter("R", join([]point{{-.5, .9}, {-.5, -.9}}, arc(.1, -.42, .48, -.25, .25), []point{{-.5, .06}, {.1, .06}, {.55, .9}})),
	letter("S", join(arc(0, -.45, .47, -.07, -.75), arc(0, .45, .47, -.25, .43))),
	letter("W", []point{{-.8, -.9}, {-.4, .9}, {0, -.4}, {.4, .9}, {.8, -.9}}),
	letter("Z", []point{{-.6, -.9}, {.6, -.9}, {-.6, .9}, {.6, .9}}),
	letter("2", join(arc(0, -.42, .5, -.5, .12), []point{{-.55, .9}, {.6, .9}})),
	letter("3", join(arc(-.05, -.44, .46, -.4, .25), arc(-.05, .44, .46, -.25, .4))),
	letter("4", []point{{.25, .9}, {.25, -.9}, {-.6, .35}, {.6, .35}}),
	letter("5", join([]point{{.5, -.9}, {-.4, -.9}, {-.45, -.15}}, arc(0, .35, .52, -.32, .4))),
	letter("7", []point{{-.55, -.9}, {.55, -.9}, {-.15, .9}}),
}

func letter(name string, lines ...[]point) drawing {
	return drawing{name, .35, func(b *brush) figure { return solid(strokes(b.between(.12, .19), lines...)) }}
}

// arc is a line along a circle; from and to are fractions of a turn, clockwise
// on the canvas from the positive u axis.
func arc(u, v, r, from, to float64) []point {
	const steps = 8
	line := make([]point, steps+1)
	for i := range line {
		sin, cos := math.Sincos(2 * math.Pi * (from + (to-from)*float64(i)/steps))
		line[i] = point{u + r*cos, v + r*sin}
	}
	return line
}

// join makes one line of several.
func join(lines ...[]point) []point {
	var all []point
	for _, l := range lines {
		all = append(all, l...)
	}
	return all
}
