package kernels

// A panel is a part of the columns of a block: len(x)/len(scale) rows, ld elements
// apart, beside rows of x that lie one behind the other. Assembly does the first
// rows, where there is any, and says how many.

// sumRowsMost is the number of rows whose sums stay in float32.
const sumRowsMost = 64

// affinePanel computes h = max(0, fma(x, scale, shift)). NaN passes.
func affinePanel[T Float](h []T, ld int, x, scale, shift []T) {
	n := len(scale)
	rows := len(x) / n
	done := 0
	if isFloat32[T]() {
		done = affinePanelFast(asFloat32(h), ld, asFloat32(x), asFloat32(scale), asFloat32(shift), rows)
	}
	for r := done; r < rows; r++ {
		row, out := x[r*n:][:n], h[r*ld:][:n]
		for i, v := range row {
			out[i] = relu(fma(v, scale[i], shift[i]))
		}
	}
}

// gatePanel computes t = u where fma(x, scale, shift) > 0 and 0 elsewhere. An
// empty u stands for zeros.
func gatePanel[T Float](t []T, ld int, u, x, scale, shift []T) {
	n := len(scale)
	rows := len(x) / n
	if u == nil {
		for r := range rows {
			clear(t[r*ld:][:n])
		}
		return
	}
	done := 0
	if isFloat32[T]() {
		done = gatePanelFast(asFloat32(t), ld, asFloat32(u), asFloat32(x), asFloat32(scale), asFloat32(shift), rows)
	}
	for r := done; r < rows; r++ {
		row, in, out := x[r*n:][:n], u[r*n:][:n], t[r*ld:][:n]
		for i, v := range row {
			if fma(v, scale[i], shift[i]) > 0 {
				out[i] = in[i]
			} else {
				out[i] = 0
			}
		}
	}
}

// gradPanel computes d = scale*gm, or adds it to d, where gm is g where
// fma(x, scale, shift) > 0 and 0 elsewhere, and adds the sums of gm and of gm*x to
// sums[:n] and sums[n:].
func gradPanel[T Float](d, x, g []T, ld int, scale, shift []T, sums []float64, add bool) {
	n := len(scale)
	sums = sums[:2*n]
	rows := len(x) / n
	done := 0
	if isFloat32[T]() {
		done = gradPanelFast(asFloat32(d), asFloat32(x), asFloat32(g), ld, asFloat32(scale), asFloat32(shift), sums, rows, add)
	}
	for r := done; r < rows; r++ {
		row, in, out := x[r*n:][:n], g[r*ld:][:n], d[r*n:][:n]
		for i, v := range row {
			var gm T
			if fma(v, scale[i], shift[i]) > 0 {
				gm = in[i]
			}
			sums[i] += float64(gm)
			sums[n+i] += float64(gm) * float64(v)
			if add {
				out[i] = fma(scale[i], gm, out[i])
			} else {
				out[i] = scale[i] * gm
			}
		}
	}
}
