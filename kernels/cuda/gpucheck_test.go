package cuda_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// checkFolder is a folder as scripts/gpu-check.sh build makes it, with stand-ins for the
// programs: shell scripts. In front of PATH stand a go that must not be called and a
// python3.
type checkFolder struct {
	dir, bin string
}

func newCheckFolder(t *testing.T) checkFolder {
	t.Helper()
	script, err := os.ReadFile("../../scripts/gpu-check.sh")
	if err != nil {
		t.Fatal(err)
	}
	f := checkFolder{t.TempDir(), t.TempDir()}
	f.write(t, f.dir, "gpu-check.sh", string(script))
	f.write(t, f.dir, "cifar", `#!/bin/sh
case "$1" in
version) echo 'cifar, "test"' ;;
bench) echo "$@" >> called; echo '{"case":"gemm","seconds":1}' ;;
train) while [ "$1" != -out ]; do shift; done; mkdir -p "$2"; echo '{"loss":2.5}' > "$2/metrics.jsonl"; echo done ;;
esac
`)
	f.write(t, f.dir, "cuda.test", "#!/bin/sh\necho \"$@\" > flags; echo '--- PASS: TestEveryKernel'; echo '    --- PASS: TestEveryKernel/add'; echo PASS\n")
	f.write(t, f.bin, "go", "#!/bin/sh\ntouch "+f.dir+"/go-was-called\nexit 1\n")
	f.write(t, f.bin, "python3", "#!/bin/sh\nexit 1\n")
	return f
}

func (f checkFolder) write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// report is what gpu-check.json has.
type checkReport struct {
	Time, Program, Device, Size, GPU string
	Green                            bool
	Parity                           struct{ Passed, Failed int }
	Training                         []struct {
		Device, Method string
		Last           struct{ Loss float64 }
	}
	Speed, Peer []struct {
		Case    string
		Seconds float64
	}
	Without string `json:"without_peer"`
}

// run runs the script and reads what it wrote; ok is its exit status.
func (f checkFolder) run(t *testing.T, env ...string) (r checkReport, out string, ok bool) {
	t.Helper()
	run := exec.Command(filepath.Join(f.dir, "gpu-check.sh"), "run", "sim")
	run.Env = append([]string{"PATH=" + f.bin + ":/usr/bin:/bin", "TMPDIR=" + t.TempDir()}, env...)
	text, err := run.CombinedOutput()
	data, readErr := os.ReadFile(filepath.Join(f.dir, "gpu-check.json"))
	if readErr == nil {
		if err := json.Unmarshal(data, &r); err != nil {
			t.Errorf("gpu-check.json: %v\n%s", err, data)
		}
	}
	if _, err := os.Stat(filepath.Join(f.dir, "go-was-called")); err == nil {
		t.Error("it calls go")
	}
	return r, string(text), err == nil
}

// TestGPUCheckRuns runs the half of scripts/gpu-check.sh that belongs on a machine with a
// GPU, with stand-ins for the programs. make gpu-check runs it with the real ones on the
// simulator.
func TestGPUCheckRuns(t *testing.T) {
	needShell(t)
	f := newCheckFolder(t)
	r, out, ok := f.run(t)
	if !ok || !r.Green || r.Parity.Passed != 2 || r.Parity.Failed != 0 || r.Device != "sim" || r.Size != "full" || r.Program != "cifar, test" || r.Time == "" {
		t.Fatalf("%+v\n%s", r, out)
	}
	if len(r.Training) != 4 || r.Training[3].Device != "sim" || r.Training[3].Method != "greg" || r.Training[3].Last.Loss != 2.5 || len(r.Speed) != 3 {
		t.Errorf("training %+v, speed %+v", r.Training, r.Speed)
	}
	if r.Without != "peer_torch.py is not beside the script" || len(r.Peer) != 0 || !strings.Contains(out, r.Without) {
		t.Errorf("without the peer: %q\n%s", r.Without, out)
	}
	called, _ := os.ReadFile(filepath.Join(f.dir, "called"))
	for _, says := range []string{"-precision fp32", "-precision tf32", "-precision bf16"} {
		if !strings.Contains(string(called), says) {
			t.Errorf("bench is not called with %s:\n%s", says, called)
		}
	}
	if flags, _ := os.ReadFile(filepath.Join(f.dir, "flags")); !strings.Contains(string(flags), "-full") {
		t.Errorf("the tests get %s", flags)
	}
}

