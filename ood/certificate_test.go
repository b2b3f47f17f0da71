package ood

import (
	"math"
	"math/rand/v2"
	"testing"
)

// mlp is a network with one hidden layer of ReLUs, in float64: small enough that
// its linear regions can be told apart.
type mlp struct {
	in, hidden, classes int
	w1, b1, w2, b2      []float64
}

func randomMLP(rng *rand.Rand, in, hidden, classes int) *mlp {
	draw := func(n int, scale float64) []float64 {
		v := make([]float64, n)
		for i := range v {
			v[i] = scale * rng.NormFloat64()
		}
		return v
	}
	return &mlp{in, hidden, classes, draw(in*hidden, 1), draw(hidden, 1), draw(hidden*classes, 2), draw(classes, 1)}
}

// run returns the logits and which ReLUs are on.
func (m *mlp) run(x []float64) (z []float64, on []bool) {
	z, on = append([]float64(nil), m.b2...), make([]bool, m.hidden)
	for h := range m.hidden {
		a := m.b1[h]
		for j, v := range x {
			a += m.w1[h*m.in+j] * v
		}
		if on[h] = a > 0; on[h] {
			for c := range z {
				z[c] += m.w2[c*m.hidden+h] * a
			}
		}
	}
	return z, on
}

// pull is the gradient of sum(ct * logits).
func (m *mlp) pull(x, ct []float64) []float64 {
	_, on := m.run(x)
	g := make([]float64, m.in)
	for h := range m.hidden {
		if !on[h] {
			continue
		}
		var up float64
		for c, v := range ct {
			up += v * m.w2[c*m.hidden+h]
		}
		for j := range g {
			g[j] += up * m.w1[h*m.in+j]
		}
	}
	return g
}

func (m *mlp) Forward(x []float32, n int) (Outputs, error) {
	out := Outputs{Images: x, N: n, Classes: m.classes}
	for i := range n {
		z, _ := m.run(wide(x[i*m.in : (i+1)*m.in]))
		for _, v := range z {
			out.Logits = append(out.Logits, float32(v))
		}
	}
	return out, nil
}

func (m *mlp) Gradient(x, ct []float32, n int) ([]float32, error) {
	var g []float32
	for i := range n {
		for _, v := range m.pull(wide(x[i*m.in:(i+1)*m.in]), wide(ct[i*m.classes:(i+1)*m.classes])) {
			g = append(g, float32(v))
		}
	}
	return g, nil
}

func (m *mlp) energy(x []float64) (score float64, on []bool) {
	z, on := m.run(x)
	return logSumExp(z, 1), on
}

// slope is the gradient of the energy score.
func (m *mlp) slope(x []float64) []float64 {
	z, _ := m.run(x)
	p := make([]float64, len(z))
	softmax(p, z, 1)
	return m.pull(x, p)
}

func wide(v []float32) []float64 {
	w := make([]float64, len(v))
	widen(w, v)
	return w
}

func norm(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum)
}

// attack is projected gradient descent on the score within a ball around x,
// towards the other side of the threshold. Only points of x's linear region
// count; a step that leaves it is cut in half until it does not. It returns how
// far the score has come past the threshold at the best point, negative where
// the decision still stands.
func attack(rng *rand.Rand, m *mlp, x []float64, radius, threshold float64) float64 {
	start, region := m.energy(x)
	towards := 1.0
	if start >= threshold {
		towards = -1
	}
	best := towards * (start - threshold)
	at := append([]float64(nil), x...)
	for k := range at { // a random start well inside
		at[k] += radius * rng.NormFloat64() / 4 / math.Sqrt(float64(len(x)))
	}
	if _, on := m.energy(at); !equal(on, region) {
		copy(at, x)
	}
	for range 60 {
		g := m.slope(at)
		length := norm(g)
		if length == 0 {
			break
		}
		for step := radius; step > radius/1e4; step /= 2 {
			next := make([]float64, len(x))
			for k := range next {
				next[k] = at[k] + towards*step*g[k]/length - x[k]
			}
			if l := norm(next); l > radius {
				for k := range next {
					next[k] *= radius / l
				}
			}
			for k := range next {
				next[k] += x[k]
			}
			score, on := m.energy(next)
			was, _ := m.energy(at)
			if equal(on, region) && towards*score > towards*was {
				at = next
				best = max(best, towards*(score-threshold))
				break
			}
		}
	}
	return best
}

