package datasets

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// hollow makes a file of some size that takes no room on the disk.
func hollow(t *testing.T, file string, head []byte, size int64) {
	t.Helper()
	must(t, os.WriteFile(file, head, 0o644))
	if err := os.Truncate(file, size); err != nil {
		t.Skipf("no file of %d bytes can be made here: %v", size, err)
	}
}

// allocated is what f leaves and makes in memory.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// The 921 MB of 300K random images, and the 243 GB of the tiny ones, are never in
// memory.
func TestLargeFilesStayOnDisk(t *testing.T) {
	dir := t.TempDir()
	head := npyMagic + "\x01\x00\x76\x00" + "{'descr': '|u1', 'fortran_order': False, 'shape': (300000, 32, 32, 3), }"
	head += strings.Repeat(" ", 127-len(head)) + "\n"
	hollow(t, filepath.Join(dir, "300K_random_images.npy"), []byte(head), 128+300000*3072)
	hollow(t, filepath.Join(dir, "tiny_images.bin"), []byte{7}, 79302017*3072)
	must(t, os.WriteFile(filepath.Join(dir, "80mn_cifar_idxs.txt"), []byte("2\n79302017\n"), 0o644))
	start := time.Now()
	buf := make([]uint8, 3072)
	var random, tiny Set
	used := allocated(func() {
		random, tiny = open(t, "300k", Options{Root: dir, Train: true, Size: 32}), open(t, "tinyimages", Options{Root: dir, Train: true, Size: 32})
		for _, s := range []Set{random, tiny} {
			for _, i := range []int{0, 1, s.Len() - 1} {
				if _, err := s.Read(i, buf); err != nil {
					t.Error(err)
				}
			}
			for _, err := range Batches(t.Context(), s, BatchConfig{Size: 64, Workers: 1}) {
				must(t, err)
				break
			}
		}
		if !strings.HasPrefix(digestOfSet(t, tiny), "without:") {
			t.Error("a digest of 243 GB")
		}
	})
	// An epoch's order is a list of its images: 2.4 MB and 634 MB.
	if most := uint64(8*random.Len() + 8*tiny.Len() + 64<<20); used > most {
		t.Errorf("%d MB were allocated", used>>20)
	}
	if random.Len() != 300000 || tiny.Len() != 79302015 || time.Since(start) > time.Minute {
		t.Errorf("%d and %d images, %v", random.Len(), tiny.Len(), time.Since(start))
	}
	must(t, closeSet(random))
	must(t, closeSet(tiny))
}

// The memory of a hostile pickle is bounded by its instructions, whatever lengths
// it claims.
func TestMemoryOfPickles(t *testing.T) {
	for name, program := range map[string]string{
		"values": strings.Repeat("N", maxPickleSteps), "lists": strings.Repeat("]", maxPickleSteps),
		"dictionaries": strings.Repeat("}", maxPickleSteps/8), "memo": "]" + strings.Repeat("q\x00h\x00", maxPickleSteps/2),
		"lengths": strings.Repeat("\x8d\xff\xff\xff\xff\xff\xff\xff\x7f", 100),
		"text again": "c_codecs\nencode\nq\x000" + "X\x00\x00\x10\x00" + strings.Repeat("a", 1<<20) + "q\x01U\x06latin1q\x02" +
			strings.Repeat("h\x00h\x01h\x02\x86R", maxPickleSteps/5),
		"text": "c_codecs\nencode\n(" + "X\x00\x00\x10\x00" + strings.Repeat("a", 1<<20) + "U\x06latin1t" + "R.",
	} {
		if used := allocated(func() { readPickle([]byte(program)) }); used > 512<<20 {
			t.Errorf("%s: %d MB were allocated", name, used>>20)
		}
	}
}
