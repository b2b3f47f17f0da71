package main

import (
	"encoding/json"
	"strings"
	"syscall"
	"testing"
	"time"

	"gradgrad/internal/testkit"
	"gradgrad/kernels"
)

// TestBench wants one line of JSON for every case, with the keys that are agreed.
func TestBench(t *testing.T) {
	r := ok(t, t.TempDir(), "bench", "-arch", "wrn-10-1", "-batch", "2", "-infer-batch", "2", "-steps", "1", "-n", "64",
		"-cases", "infer,ce,energy,greg,greg+,greg-ref,gemm,conv,machine")
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	var cases []string
	for _, line := range lines {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		name := m["case"].(string)
		cases = append(cases, name)
		wants := []string{"device", "precision", "threads", "tf32", "bf16", "channels_last", "gradgrad"}
		switch {
		case name == "machine":
			wants = append(wants, "copy_gb_per_s")
		case name == "gemm":
			wants = append(wants, "n", "seconds", "gflops", "best_gflops", "bytes", "operations", "peak_mib")
		case strings.HasPrefix(name, "conv-"):
			wants = append(wants, "seconds", "gflops", "best_gflops", "error", "bytes", "operations", "peak_mib")
		default:
			wants = append(wants, "arch", "seconds", "images_per_s", "gflops", "bytes", "operations", "peak_mib", "params_mib")
			if kernels.PeakFMA(1) > 0 { // there is assembly
				wants = append(wants, "roofline_s", "of_roofline")
			}
		}
		for _, key := range wants {
			if v, has := m[key]; !has || v == "" || v == 0.0 {
				t.Errorf("%s: %s is %v", name, key, v)
			}
		}
	}
	if got, want := strings.Join(cases, " "), "machine gemm conv-fprop conv-dgrad conv-wgrad infer ce energy greg greg+ greg-ref"; got != want {
		t.Errorf("cases %s, not %s", got, want)
	}
}

// TestBenchThreads wants every case once for each number of threads, with the quotient, and
// what -conv and -recompute say in the lines.
func TestBenchThreads(t *testing.T) {
	r := ok(t, t.TempDir(), "bench", "-arch", "wrn-10-1", "-batch", "2", "-steps", "1", "-cases", "ce", "-threads", "1,2",
		"-conv", "winograd2", "-recompute")
	lines := strings.Split(strings.TrimSpace(r.Out), "\n")
	if len(lines) != 2 {
		t.Fatalf("%d lines, want 2", len(lines))
	}
	for i, line := range lines {
		var m measurement
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		if m.Threads != i+1 || (m.Speedup > 0) != (i == 1) || !m.Recompute || m.Conv.String() != "winograd2" {
			t.Errorf("line %d: %s", i, line)
		}
	}
}

// TestBenchEnds: a polite request to end does not wait for a step of the simulator,
// which would take many minutes.
func TestBenchEnds(t *testing.T) {
	c := start(t, t.TempDir(), "bench", "-device", "sim", "-arch", "resnet18", "-batch", "64", "-cases", "greg", "-steps", "1")
	time.Sleep(2 * time.Second)
	began := time.Now()
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if r := testkit.Finish(t, c); r.Code != 130 || time.Since(began) > 20*time.Second {
		t.Errorf("exit code %d after %v\n%s", r.Code, time.Since(began), r.Err)
	}
}