func equal(a, b []bool) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// TestCertificateAgainstAttacks attacks images of random networks within their
// certified radius and linear region: no decision may change. So that the attack
// is known to be worth something, it must succeed a little farther out; and the
// paper's estimate must fail where it is no bound, for rejected images alone.
func TestCertificateAgainstAttacks(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	var farther, pastEstimate, attacked int
	for range 300 {
		m := randomMLP(rng, 3, 3, 4)
		image := []float32{float32(2 * rng.NormFloat64()), float32(2 * rng.NormFloat64()), float32(2 * rng.NormFloat64())}
		x := wide(image)
		score, _ := m.energy(x)
		threshold := score + rng.NormFloat64()/2 // near, so that the radius does not outgrow the region
		certs, err := Certify(m, image, 1, threshold, nil)
		if err != nil {
			t.Fatal(err)
		}
		c := certs[0]
		if math.IsInf(c.Radius, 0) {
			continue // no ReLU is on: the network is constant there
		}
		try := func(radius float64) float64 {
			worst := math.Inf(-1)
			for range 3 {
				worst = max(worst, attack(rng, m, x, radius, threshold))
			}
			return worst
		}
		attacked++
		rounding := 2e-7 * math.Abs(score) // of the float32 logits that Certify saw
		if past := try(c.Radius * (1 - 1e-6)); past > rounding {
			t.Errorf("a decision (%v, score %g, threshold %g) changed within radius %g, by %g", c.Decision, c.Score, threshold, c.Radius, past)
		}
		if try(2*c.Radius) > 0 {
			farther++
		}
		if past := try(c.Estimate * (1 - 1e-6)); past > rounding {
			pastEstimate++
			if c.Decision == In {
				t.Errorf("the estimate of an accepted image failed by %g, where S is concave", past)
			}
		}
	}
	if attacked < 200 || farther < attacked/3 || pastEstimate < attacked/20 {
		t.Errorf("of %d images %d fell at twice the radius and %d within the estimate: the attack is too weak to show anything", attacked, farther, pastEstimate)
	}
}

// TestCertificateIsTight: with one class the score is affine, the radius exact,
// and its value that of the paper's equation worked out by hand.
func TestCertificateIsTight(t *testing.T) {
	net := &affine{w: []float64{3}, b: []float64{.5}, in: 1}
	certs, err := Certify(net, []float32{2, -2}, 2, 2, nil) // S = -6.5 and 5.5, gamma = -2
	if err != nil {
		t.Fatal(err)
	}
	near(t, "accepted", certs[0].Radius, 1.5, 1e-12)
	near(t, "rejected", certs[1].Radius, 2.5, 1e-12)
	if certs[0].Decision != In || certs[1].Decision != Out {
		t.Errorf("decisions %v, %v", certs[0].Decision, certs[1].Decision)
	}
	for sign, want := range map[float32]Decision{1 - 1e-6: In, 1 + 1e-6: Out} {
		out, _ := net.Forward([]float32{2 - 1.5*sign}, 1)
		if d := Decide(LogSumExp(out.Row(0), 1), 2); d != want {
			t.Errorf("at %v of the radius: %v", sign, d)
		}
	}
	certs, err = Certify(net, []float32{2}, 1, 2, []float32{4}) // a pixel moves the input by 4
	if err != nil {
		t.Fatal(err)
	}
	near(t, "in pixels", certs[0].Radius, 1.5/4, 1e-12)
}

// TestCertificateSlopes: both norms against finite differences.
func TestCertificateSlopes(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 0))
	m := randomMLP(rng, 4, 6, 3)
	images := make([]float32, 5*m.in)
	for i := range images {
		images[i] = float32(rng.NormFloat64())
	}
	certs, err := Certify(m, images, 5, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	const h = 1e-6
	for i, c := range certs {
		x := wide(images[i*m.in : (i+1)*m.in])
		rows, grad := make([]float64, m.classes), 0.0
		for j := range x {
			up, down := append([]float64(nil), x...), append([]float64(nil), x...)
			up[j] += h
			down[j] -= h
			zu, _ := m.run(up)
			zd, _ := m.run(down)
			for k := range rows {
				rows[k] += math.Pow((zu[k]-zd[k])/(2*h), 2)
			}
			grad += math.Pow((logSumExp(zu, 1)-logSumExp(zd, 1))/(2*h), 2)
		}
		largest := 0.0
		for _, r := range rows {
			largest = max(largest, math.Sqrt(r))
		}
		near(t, "slope", c.Slope, largest, 1e-5*largest)
		near(t, "gradient", c.Gradient, math.Sqrt(grad), 1e-5*largest)
		if c.Gradient > c.Slope*(1+1e-6) {
			t.Errorf("the gradient %g is longer than the longest row %g", c.Gradient, c.Slope)
		}
	}
}

func TestCertificateEdges(t *testing.T) {
	constant := &affine{w: []float64{0, 0}, b: []float64{0, 0}, in: 1}
	for threshold, want := range map[float64]float64{0: math.Inf(1), math.Ln2: 0} {
		certs, err := Certify(constant, []float32{1}, 1, threshold, nil)
		if err != nil || certs[0].Radius != want || certs[0].Estimate != want {
			t.Errorf("threshold %g: %+v, %v; want %g", threshold, certs, err, want)
		}
	}
	if _, err := Certify(Func(constant.Forward), []float32{1}, 1, 0, nil); err == nil {
		t.Error("no gradients: no error")
	}
	s := NewCertifiedSet("a", []Certificate{{Radius: 1, Estimate: math.Inf(1), Decision: In}, {Radius: 3, Estimate: math.Inf(1)}})
	if s.Images != 2 || s.Accepted != 50 || s.Radius == nil || *s.Radius != 2 || s.Estimate != nil {
		t.Errorf("summary %+v", s)
	}
}
