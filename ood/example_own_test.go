package ood_test

import (
	"fmt"

	"gradgrad/ood"
)

// Judge a model of your own: it needs a function that gives logits and features,
// and, for scores that change the features, the final layer.
func Example_ownModel() {
	model := ood.Func(classify)
	train, _ := model([]float32{3, 0, 2.5, .2, 3.2, .1, 0, 3, .3, 2.6, .2, 3.1}, 6)
	train.Labels = []int{0, 0, 0, 1, 1, 1}
	test, _ := model([]float32{2.8, .1, .2, 2.9, 3.1, .3}, 3)
	unknown, _ := model([]float32{.2, .1, 1.5, 1.4, .1, .3}, 3)

	scores, _ := ood.ParseScores("msp,energy,ash-s:p=50,mahalanobis,knn:k=2")
	if err := ood.FitAll(scores, ood.IDData{Batches: ood.Single(train), Model: model, Head: head}); err != nil {
		fmt.Println(err)
		return
	}
	id, _ := ood.ScoreAll(scores, ood.Single(test))
	out, _ := ood.ScoreAll(scores, ood.Single(unknown))
	for _, s := range scores {
		m, _ := ood.Evaluate(id[s.Key], out[s.Key], ood.Paper)
		fmt.Printf("%-12s FPR95 %5.1f  AUROC %5.1f\n", s.Key, m.FPR95, m.AUROC)
	}
	// Output:
	// msp          FPR95   0.0  AUROC 100.0
	// energy       FPR95   0.0  AUROC 100.0
	// ash-s        FPR95  33.3  AUROC  66.7
	// mahalanobis  FPR95   0.0  AUROC 100.0
	// knn          FPR95   0.0  AUROC 100.0
}

// head is the final layer of the model below: logits = W h + B.
var head = &ood.Head{W: []float32{2, -1, -1, 2}, B: []float32{0, 0}, Classes: 2, Dim: 2}

// classify stands for a model: its features are its input behind a ReLU.
func classify(images []float32, n int) (ood.Outputs, error) {
	out := ood.Outputs{Images: images, N: n, Classes: 2, Dim: 2}
	for i := range n {
		h := []float32{max(0, images[2*i]), max(0, images[2*i+1])}
		out.Features = append(out.Features, h...)
		out.Logits = append(out.Logits, 2*h[0]-h[1], 2*h[1]-h[0])
	}
	return out, nil
}
