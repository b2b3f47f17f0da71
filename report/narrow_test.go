package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"gradgrad/ood"
)

// TestWriteWithin turns a table that is too wide and no other, and keeps every
// number.
func TestWriteWithin(t *testing.T) {
	var inputs []Input
	for i, method := range []string{"ce", "energy", "greg"} {
		r := &ood.Results{ID: "shapes", Arch: "wrn-10-1", Method: method, IDAccuracy: 90 + float64(i), Scores: []ood.ScoreResult{{Name: "energy"}}}
		for k, set := range []string{"letters", "scenes", "noise", "blobs"} {
			r.Scores[0].Add(set, ood.Metrics{FPR95: float64(10*i+k) + 0.25, AUROC: float64(80 + i - k)})
		}
		inputs = append(inputs, Input{Source: method, Results: r})
	}
	table, err := NewTable(inputs...)
	if err != nil {
		t.Fatal(err)
	}
	var plain, wide, narrow bytes.Buffer
	if err := table.Write(&plain, Text); err != nil {
		t.Fatal(err)
	}
	if err := table.WriteWithin(&wide, 300, false); err != nil {
		t.Fatal(err)
	}
	if wide.String() != plain.String() {
		t.Errorf("a table with room enough was changed:\n%s", wide.String())
	}
	if err := table.WriteWithin(&narrow, 80, false); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(narrow.String()) {
		if strings.HasPrefix(line, "│") && utf8.RuneCountInString(strings.TrimSpace(line)) > 80 {
			t.Errorf("too wide: %s", line)
		}
	}
	words := strings.Join(strings.Fields(narrow.String()), " ")
	for _, want := range []string{"│ letters │ FPR95 ↓ │ 0.25 │ 10.25 │ 20.25 │", "│ Average │ FPR95 ↓ │ 1.75 │ 11.75 │ 21.75 │", "│ ID acc ↑ │ 90.00 │ 91.00 │ 92.00 │"} {
		if !strings.Contains(words, want) {
			t.Errorf("no %q in\n%s", want, narrow.String())
		}
	}
}
