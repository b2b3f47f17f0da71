package cuda_test

import (
	"testing"

	"gradgrad/kernels"
)

// rereading counts what the kernels of batch norm read a second time, and how much of
// that the cache still holds: all of it where the tensors that are read twice fit in.
type rereading struct {
	*counted
	bytes, held float64
}

// hopperCache is the L2 cache of an H100 or H200.
const hopperCache = 50 << 20

func (r *rereading) Run(k *kernels.Kernel, a *kernels.Args) {
	r.counted.Run(k, a)
	n := 0
	for _, i := range twice[k.Name] {
		n += 4 * a.In[i].Len()
	}
	r.bytes += float64(n)
	if n <= hopperCache {
		r.held += float64(n)
	}
}

// TestRereads: at 64+64 images the second reading comes from the cache in all of
// wrn-40-2, in half of resnet18 and in most of densenet101.
func TestRereads(t *testing.T) {
	for _, c := range []struct {
		arch  string
		least float64
	}{{"wrn-40-2", 1}, {"resnet18", 0.5}, {"densenet101", 0.8}} {
		r := &rereading{counted: newCounted(t)}
		gregStep(t, r, c.arch)()
		t.Logf("%s: %.2f of %.2f GiB", c.arch, r.held/(1<<30), r.bytes/(1<<30))
		if r.held < c.least*r.bytes {
			t.Errorf("%s: the cache holds %.0f %%, less than %.0f %%", c.arch, 100*r.held/r.bytes, 100*c.least)
		}
	}
}
