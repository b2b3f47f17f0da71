package fetch

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gradgrad/internal/dirlock"
)

// TestMain lets the test program stand in for another process that downloads
// from an address into a folder.
func TestMain(m *testing.M) {
	if dir := os.Getenv("FETCH_TEST_DIR"); dir != "" {
		f := Fetcher{Dir: dir}
		_, err := f.Get(context.Background(), Source{File: "file.tar.gz", URLs: []string{os.Getenv("FETCH_TEST_URL")}, MD5: os.Getenv("FETCH_TEST_MD5"), MB: 1})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir string, s Source) *exec.Cmd {
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "FETCH_TEST_DIR="+dir, "FETCH_TEST_URL="+s.URLs[0], "FETCH_TEST_MD5="+s.MD5)
	return c
}

// A process that is killed without warning loses nothing: the next one goes on
// where it was, with and without a published digest, and kills as often as one
// likes.
func TestKilled(t *testing.T) {
	for name, digest := range map[string]bool{"published": true, "recorded": false} {
		t.Run(name, func(t *testing.T) {
			data := packed(t, 2_000_000)
			h := serve(t, data)
			h.set(func() { h.slow = 5 * time.Millisecond })
			s := published(data, h.url())
			if !digest {
				s.MD5 = ""
			}
			f, _ := fetcher(t)
			part := f.inside("file.tar.gz.part")
			for _, until := range []int64{300_000, 900_000} {
				c := child(f.Dir, s)
				if err := c.Start(); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(2 * time.Millisecond) {
					if info, err := os.Stat(part); err == nil && info.Size() >= until {
						break
					}
					if time.Now().After(deadline) {
						t.Fatal("the other process downloads nothing")
					}
				}
				if _, err := (&Fetcher{Dir: f.Dir}).Get(t.Context(), s); !errors.As(err, new(*dirlock.HeldError)) {
					t.Errorf("two downloads into one folder: %v", err)
				}
				if err := c.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				c.Wait()
				if _, err := os.Stat(filepath.Join(f.Dir, "file.tar.gz")); err == nil {
					t.Fatal("half of a file has its name")
				}
			}
			info, err := os.Stat(part)
			if err != nil {
				t.Fatal(err)
			}
			h.set(func() { h.slow = 0 })
			got, err := f.Get(t.Context(), s)
			wantFile(t, f, got, err, data)
			if got.Downloaded != int64(len(data))-info.Size() || info.Size() < 900_000 {
				t.Errorf("%d bytes of %d were downloaded after %d", got.Downloaded, len(data), info.Size())
			}
			h.mu.Lock()
			defer h.mu.Unlock()
			if len(h.ranges) != 3 || h.ranges[0] != "" || h.ranges[1] == "" || h.ranges[2] != fmt.Sprintf("bytes=%d-", info.Size()) {
				t.Errorf("ranges %q", h.ranges)
			}
		})
	}
}

// A full disk keeps what is there; with more room the download goes on.
func TestFullDisk(t *testing.T) {
	data := packed(t, 900_000)
	h := serve(t, data)
	dir := t.TempDir()
	disk := filepath.Join(dir, "disk")
	if err := os.Mkdir(disk, 0o777); err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs -o size=400k none "$FETCH_TEST_DIR" || exit 77
"$0"; echo "first: $?"
mount -o remount,size=4M "$FETCH_TEST_DIR" || exit 77
"$0"; echo "second: $?"`
	c := child(disk, published(data, h.url()))
	c.Path, c.Args = "/bin/sh", []string{"sh", "-c", `exec unshare -rm sh -c "$0" "$@"`, script, os.Args[0]}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() == 77 || exit.ExitCode() == 127 || strings.Contains(string(out), "unshare")) {
		t.Skipf("a small disk cannot be mounted here: %s", out)
	}
	text := string(out)
	for _, want := range []string{"no space left on device; free some space (the file has about 1 MB) and run again", "first: 1", "second: 0"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in %s", want, text)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.ranges) != 2 {
		t.Fatalf("ranges %q", h.ranges)
	}
	var from int
	if n, err := fmt.Sscanf(h.ranges[1], "bytes=%d-", &from); n != 1 || err != nil || from < 300_000 {
		t.Errorf("the second download begins at %q", h.ranges[1])
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	data := archive(1000)
	h := serve(t, data)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	f, _ := fetcher(t)
	f.Dir = filepath.Join(file, "data")
	_, err := f.Get(t.Context(), published(data, h.url()))
	if err == nil || !strings.Contains(err.Error(), "choose another folder with -data") || !strings.Contains(err.Error(), f.Dir) {
		t.Errorf("%v", err)
	}
	if requests, _ := h.counts(); requests != 0 {
		t.Errorf("%d requests before the folder was tried", requests)
	}
	if os.Getuid() == 0 {
		t.Skip("root may write everywhere")
	}
	f.Dir = t.TempDir()
	if err := os.Chmod(f.Dir, 0o555); err != nil {
		t.Fatal(err)
	}
	if _, err = f.Get(t.Context(), published(data, h.url())); err == nil || !strings.Contains(err.Error(), "the right to write there") {
		t.Errorf("%v", err)
	}
}
