package report

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestFittedParameters: what fitting found on each of two models tells their rows
// not apart and is not shown; files are shown without their folder.
func TestFittedParameters(t *testing.T) {
	var in []Input
	for seed, fitted := range []string{"0.41", "0.39"} {
		r := evaluation("ce", "wrn-40-2", uint64(seed), float64(10+2*seed), []string{"react", "dice", "odin"}, "svhn")
		r.Scores[0].Params = json.RawMessage(`{"q": 90, "fitted": {"c": ` + fitted + `}}`)
		r.Scores[1].Params = json.RawMessage(`{"p": 90, "stat": "/some/where/mean.npy"}`)
		r.Scores[2].Params = json.RawMessage(`{"choice": "eps=auto", "fitted": {"chosen": {"eps": ` + fitted + `}}}`)
		in = append(in, Input{"run", r})
	}
	tab, err := NewTable(in...)
	if err != nil {
		t.Fatal(err)
	}
	text := write(t, tab, Text)
	for _, want := range []string{"ReAct (q=90), 2 seeds", "DICE (p=90, stat=mean.npy), 2 seeds", "ODIN (eps=auto), 2 seeds", "11.00"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	if rows := tab.Blocks[0].Rows; len(rows) != 3 || len(rows[0].Seeds) != 2 {
		t.Errorf("%d rows of three scores and two seeds", len(rows))
	}
}