// TestGPUCheckPeer: where PyTorch is missing the JSON says so, else it has its numbers.
func TestGPUCheckPeer(t *testing.T) {
	needShell(t)
	f := newCheckFolder(t)
	f.write(t, f.dir, "peer_torch.py", "")
	if r, out, ok := f.run(t, "QUICK=1"); !ok || r.Without != "python3 has no PyTorch that sees a GPU" || r.Size != "quick" {
		t.Errorf("%+v\n%s", r, out)
	}
	f.write(t, f.bin, "python3", "#!/bin/sh\n[ \"$1\" = -c ] || echo '{\"case\":\"ce\",\"seconds\":2}'\n")
	if r, out, ok := f.run(t, "TINY=1"); !ok || r.Without != "" || len(r.Peer) != 1 || r.Peer[0].Seconds != 2 || r.Size != "tiny" {
		t.Errorf("%+v\n%s", r, out)
	}
	f.write(t, f.bin, "python3", "#!/bin/sh\n[ \"$1\" = -c ]\n")
	if r, out, _ := f.run(t, "TINY=1"); r.Without != "the peer failed" {
		t.Errorf("%+v\n%s", r, out)
	}
}

// TestGPUCheckFails: it fails, and says so in the JSON, where a test fails, where none
// runs, where training or a measurement fails; and stops where there is no device.
func TestGPUCheckFails(t *testing.T) {
	needShell(t)
	for _, c := range []struct{ name, program, text, says string }{
		{"a test", "cuda.test", "#!/bin/sh\necho '--- PASS: TestA'; echo '--- FAIL: TestEveryKernel'; echo '    kernel add, result 0'; exit 1\n", "kernel add, result 0"},
		{"all tests", "cuda.test", "#!/bin/sh\necho 'testing: no tests to run'; echo PASS\n", "no test has passed"},
		{"training", "cifar", "#!/bin/sh\n[ \"$1\" = train ] && { echo 'train: bad'; exit 1; }; [ \"$1\" = version ] || echo '{}'\n", "train: bad"},
		{"a measurement", "cifar", "#!/bin/sh\ncase \"$*\" in *tf32*) echo 'bench: bad' >&2; exit 1;; bench*) echo '{}';; esac\n", "bench: bad"},
	} {
		f := newCheckFolder(t)
		f.write(t, f.dir, c.program, c.text)
		if r, out, ok := f.run(t); ok || r.Green || r.Time == "" || !strings.Contains(out, c.says) {
			t.Errorf("%s fails: %v, %+v\n%s", c.name, ok, r, out)
		}
	}
	f := newCheckFolder(t)
	f.run(t) // whose file must not stay
	f.write(t, f.dir, "cifar", "#!/bin/sh\necho 'no NVIDIA driver' >&2; exit 1\n")
	if r, out, ok := f.run(t); ok || r.Time != "" || !strings.Contains(out, "no NVIDIA driver") || strings.Contains(out, "parity") {
		t.Errorf("no device: %v, %+v\n%s", ok, r, out)
	}
}

// TestGPUCheckBuilds makes the folder with a stand-in for go: it is refused where it is
// larger than 40 MiB, and the programs, which travel compressed, run there.
func TestGPUCheckBuilds(t *testing.T) {
	needShell(t)
	for _, mib := range []int{1, 41} {
		f := newCheckFolder(t)
		root, dir := t.TempDir(), filepath.Join(t.TempDir(), "folder")
		script, _ := os.ReadFile(filepath.Join(f.dir, "gpu-check.sh"))
		for _, sub := range []string{"scripts", "build/cuda"} {
			if err := os.MkdirAll(filepath.Join(root, sub), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		f.write(t, root, "scripts/gpu-check.sh", string(script))
		f.write(t, root, "build/cuda/cuda.h", "")
		f.write(t, root, "peer.py", "")
		if err := os.WriteFile(filepath.Join(root, "images"), make([]byte, mib<<20), 0o444); err != nil {
			t.Fatal(err)
		}
		f.write(t, f.bin, "go", "#!/bin/sh\nwhile [ \"$1\" != -o ]; do shift; done; cp "+f.dir+"/\"$(basename \"$2\")\" \"$2\"\n")
		build := exec.Command(filepath.Join(root, "scripts/gpu-check.sh"), "build", dir, filepath.Join(root, "images"))
		build.Env = []string{"PATH=" + f.bin + ":/usr/bin:/bin", "PEER=" + filepath.Join(root, "peer.py")}
		out, err := build.CombinedOutput()
		if mib > 40 {
			if err == nil || !strings.Contains(string(out), "more than 40 MiB") {
				t.Errorf("%d MiB: %v\n%s", mib, err, out)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var names []string
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if want := []string{"cifar.gz", "cuda.test.gz", "gpu-check.sh", "images.tar.zst", "peer_torch.py"}; !slices.Equal(names, want) {
			t.Errorf("the folder has %v, not %v", names, want)
		}
		if r, out, ok := (checkFolder{dir, newCheckFolder(t).bin}).run(t); !ok || !r.Green {
			t.Errorf("%+v\n%s", r, out)
		}
	}
}

// needShell skips where there is no POSIX shell with its usual tools.
func needShell(t *testing.T) {
	t.Helper()
	for _, tool := range []string{"/bin/sh", "/usr/bin/gzip", "/usr/bin/paste", "/usr/bin/tee"} {
		if _, err := os.Stat(tool); err != nil {
			t.Skip("there is no " + tool)
		}
	}
}
