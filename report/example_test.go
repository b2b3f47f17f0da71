package report_test

import (
	"encoding/json"
	"fmt"
	"os"

	"gradgrad/ood"
	"gradgrad/report"
)

// A table of two evaluations; LoadTable makes the same from their files.
func Example() {
	evaluation := func(method string, fpr, auroc float64) *ood.Results {
		return &ood.Results{
			ID: "cifar10", IDAccuracy: 94.1, Arch: "wrn-16-1", Method: method, Seed: 1, Normalize: "greg",
			Scores: []ood.ScoreResult{{Name: "energy", Params: json.RawMessage(`{}`), Sets: []ood.SetResult{
				{Name: "svhn", Metrics: ood.Metrics{FPR95: fpr, AUROC: auroc, NID: 10000, NOOD: 2000}},
			}}},
		}
	}
	t, err := report.NewTable(
		report.Input{Source: "runs/ce/eval", Results: evaluation("ce", 43.65, 93.83)},
		report.Input{Source: "runs/greg/eval", Results: evaluation("greg", 7.95, 98.1)},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := t.Write(os.Stdout, report.Markdown); err != nil {
		fmt.Println(err)
	}
	// Output:
	// cifar10, wrn-16-1. FPR convention: paper (FPR95 at the ID recall nearest to 95 %; AUPR: average precision). Normalisation: greg.
	//
	// | Method | ID acc ↑ | SVHN FPR95 ↓ | SVHN AUROC ↑ | Average FPR95 ↓ | Average AUROC ↑ |
	// | --- | ---:| ---:| ---:| ---:| ---:|
	// | Energy score | 94.10 | 43.65 | 93.83 | 43.65 | 93.83 |
	// | GReg | 94.10 | **7.95** | **98.10** | **7.95** | **98.10** |
	//
	// Percent. Images: 10000 in distribution; SVHN 2000.
}
