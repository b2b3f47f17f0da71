package kmeans_test

import (
	"context"
	"fmt"

	"gradgrad/kmeans"
)

// Six points in the plane, in two groups.
func Example() {
	points := []float32{
		1, 1,
		1, 2,
		2, 1,
		8, 8,
		8, 9,
		9, 8,
	}
	ctx := context.Background()
	m, err := kmeans.Fit(ctx, points, 2, kmeans.Config{K: 2, Restarts: 3})
	if err != nil {
		fmt.Println(err)
		return
	}
	same := m.Labels[0] == m.Labels[1] && m.Labels[1] == m.Labels[2]
	fmt.Printf("first three together: %v, inertia %.3f\n", same, m.Inertia)

	labels, err := m.Assign(ctx, []float32{0, 0, 10, 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	for i, j := range labels {
		fmt.Printf("new point %d is nearest to %.2f\n", i, m.Centers[2*j:2*j+2])
	}
	// Output:
	// first three together: true, inertia 2.667
	// new point 0 is nearest to [1.33 1.33]
	// new point 1 is nearest to [8.33 8.33]
}

// Progress, and the choice of first centers by hand.
func ExampleFit() {
	points := []float32{0, 1, 2, 10, 11, 12}
	m, err := kmeans.Fit(context.Background(), points, 1, kmeans.Config{
		K:    2,
		Init: []float32{0, 1},
		Progress: func(p kmeans.Progress) {
			fmt.Printf("iteration %d: inertia %.1f, %d labels changed\n", p.Iteration, p.Inertia, p.Changed)
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(m.Labels, m.Centers)
	// Output:
	// iteration 1: inertia 303.0, 6 labels changed
	// iteration 2: inertia 50.3, 2 labels changed
	// iteration 3: inertia 4.0, 0 labels changed
	// [0 0 0 1 1 1] [1 11]
}
