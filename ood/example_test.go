package ood_test

import (
	"fmt"

	"gradgrad/ood"
)

// Judge scores of your own: larger means more in-distribution.
func Example() {
	id := []float64{9.1, 8.7, 8.2, 7.9, 7.5, 7.1, 6.8, 6.4, 6.1, 5.9}
	outliers := []float64{6.0, 4.8, 3.2, 2.9, 2.5}
	m, err := ood.Evaluate(id, outliers, ood.Paper)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("FPR95 %.2f %%, AUROC %.2f %%\n", m.FPR95, m.AUROC)
	// Output: FPR95 20.00 %, AUROC 98.00 %
}

// Decide about one picture: choose a threshold on ID data, score the logits.
func ExampleThreshold() {
	validation := []float64{9.1, 8.7, 8.2, 7.9, 7.5, 7.1, 6.8, 6.4, 6.1, 5.9}
	threshold, err := ood.Threshold(validation, 0.95)
	if err != nil {
		fmt.Println(err)
		return
	}
	score := ood.LogSumExp([]float32{2, 0.5, -1}, 1)
	fmt.Printf("%.3f against %.2f: %v\n", score, threshold, ood.Decide(score, threshold))
	// Output: 2.241 against 5.99: out
}

func ExampleParseScores() {
	scores, err := ood.ParseScores("energy,msp,energy:t=2")
	if err != nil {
		fmt.Println(err)
		return
	}
	out := ood.Outputs{Logits: []float32{2, 0.5, -1}, N: 1, Classes: 3}
	for _, s := range scores {
		dst := make([]float64, out.N)
		if err := s.Score(dst, out); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%-10s %.6f\n", s.Key, dst[0])
	}
	// Output:
	// energy     2.241311
	// msp        0.785597
	// energy:t=2 3.055951
}
