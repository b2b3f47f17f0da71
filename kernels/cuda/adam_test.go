package cuda_test

import (
	"slices"
	"strings"
	"testing"

	"gradgrad/kernels"
)

// adamRun is some parameters, not all of the same size, that Adam updates.
type adamRun struct {
	dev        kernels.Device
	w, m, v, g []kernels.Buffer
	attrs      []kernels.AdamAttr
}

// newAdamRun makes 40 parameters: more than go into one launch, one too large to be
// joined, one of more than a block.
func newAdamRun(dev kernels.Device) *adamRun {
	s := newSource(3)
	a := &adamRun{dev: dev}
	put := func(x filling) kernels.Buffer {
		b := dev.Alloc(len(x))
		dev.Write64(b, x)
		return b
	}
	for i := range 40 {
		n := 1 + 5*i
		switch i {
		case 3:
			n = 2500
		case 7:
			n = 1<<18 + 3
		}
		a.w, a.g = append(a.w, put(s.normal(n))), append(a.g, put(s.normal(n)))
		a.m, a.v = append(a.m, dev.Alloc(n)), append(a.v, dev.Alloc(n))
		a.attrs = append(a.attrs, kernels.AdamAttr{LR: 0.01, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, Decay: 0.01})
	}
	return a
}

// advance counts a step; run makes the updates.
func (a *adamRun) advance(lr float64) {
	for i := range a.attrs {
		a.attrs[i].LR = lr
		a.attrs[i].Step++
	}
}

func (a *adamRun) run() {
	for i := range a.w {
		a.dev.Run(kernels.Adam, &kernels.Args{Out: []kernels.Buffer{a.w[i], a.m[i], a.v[i]}, In: []kernels.Buffer{a.g[i]}, Attr: &a.attrs[i]})
	}
}

func (a *adamRun) weights() []float64 {
	var all []float64
	for _, b := range a.w {
		w := make([]float64, b.Len())
		a.dev.Read64(w, b)
		all = append(all, w...)
	}
	return all
}

// TestAdamMany updates many parameters in two launches, and one that is large in one
// of its own, as the oracle does one by one; also when some have been updated more
// often than others, which are then in other launches.
func TestAdamMany(t *testing.T) {
	got, want := newAdamRun(device(t)), newAdamRun(kernels.CPU64)
	for range 3 {
		for _, a := range []*adamRun{got, want} {
			a.advance(0.01)
			a.attrs[5].Step = 1
			a.run()
		}
	}
	if err := compare(got.weights(), want.weights(), 0, 0); err != nil {
		t.Error(err)
	}
	counts := newCounted(t)
	a := newAdamRun(counts)
	a.advance(0.1)
	a.run()
	if err := counts.Sync(); err != nil {
		t.Fatal(err)
	}
	if l := counts.drv.launches; l["adam_many"] != 2 || l["adam"] != 1 || len(l) != 2 {
		t.Errorf("%v", l)
	}
}

// TestAdamReplay repeats captured updates with other learning rates and step counts,
// and refuses when parameters of one launch have parted.
func TestAdamReplay(t *testing.T) {
	dev := device(t)
	once, again := newAdamRun(dev), newAdamRun(dev)
	for range 2 {
		for _, a := range []*adamRun{once, again} {
			a.advance(0.1)
			a.run()
		}
	}
	r, err := dev.Capture(again.run)
	if err != nil {
		t.Fatal(err)
	}
	for _, lr := range []float64{0.1, 0.03} {
		once.advance(lr)
		once.run()
		again.advance(lr)
		if err := r.Launch(); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(once.weights(), again.weights()) {
		t.Error("a replay has other bits")
	}
	again.attrs[1].Step++
	defer func() {
		if e, ok := recover().(*kernels.DeviceError); !ok || !strings.Contains(e.Error(), "capture it again") {
			t.Errorf("parameters at different steps: %v", e)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	t.Error(r.Launch())
}

// TestAdamManyMistakes seeds mistakes into the joined update.
func TestAdamManyMistakes(t *testing.T) {
	for _, m := range []mistake{
		{name: "what holds nothing yet is read", entry: "adam_many", from: `@!%begins ld`, to: "ld", memory: true, seen: "uninitialised memory"},
		{name: "a piece is one element longer", entry: "adam_many", from: `setp\.lt\.u32 %more`, to: "setp.le.u32 %more", memory: true, seen: "out of bounds"},
		{name: "the moments change places", entry: "adam_many", from: `%b1, %vm,`, to: "%b1, %vv,", seen: "element"},
	} {
		dev, w := mistaken(t, m)
		err := func() (err error) {
			defer func() {
				if e, ok := recover().(*kernels.DeviceError); ok {
					err = e
				}
			}()
			got, want := newAdamRun(dev), newAdamRun(kernels.CPU64)
			for range 2 {
				for _, a := range []*adamRun{got, want} {
					a.advance(0.01)
					a.run()
				}
			}
			dev.Sync()
			return compare(got.weights(), want.weights(), 0, 0)
		}()
		if !w.changed || err == nil || !strings.Contains(err.Error(), m.seen) || m.memory && !place.MatchString(err.Error()) {
			t.Errorf("%s: %v; the text was changed: %v", m.name, err, w.changed)
		}
	}
}
