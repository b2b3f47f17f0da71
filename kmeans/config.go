package kmeans

import (
	"errors"
	"fmt"
	"math"

	"gradgrad/kernels"
)

// Config says how to cluster. The zero value of every field but K is a sensible
// choice; scikit-learn's, where it has one.
type Config struct {
	// K is the number of clusters, 1 <= K <= number of points.
	K int
	// Restarts is how often to begin anew with other seeds; the run with the
	// least inertia is returned. 0 means 1. With Init there is one run.
	Restarts int
	// MaxIter is the most iterations of one run: passes over the points, with
	// Batch passes' worth of batches. 0 means 300, with Batch 100.
	MaxIter int
	// Tol ends a run when the squared movements of all centers together are at
	// most Tol times the mean variance of the features. 0 means 1e-4, a negative
	// number goes on until no label changes. Mini-batch runs, which never come to
	// rest, look at Tol only where it is positive.
	Tol float64
	// Seed decides all random choices. The same Seed gives the same bits for any
	// number of threads.
	Seed uint64
	// Init gives the first centers, [K, dim], in place of k-means++ seeding.
	Init []float32
	// Batch, where positive, chooses the mini-batch variant with that many points
	// a step (Sculley 2010, doi:10.1145/1772690.1772862).
	Batch int
	// Device, where set, takes distances and means: a GPU, in float32. The numbers that
	// it draws by and the rules are the same, so it comes to the same labels but where
	// distances differ by rounding. Runs follow each other. It cannot be combined with
	// Batch.
	Device kernels.Device
	// Progress, where set, is called after every center that is seeded and every
	// iteration, by one goroutine at a time. Small restarts run side by side, so
	// their reports may come interleaved.
	Progress func(Progress)
}

// Progress is where a run stands.
type Progress struct {
	Restart   int     // 0 for the first
	Seeded    int     // centers chosen, of K
	Iteration int     // iterations done, mini-batch steps with Batch; 0 while seeding
	Inertia   float64 // of the last labels under the centers that gave them; of a batch with Batch
	Changed   int     // labels that differ from the iteration before; 0 with Batch
}

const (
	defaultMaxIter      = 300
	defaultMaxIterBatch = 100
	defaultTol          = 1e-4

	mostRemote = 1 << 24 // points on a device, and so centers
)

// withDefaults checks c against n points of dim features and fills in what was
// left open.
func (c Config) withDefaults(n, dim int) (Config, error) {
	switch {
	case c.K < 1:
		return c, fmt.Errorf("kmeans: K is %d; it must be at least 1", c.K)
	case c.K > n:
		return c, fmt.Errorf("kmeans: %d clusters of %d points; K must be at most the number of points", c.K, n)
	case c.Restarts < 0 || c.MaxIter < 0 || c.Batch < 0:
		return c, fmt.Errorf("kmeans: Restarts (%d), MaxIter (%d) and Batch (%d) must not be negative", c.Restarts, c.MaxIter, c.Batch)
	case c.Batch > 0 && c.Device != nil:
		return c, fmt.Errorf("kmeans: mini-batches are for the CPU, not for %s; leave out Batch or Device", c.Device.Name())
	case n > mostRemote && c.Device != nil:
		return c, fmt.Errorf("kmeans: %d points on %s; where they are numbered in float32 there can be %d", n, c.Device.Name(), mostRemote)
	case math.IsNaN(c.Tol):
		return c, errors.New("kmeans: Tol is NaN")
	case c.Init != nil && len(c.Init) != c.K*dim:
		return c, fmt.Errorf("kmeans: Init has %d elements; %d centers of %d features have %d", len(c.Init), c.K, dim, c.K*dim)
	}
	if c.Restarts == 0 || c.Init != nil {
		c.Restarts = 1
	}
	if c.MaxIter == 0 {
		c.MaxIter = defaultMaxIter
		if c.Batch > 0 {
			c.MaxIter = defaultMaxIterBatch
		}
	}
	if c.Tol == 0 && c.Batch == 0 {
		c.Tol = defaultTol
	}
	return c, nil
}

// checkShape returns the number of points.
func checkShape(points []float32, dim int) (n int, err error) {
	if dim < 1 {
		return 0, fmt.Errorf("kmeans: points of %d features; dim must be at least 1", dim)
	}
	if len(points)%dim != 0 {
		return 0, fmt.Errorf("kmeans: %d elements are no whole number of points with %d features", len(points), dim)
	}
	return len(points) / dim, nil
}
