package autograd_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	ag "gradgrad/autograd"
	"gradgrad/kernels"
)

// netCase is a small network and batch with the GReg loss in three variants.
type netCase struct {
	NID        int     `json:"n_id"`
	NOOD       int     `json:"n_ood"`
	MIn        float64 `json:"m_in"`
	MOut       float64 `json:"m_out"`
	LambdaS    float64 `json:"lambda_S"`
	LambdaGrad float64 `json:"lambda_gradS"`
	Labels     []int
	X          *array
	Params     map[string]*array
	Buffers    map[string]*array
	Variants   map[string]*netVariant
}

type netVariant struct {
	Logits, S *array
	CE        float64
	LS        float64 `json:"L_S"`
	LGrad     float64 `json:"L_gradS"`
	Total     float64
	GInput    *array            `json:"g_input"`
	GNorms    *array            `json:"g_norms"`
	GradTotal map[string]*array `json:"grad_total"`
	First     map[string]*array `json:"running_after_first_forward"`
	Second    map[string]*array `json:"running_after_second_forward"`
}

// TestGoldenNets compares whole GReg steps of three networks: the losses of
// equations (1) and (3) in the paper's reading and in that of the authors' code,
// with batch norm in both modes.
func TestGoldenNets(t *testing.T) {
	net := func(name string) bool { return strings.HasPrefix(name, "greg_net_") }
	eachGolden(t, net, func(t *testing.T, name string, raw json.RawMessage, dev kernels.Device, tol float64) {
		var c netCase
		if err := json.Unmarshal(raw, &c); err != nil {
			t.Fatal(err)
		}
		if len(c.Variants) != 3 {
			t.Errorf("%d variants, want 3", len(c.Variants))
		}
		for variant, want := range c.Variants {
			for _, by := range []string{"Grad", "Backward"} {
				t.Run(variant+"/"+by, func(t *testing.T) { c.check(t, name, variant, want, dev, tol, by) })
			}
		}
	})
}

// check takes one step and compares everything the case knows of it.
func (c *netCase) check(t *testing.T, net, variant string, want *netVariant, dev kernels.Device, tol float64, by string) {
	tape := ag.NewTape(dev)
	defer tape.Close()
	r := newRun(c, tape, strings.HasSuffix(variant, "bneval"))
	var bits [][]bool
	tape.Observe(func(o *ag.Op, _, out []*ag.Value) { bits = append(bits, reluBits(o, out)...) })
	x := tape.Watch(c.X.value(dev))
	logits := r.forward(net, x)
	tape.Observe(nil)
	near(t, "logits", logits, want.Logits, tol)
	nearRunning(t, "running statistics", r.stats, want.First, tol)
	if n := differentBits(bits, c.wideBits(net, variant)); n > 0 {
		t.Errorf("%d ReLU bits are not those of float64: gradients cannot be compared (one flipped bit moves them by percents)", n)
	}

	s := ag.Neg(ag.LogSumExp(logits))
	near(t, "S", s, want.S, tol)
	ce, ls := c.equation1(logits, s)
	nearNumber(t, "CE", ce.Item(), want.CE, tol)
	nearNumber(t, "L_S", ls.Item(), want.LS, tol)
	var lg *ag.Value
	if strings.HasPrefix(variant, "code") {
		x = tape.Watch(c.X.value(dev))
		s = ag.Neg(ag.LogSumExp(r.forward(net, x)))
		nearRunning(t, "running statistics after two passes", r.stats, want.Second, tol)
		lg = c.codePenalty(t, s, x, want, tol)
	} else {
		lg = c.paperPenalty(t, s, x, want, tol)
	}
	nearNumber(t, "L_gradS", lg.Item(), want.LGrad, tol)
	total := ag.Add(ag.Add(ce, ag.Scale(ls, c.LambdaS)), ag.Scale(lg, c.LambdaGrad))
	nearNumber(t, "total", total.Item(), want.Total, tol)
	r.checkGradients(t, total, want.GradTotal, tol, by)
}

// equation1 is the mean cross-entropy of the in-distribution images, which come
// first, and the squared hinges on the scores.
func (c *netCase) equation1(logits, s *ag.Value) (ce, ls *ag.Value) {
	ce = ag.CrossEntropy(ag.Slice(logits, 0, 0, c.NID), s.Tape().Labels(c.Labels, logits.Dim(-1)))
	in := ag.ReLU(ag.AddScalar(ag.Slice(s, 0, 0, c.NID), -c.MIn))
	out := ag.ReLU(ag.AddScalar(ag.Neg(ag.Slice(s, 0, c.NID, c.NID+c.NOOD)), c.MOut))
	return ce, ag.Add(ag.Mean(ag.Mul(in, in)), ag.Mean(ag.Mul(out, out)))
}

