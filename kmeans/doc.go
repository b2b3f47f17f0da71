// Package kmeans divides points into K clusters, each around the mean of its
// points, such that the sum of the squared distances from the points to their
// means is small. It knows nothing of networks; points are float32 rows.
//
//	m, err := kmeans.Fit(ctx, points, dim, kmeans.Config{K: 64, Restarts: 3, Seed: 1})
//	m.Labels[i]                      // the cluster of point i
//	m.Centers[j*dim : (j+1)*dim]     // the mean of cluster j
//	labels, err := m.Assign(ctx, more)
//
// # What is computed
//
// [Fit] is Lloyd's algorithm from greedy k-means++ seeds, begun anew
// [Config].Restarts times; the run with the least inertia wins. Defaults, the
// end of a run, and what becomes of empty clusters (their centers move to the
// points that lie furthest from their own) follow scikit-learn's KMeans: from the
// same [Config].Init both find the same labels. With [Config].Batch it is the
// mini-batch variant, for sets where one pass is long. [Seeds] is the seeding
// alone.
//
// The sampling of GReg+ (diverse outliers: Algorithm 1 of the paper) is
// Config{K: 64, Restarts: 3} on 384 normalised features.
//
// # How
//
// Squared distances are |x|^2 - 2 x.c + |c|^2, a tile of points by all centers
// at a time: one matrix product, and the search for the nearest while the tile is
// in cache. The points are first moved so that their mean is zero, without which
// that sum would lose its digits where points lie far from zero. Means, and the
// inertia that is returned, are added up in float64.
//
// A mean is computed anew only where a cluster's points have changed, and a point
// whose own center rested is compared with those that moved alone; neither
// changes a bit, and together they halve the work of a run to its end.
//
// Seeding draws the trials of several centers ahead, gets their distances from
// one product, and keeps each trial with the probability that gives the
// distribution of one drawn at its time. For small sets one product of all points
// with all serves every restart.
//
// # On a GPU
//
// With [Config].Device points, labels and centers stay on that device, which takes
// distances and means in float32; in an iteration a few numbers for each center come
// back. Seeds are drawn on the host from distances that the device has taken, and
// clusters without points are looked after there.
//
// # Same seed, same bits
//
// Every sum has a fixed order, so a [Config].Seed decides all bits whatever
// GOMAXPROCS is.
package kmeans
