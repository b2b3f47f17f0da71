package ood

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestAllScores: "all" is every score of the package that any network has, and
// help says something of each.
func TestAllScores(t *testing.T) {
	all, err := ParseScores("all")
	if err != nil {
		t.Fatal(err)
	}
	help := strings.Join(ScoreHelp(), "\n")
	for i, name := range published {
		if all[i].Key != name || all[i].Name() != name {
			t.Errorf("score %d of all is %s (%s), want %s", i, all[i].Key, all[i].Name(), name)
		}
		if !strings.Contains("\n"+help, "\n"+name+" ") {
			t.Errorf("no help for %s", name)
		}
	}
	for _, s := range all {
		if s.Needs()&NeedAbsent != 0 {
			t.Errorf("all has %s, which not every network has", s.Key)
		}
	}
	if _, err := ParseScores("all,energy"); err == nil {
		t.Error("all,energy: the key energy stands for two scores and there is no error")
	}
	if more, err := ParseScores("all,energy:t=2"); err != nil || more[len(more)-1].Key != "energy:t=2" {
		t.Errorf("all,energy:t=2: %v", err)
	}
}

// TestDefaults are the settings of the published reference rows.
func TestDefaults(t *testing.T) {
	for name, want := range map[string]string{
		"msp": `{}`, "maxlogit": `{}`, "energy": `{}`, "entropy": `{}`, "gen": `{"gamma":0.1,"m":100}`,
		"odin": `{"t":1000,"eps":0.0014,"std":true}`, "gradnorm": `{"t":1}`, "react": `{"c":1}`,
		"dice": `{"p":90}`, "dice+react": `{"p":90,"c":1}`, "line": `{"pa":90,"pw":90,"c":1}`,
		"ash-p": `{"p":90}`, "ash-b": `{"p":90}`, "ash-s": `{"p":90}`, "scale": `{"p":85}`,
		"mahalanobis": `{"eps":0}`, "knn": `{"k":50}`, "vim": `{"d":0,"fitted":{"alpha":0}}`,
	} {
		scores, err := ParseScores(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := json.Marshal(scores[0].Params()); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v; want %s", name, got, err, want)
		}
	}
}

func TestSettingsOf(t *testing.T) {
	for params, want := range map[string]string{
		`{"q":90,"fitted":{"c":0.4}}`: `{"q":90}`, `{"fitted":1}`: `{}`, `{"b":1,"a":{"fitted":2}}`: `{"b":1,"a":{"fitted":2}}`,
		``: `{}`, `[1]`: `{}`, `{"a":1,"a":2}`: `{}`,
	} {
		if got := SettingsOf(json.RawMessage(params)); string(got) != want {
			t.Errorf("%s: %s, want %s", params, got, want)
		}
	}
}

func TestOptionErrors(t *testing.T) {
	for text, says := range map[string]string{
		"dice:p=101": "percentage", "ash-s:p=-1": "percentage", "react:c=0": "positive", "react:q=90;c=2": "give one",
		"knn:k=0": "1 or more", "knn:k=2.5": "whole number", "knn:k=1e12": "whole number", "vim:d=-1": "whole number",
		"odin:std=2": "0 or 1", "odin:eps=-1": "0 or more", "mahalanobis:eps=Inf": "0 or more", "gen:m=0": "1 or more",
		"line:c=x": "want a number", "scale:q=1": "want p",
	} {
		if _, err := ParseScores(text); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q in it", text, err, says)
		}
	}
	if s, err := ParseScores("dice:stat=a=b.npy"); err != nil || s[0].Params().(DICEScore).Stat != "a=b.npy" {
		t.Errorf("a file name with =: %+v, %v", s, err)
	}
}

// FuzzParseScores: no list panics; what is accepted has distinct keys, which are
// accepted again, and parameters that print.
func FuzzParseScores(f *testing.F) {
	for _, seed := range []string{"all", "energy,msp,energy:t=2", "odin:t=1000;eps=0.0014", "line:pa=auto;pw=auto;c=1", "dice:stat=x.npy;p=1e2", "knn:k=auto", ":,=;", "gen:m=+7"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		scores, err := ParseScores(list)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, s := range scores {
			if seen[s.Key] {
				t.Fatalf("%q: two scores have the key %q", list, s.Key)
			}
			seen[s.Key] = true
			if _, err := json.Marshal(s.Params()); err != nil {
				t.Fatalf("%q: parameters of %s: %v", list, s.Key, err)
			}
			if _, err := ParseScores(s.Key); err != nil {
				t.Fatalf("%q: its key %q is not accepted: %v", list, s.Key, err)
			}
		}
	})
}