// hits are 1 where a sample is on the right side of its margin, by the scores of
// the case, not by those just computed: a rounding error beside a margin must
// not decide a test.
func (c *netCase) hits(want *netVariant, inID, inOOD float64) []float64 {
	h := make([]float64, c.NID+c.NOOD)
	for i, s := range want.S.Data {
		switch {
		case i < c.NID && s <= c.MIn:
			h[i] = inID
		case i >= c.NID && s >= c.MOut:
			h[i] = inOOD
		}
	}
	return h
}

// paperPenalty is equation (3) as printed.
func (c *netCase) paperPenalty(t *testing.T, s, x *ag.Value, want *netVariant, tol float64) *ag.Value {
	t.Helper()
	n := c.NID + c.NOOD
	mask := s.Tape().New64(c.hits(want, 1, 1), n)
	norms := c.norms(t, ag.Sum(ag.Mul(mask, s)), x, want, tol)
	weight := s.Tape().New64(c.hits(want, 1/float64(c.NID), 1/float64(c.NOOD)), n)
	return ag.Sum(ag.Mul(weight, norms))
}

// codePenalty is the same as the authors' code computes it: the hinges are in
// the scalar, and every image counts in the mean. In float64 the hinges decide by
// themselves; in float32 the hits of the case stand for them.
func (c *netCase) codePenalty(t *testing.T, s, x *ag.Value, want *netVariant, tol float64) *ag.Value {
	t.Helper()
	var j *ag.Value
	if s.Device().DType() == kernels.Float64 {
		in := ag.ReLU(ag.AddScalar(ag.Neg(ag.Slice(s, 0, 0, c.NID)), c.MIn))
		out := ag.ReLU(ag.AddScalar(ag.Slice(s, 0, c.NID, c.NID+c.NOOD), -c.MOut))
		j = ag.Sub(ag.Mean(out), ag.Mean(in))
	} else {
		weight := s.Tape().New64(c.hits(want, 1/float64(c.NID), 1/float64(c.NOOD)), c.NID+c.NOOD)
		j = ag.Sum(ag.Mul(weight, s))
	}
	return ag.Mean(c.norms(t, j, x, want, tol))
}

func (c *netCase) norms(t *testing.T, j, x *ag.Value, want *netVariant, tol float64) *ag.Value {
	t.Helper()
	g := ag.Grad(j, x)[0]
	near(t, "g_input", g, want.GInput, tol)
	norms := ag.Norm(g)
	near(t, "g_norms", norms, want.GNorms, tol)
	return norms
}

// wideBits are the ReLU bits of the same pass in float64.
func (c *netCase) wideBits(net, variant string) (bits [][]bool) {
	tape := ag.NewTape(kernels.CPU64)
	defer tape.Close()
	tape.Observe(func(o *ag.Op, _, out []*ag.Value) { bits = append(bits, reluBits(o, out)...) })
	newRun(c, tape, strings.HasSuffix(variant, "bneval")).forward(net, tape.Watch(c.X.value(kernels.CPU64)))
	return bits
}

// reluBits tells where the result of an operation is positive, which is the bit
// where the operation ends in a ReLU.
func reluBits(o *ag.Op, out []*ag.Value) [][]bool {
	if !slices.Contains([]string{"relu", "batchnorm", "batchnorm.add", "affine"}, o.Name) {
		return nil
	}
	x := out[0].Float64s()
	bits := make([]bool, len(x))
	for i, v := range x {
		bits[i] = v > 0
	}
	return [][]bool{bits}
}

func differentBits(a, b [][]bool) (n int) {
	for i := range a {
		for j := range a[i] {
			if a[i][j] != b[i][j] {
				n++
			}
		}
	}
	return n
}

// run is a network's parameters on a tape, and its running statistics.
type run struct {
	tape   *ag.Tape
	eval   bool
	params map[string]*ag.Param
	stats  map[string][]float64
}

func newRun(c *netCase, tape *ag.Tape, eval bool) *run {
	r := &run{tape: tape, eval: eval, params: map[string]*ag.Param{}, stats: map[string][]float64{}}
	for name, a := range c.Params {
		r.params[name] = ag.NewParam(name, a.valueAs(name, tape.Device()))
	}
	for name, a := range c.Buffers {
		r.stats[name] = slices.Clone(a.Data)
	}
	return r
}

