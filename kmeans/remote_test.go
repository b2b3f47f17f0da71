package kmeans

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gradgrad/kernels"
)

// TestRemoteLabels clusters on a device, here the CPU's kernels, and on the host: from
// the same first centers both find the same labels, or some of equal distance.
func TestRemoteLabels(t *testing.T) {
	for _, f := range fixtures(t) {
		x := f.points()
		c := Config{K: f.K, Init: f.firstCenters(x)}
		want := mustFit(t, x, f.Dim, c)
		c.Device = kernels.CPU
		got := mustFit(t, x, f.Dim, c)
		near := 0
		for i, label := range got.Labels {
			if label == want.Labels[i] {
				continue
			}
			if near++; !nearlyEqual(got, x[i*f.Dim:][:f.Dim], label, want.Labels[i]) {
				t.Errorf("set %d: point %d has label %d, not %d", f.Seed, i, label, want.Labels[i])
			}
		}
		if near > 2 || got.Iterations != want.Iterations || math.Abs(got.Inertia-want.Inertia) > 1e-5*want.Inertia {
			t.Errorf("set %d: %d labels differ; %d iterations, not %d; inertia %g, not %g", f.Seed, near, got.Iterations, want.Iterations, got.Inertia, want.Inertia)
		}
	}
}

// TestRemoteSeeds draws the same seeds, with a table and ahead, and reports as much.
func TestRemoteSeeds(t *testing.T) {
	for _, d := range []struct{ n, dim, k int }{{60, 2, 4}, {2500, 7, 12}, {500, 64, 40}} {
		x, group := blobs(d.n, d.dim, d.k, 3)
		reports := [2]int{}
		fit := func(dev kernels.Device, count *int) *Model {
			return mustFit(t, x, d.dim, Config{K: d.k, Restarts: 3, Seed: 5, Device: dev, Progress: func(Progress) { *count++ }})
		}
		want, got := fit(nil, &reports[0]), fit(kernels.CPU, &reports[1])
		wantGroups(t, got.Labels, group)
		if !slices.Equal(got.Labels, want.Labels) || !got.Converged || reports[0] != reports[1] {
			t.Errorf("%v: other labels; converged: %v; %v reports", d, got.Converged, reports)
		}
	}
}

// TestRemoteEmptyClusters gives centers without points a place, as the host does.
func TestRemoteEmptyClusters(t *testing.T) {
	x := []float32{0, 1, 2, 3, 100}
	m := mustFit(t, x, 1, Config{K: 2, Init: []float32{1, 1000}, MaxIter: 1, Tol: -1, Device: kernels.CPU})
	if math.Abs(float64(m.Centers[0])-1.5) > 1e-5 || m.Centers[1] != 100 || !slices.Equal(m.Labels, []int{0, 0, 0, 0, 1}) {
		t.Errorf("centers %v, labels %v", m.Centers, m.Labels)
	}
	same := mustFit(t, make([]float32, 40), 4, Config{K: 3, Device: kernels.CPU})
	if same.Inertia != 0 || !same.Converged {
		t.Errorf("ten equal points: %+v", same)
	}
	each := mustFit(t, noise(40, 3, 9), 3, Config{K: 40, Device: kernels.CPU})
	if each.Inertia > 1e-9 {
		t.Errorf("a cluster for each point: inertia %v", each.Inertia)
	}
}

// failing is a device whose kernels fail.
type failing struct{ kernels.Device }

func (f failing) Run(*kernels.Kernel, *kernels.Args) {
	panic(&kernels.DeviceError{Device: "gpu", Doing: "running", Err: errors.New("on fire")})
}

func TestRemoteErrors(t *testing.T) {
	x := noise(400, 20, 1)
	why := errors.New("enough")
	for name, at := range map[string]func(Progress) bool{
		"seeding":    func(p Progress) bool { return p.Iteration == 0 && p.Seeded == 7 },
		"iterations": func(p Progress) bool { return p.Iteration == 2 },
	} {
		ctx, cancel := context.WithCancelCause(context.Background())
		m, err := Fit(ctx, x, 20, Config{K: 30, Tol: -1, Device: kernels.CPU, Progress: func(p Progress) {
			if at(p) {
				cancel(why)
			}
		}})
		if m != nil || !errors.Is(err, why) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Fit(context.Background(), x, 20, Config{K: 3, Batch: 10, Device: kernels.CPU}); err == nil || !strings.Contains(err.Error(), "leave out Batch or Device") {
		t.Errorf("mini-batches: %v", err)
	}
	var device *kernels.DeviceError
	if _, err := Fit(context.Background(), x, 20, Config{K: 3, Device: failing{kernels.CPU}}); !errors.As(err, &device) {
		t.Errorf("a device that fails: %v", err)
	}
}