func (r *run) weight(name string) *ag.Value { return r.tape.Watch(r.params[name].Value) }

func (r *run) conv(x *ag.Value, name string, stride, pad int) *ag.Value {
	return ag.Conv2D(x, r.weight(name+".w"), ag.Square(stride, pad))
}

func (r *run) bn(x *ag.Value, name string, relu bool) *ag.Value {
	gamma, beta := r.weight(name+".gamma"), r.weight(name+".beta")
	if r.eval {
		mean, variance := r.running(name, x.Dim(-1))
		return ag.BatchNormEval(x, gamma, beta, mean, variance, 1e-5, relu)
	}
	y, mu, v := ag.BatchNorm(x, gamma, beta, 1e-5, relu)
	r.track(name, x, mu, v)
	return y
}

// bnAdd is relu(bn(x) + skip).
func (r *run) bnAdd(x *ag.Value, name string, skip *ag.Value) *ag.Value {
	gamma, beta := r.weight(name+".gamma"), r.weight(name+".beta")
	if r.eval {
		mean, variance := r.running(name, x.Dim(-1))
		return ag.BatchNormAddEval(x, gamma, beta, mean, variance, skip, 1e-5)
	}
	y, mu, v := ag.BatchNormAdd(x, gamma, beta, skip, 1e-5)
	r.track(name, x, mu, v)
	return y
}

func (r *run) running(name string, c int) (mean, variance *ag.Value) {
	return r.tape.New64(r.stats[name+".running_mean"], c), r.tape.New64(r.stats[name+".running_var"], c)
}

func (r *run) track(name string, x, mu, v *ag.Value) {
	mean, variance := name+".running_mean", name+".running_var"
	m := float64(x.Size() / x.Dim(-1))
	r.stats[mean] = running(r.stats[mean], mu.Float64s(), 1)
	r.stats[variance] = running(r.stats[variance], v.Float64s(), m/(m-1))
}

func (r *run) head(h *ag.Value) *ag.Value {
	return ag.Linear(ag.GlobalAvgPool(h), r.weight("fc.w"), r.weight("fc.b"))
}

// forward is the network of the case: a convolution, a residual block with a
// projection, a dense layer with a transition.
func (r *run) forward(net string, x *ag.Value) *ag.Value {
	switch net {
	case "greg_net_A":
		return r.head(r.bn(r.conv(x, "conv", 1, 1), "bn", true))
	case "greg_net_B":
		h := r.bn(r.conv(x, "conv0", 1, 1), "bn0", true)
		a := r.bn(r.conv(h, "conv1", 2, 1), "bn1", true)
		short := r.bn(r.conv(h, "sc", 2, 0), "bnsc", false)
		return r.head(r.bnAdd(r.conv(a, "conv2", 1, 1), "bn2", short))
	case "greg_net_C":
		h := r.conv(x, "conv0", 1, 1)
		a := r.conv(r.bn(h, "d1.bn1", true), "d1.conv1", 1, 0)
		a = r.conv(r.bn(a, "d1.bn2", true), "d1.conv2", 1, 1)
		h = ag.Concat(-1, h, a)
		h = ag.AvgPool(r.conv(r.bn(h, "t.bn", true), "t.conv", 1, 0), 2, ag.Square(2, 0))
		return r.head(r.bn(h, "bnf", true))
	}
	panic("no network " + net)
}

// checkGradients compares the gradient of every parameter.
func (r *run) checkGradients(t *testing.T, total *ag.Value, want map[string]*array, tol float64, by string) {
	t.Helper()
	names := slices.Sorted(maps.Keys(r.params))
	if len(want) != len(names) {
		t.Errorf("the case has %d gradients for %d parameters", len(want), len(names))
	}
	var ps []*ag.Param
	var xs []*ag.Value
	for _, n := range names {
		ps, xs = append(ps, r.params[n]), append(xs, r.weight(n))
	}
	var got []*ag.Value
	if by == "Grad" {
		got = ag.Grad(total, xs...)
	} else {
		ag.Backward(total, ps...)
		for _, p := range ps {
			got = append(got, p.Grad())
		}
	}
	for i, n := range names {
		near(t, "gradient of "+n, got[i], want[n], tol)
	}
}

func nearRunning(t *testing.T, what string, got map[string][]float64, want map[string]*array, tol float64) {
	t.Helper()
	for name, a := range want {
		nearFloats(t, what+": "+name, got[name], a.Data, tol)
	}
}
