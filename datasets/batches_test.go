package datasets

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"
)

// countingSet has n images of h x w whose bytes are a hash of their index and
// place, so that no two images are alike.
type countingSet struct {
	n, h, w int
	fail    int // the image that cannot be read; negative for none
}

var errUnreadable = errors.New("the disk is gone")

func newCountingSet(n, size int) *countingSet { return &countingSet{n: n, h: size, w: size, fail: -1} }

func (s *countingSet) Name() string            { return "counting" }
func (s *countingSet) Len() int                { return s.n }
func (s *countingSet) Size() (int, int)        { return s.h, s.w }
func (s *countingSet) Classes() []string       { return nil }
func (s *countingSet) Digest() (string, error) { return "", nil }

func (s *countingSet) Read(i int, dst []uint8) (int, error) {
	if i == s.fail {
		return 0, errUnreadable
	}
	for k := range dst {
		dst[k] = uint8(mix(uint64(i)<<32 + uint64(k)))
	}
	return i % 7, nil
}

// copyOf is a batch that outlives its iteration.
func copyOf(b *Batch) *Batch {
	c := *b
	c.Images, c.Labels, c.Indices = slices.Clone(b.Images), slices.Clone(b.Labels), slices.Clone(b.Indices)
	return &c
}

// collect copies at most limit batches; limit 0 means all.
func collect(t *testing.T, batches iter.Seq2[*Batch, error], limit int) []*Batch {
	t.Helper()
	var all []*Batch
	for b, err := range batches {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, copyOf(b))
		if len(all) == limit {
			break
		}
	}
	return all
}

func sameBatches(t *testing.T, got, want []*Batch) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d batches, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		if g.N != w.N || g.H != w.H || g.W != w.W || !slices.Equal(g.Indices, w.Indices) ||
			!slices.Equal(g.Labels, w.Labels) || !slices.Equal(g.Images, w.Images) {
			t.Fatalf("batch %d differs: images %v, want %v", i, g.Indices, w.Indices)
		}
	}
}

func trainConfig(size int) BatchConfig {
	return BatchConfig{Size: size, Shuffle: true, Seed: 5, Augment: FlipThenCrop()}
}

func TestBatchesReadEveryImageOnce(t *testing.T) {
	s := newCountingSet(103, 8)
	for _, shuffle := range []bool{false, true} {
		c := BatchConfig{Size: 10, Shuffle: shuffle, Seed: 1}
		var seen []int
		raw := make([]uint8, 8*8*3)
		for _, b := range collect(t, Batches(context.Background(), s, c), 0) {
			if b.H != 8 || b.W != 8 || len(b.Images) != b.N*8*8*3 || len(b.Labels) != b.N || len(b.Indices) != b.N {
				t.Fatalf("a batch of %d has %d values, %d labels, %d indices", b.N, len(b.Images), len(b.Labels), len(b.Indices))
			}
			for k, i := range b.Indices {
				label, _ := s.Read(i, raw)
				if b.Labels[k] != label {
					t.Fatalf("image %d has label %d, want %d", i, b.Labels[k], label)
				}
				for j, v := range raw {
					if got := b.Images[k*len(raw)+j]; got != float32(v)/255 {
						t.Fatalf("image %d, value %d: %v, want %v/255", i, j, got, v)
					}
				}
			}
			seen = append(seen, b.Indices...)
		}
		if inOrder := sort.IntsAreSorted(seen); inOrder == shuffle {
			t.Errorf("shuffle %v: images in order: %v", shuffle, inOrder)
		}
		slices.Sort(seen)
		for i := range s.n {
			if len(seen) != s.n || seen[i] != i {
				t.Fatalf("shuffle %v: read images %v", shuffle, seen)
			}
		}
	}
}

func TestBatchCounts(t *testing.T) {
	for _, c := range []struct {
		n, size    int
		drop       bool
		want, last int
	}{
		{50000, 64, true, 781, 64},
		{50000, 64, false, 782, 16},
		{50000, 128, false, 391, 80},
		{128, 64, true, 2, 64},
		{128, 64, false, 2, 64},
	} {
		config := BatchConfig{Size: c.size, DropLast: c.drop, Shuffle: true}
		if got := config.Count(c.n); got != c.want {
			t.Errorf("Count of %d by %d is %d, want %d", c.n, c.size, got, c.want)
		}
		got, last := 0, 0
		for b, err := range Batches(context.Background(), newCountingSet(c.n, 1), config) {
			if err != nil {
				t.Fatal(err)
			}
			got, last = got+1, b.N
		}
		if got != c.want || last != c.last {
			t.Errorf("%d by %d, drop %v: %d batches, the last of %d; want %d and %d", c.n, c.size, c.drop, got, last, c.want, c.last)
		}
	}
}

func TestBatchesDoNotDependOnWorkers(t *testing.T) {
	s := newCountingSet(77, 8)
	c := trainConfig(9)
	c.Workers, c.Prefetch = 1, 1
	want := collect(t, Batches(context.Background(), s, c), 0)
	for workers := range 12 {
		for _, prefetch := range []int{0, 1, 5} {
			c.Workers, c.Prefetch = workers, prefetch
			sameBatches(t, collect(t, Batches(context.Background(), s, c), 0), want)
		}
	}
}

func TestSeedAndEpochChangeTheBatches(t *testing.T) {
	s := newCountingSet(64, 8)
	first := func(seed uint64, epoch int) *Batch {
		c := trainConfig(64)
		c.Seed, c.Epoch = seed, epoch
		return collect(t, Batches(context.Background(), s, c), 0)[0]
	}
	base := first(1, 0)
	for _, other := range []*Batch{first(2, 0), first(1, 1)} {
		if slices.Equal(base.Indices, other.Indices) {
			t.Error("another seed or epoch gave the same order")
		}
		at := slices.Index(other.Indices, base.Indices[0])
		if slices.Equal(base.Images[:8*8*3], other.Images[at*8*8*3:(at+1)*8*8*3]) {
			t.Error("another seed or epoch gave the same augmentation of an image")
		}
	}
}

func TestResumeInsideAnEpoch(t *testing.T) {
	s := newCountingSet(50, 8)
	c := trainConfig(7)
	c.Epoch = 3
	want := collect(t, Batches(context.Background(), s, c), 0)
	for start := range len(want) + 1 {
		c.Start = start
		sameBatches(t, collect(t, Batches(context.Background(), s, c), 0), want[start:])
	}
}

func TestStreamContinuesIntoNextEpochs(t *testing.T) {
	s := newCountingSet(23, 8)
	c := trainConfig(5)
	var want []*Batch
	for epoch := range 4 {
		c.Epoch = epoch
		want = append(want, collect(t, Batches(context.Background(), s, c), 0)...)
	}
	c.Epoch = 0
	for from := range len(want) {
		sameBatches(t, collect(t, StreamFrom(context.Background(), s, c, from), len(want)-from), want[from:])
	}
	c.Epoch, c.Start = 1, 2
	sameBatches(t, collect(t, StreamFrom(context.Background(), s, c, 6), 3), want[13:16])
}

// The loop body runs in a goroutine of its own when a stream is pulled.
func TestPulledStreamStops(t *testing.T) {
	before := runtime.NumGoroutine()
	next, stop := iter.Pull2(StreamFrom(context.Background(), newCountingSet(20, 8), trainConfig(4), 0))
	for range 12 {
		if b, err, ok := next(); b == nil || err != nil || !ok {
			t.Fatalf("an endless stream ended: %v, %v", err, ok)
		}
	}
	stop()
	wantGoroutines(t, before)
}

func TestGatherMakesAnyImageAgain(t *testing.T) {
	s := newCountingSet(30, 8)
	c := trainConfig(10)
	c.Epoch = 2
	for _, b := range collect(t, Batches(context.Background(), s, c), 0) {
		got, err := Gather(s, b.Indices, c)
		if err != nil {
			t.Fatal(err)
		}
		sameBatches(t, []*Batch{got}, []*Batch{b})
	}
	if _, err := Gather(s, []int{3, 30}, c); err == nil || !strings.Contains(err.Error(), "no image 30") {
		t.Errorf("an image outside the set: %v", err)
	}
}

// wantGoroutines waits for goroutines that have signalled their end to be gone.
func wantGoroutines(t *testing.T, want int) {
	t.Helper()
	got := runtime.NumGoroutine()
	for deadline := time.Now().Add(2 * time.Second); got > want && time.Now().Before(deadline); got = runtime.NumGoroutine() {
		time.Sleep(time.Millisecond)
	}
	if got > want {
		t.Errorf("%d goroutines are left, %d at the start", got, want)
	}
}

func TestEarlyBreakStopsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	c := trainConfig(4)
	c.Workers, c.Prefetch = 6, 3
	running := 0
	for range 20 {
		for _, err := range Batches(context.Background(), newCountingSet(100, 8), c) {
			if err != nil {
				t.Fatal(err)
			}
			running = max(running, runtime.NumGoroutine()-before)
			break
		}
	}
	if running < 6 {
		t.Errorf("%d goroutines ran at once, want 6", running)
	}
	wantGoroutines(t, before)
}

func TestCancelStopsBatches(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 { // the next batch may be ready or not when the context ends
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		got := 0
		var last error
		for b, err := range StreamFrom(ctx, newCountingSet(100, 8), trainConfig(4), 0) {
			if last = err; err != nil {
				if b != nil {
					t.Error("an error came with a batch")
				}
				continue
			}
			if got++; got == 3 {
				cancel()
			}
		}
		if got != 3 || !errors.Is(last, context.Canceled) || !strings.Contains(last.Error(), "batches of counting") {
			t.Fatalf("%d batches, then %v; want 3, then context.Canceled", got, last)
		}
		for _, err := range Batches(ctx, newCountingSet(100, 8), trainConfig(4)) {
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("a cancelled context gave %v", err)
			}
		}
	}
	wantGoroutines(t, before)
}

func TestUnreadableImage(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newCountingSet(40, 8)
	s.fail = 17
	got := 0
	var last error
	for _, err := range Batches(context.Background(), s, BatchConfig{Size: 5, Workers: 3}) {
		if last = err; err == nil {
			got++
		}
	}
	if got != 3 || !errors.Is(last, errUnreadable) || !strings.Contains(last.Error(), "batches of counting: image 17") {
		t.Errorf("%d batches, then %v; want 3, then an error of image 17", got, last)
	}
	wantGoroutines(t, before)
}

func TestBadConfigurations(t *testing.T) {
	for want, c := range map[string]BatchConfig{
		"BatchConfig.Size is 0":                 {},
		"BatchConfig.Workers is -1":             {Size: 1, Workers: -1},
		"BatchConfig.Prefetch is -1":            {Size: 1, Prefetch: -1},
		"BatchConfig.Epoch is -2":               {Size: 1, Epoch: -2},
		"BatchConfig.Start is -2":               {Size: 1, Start: -2},
		"has 10 images, not enough":             {Size: 11, DropLast: true},
		"an epoch has 4 batches of 3":           {Size: 3, Start: 5},
		"a crop is -1 pixels":                   {Size: 1, Augment: &Augment{CropPad: -1}},
		"a standard deviation must be positive": {Size: 1, Normalize: Normalization{Mean: [3]float32{.5, .5, .5}}},
		"cannot be read from number -1":         {Size: 1},
	} {
		for name, batches := range map[string]iter.Seq2[*Batch, error]{
			"Batches":    Batches(context.Background(), newCountingSet(10, 2), c),
			"StreamFrom": StreamFrom(context.Background(), newCountingSet(10, 2), c, -1),
		} {
			if name == "Batches" && strings.Contains(want, "number -1") {
				continue // a stream's error only
			}
			for b, err := range batches {
				if b != nil || err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %q", name, err, want)
				}
				break
			}
		}
	}
}

func BenchmarkBatches(b *testing.B) {
	s := newCountingSet(1024, 32)
	raw := make([][]uint8, s.n)
	for i := range raw {
		raw[i] = make([]uint8, 32*32*3)
		_, _ = s.Read(i, raw[i])
	}
	m := &rawSet{s, raw}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			c := trainConfig(64)
			c.Workers = workers
			for b.Loop() {
				for _, err := range Batches(context.Background(), m, c) {
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.N*s.n)/b.Elapsed().Seconds(), "images/s")
		})
	}
}

// rawSet reads from memory, so that the benchmark measures the batches.
type rawSet struct {
	*countingSet
	raw [][]uint8
}

func (s *rawSet) Read(i int, dst []uint8) (int, error) { copy(dst, s.raw[i]); return 0, nil }

// TestHugeBatch wants a batch larger than the set to be the set, and to take no
// more memory than that.
func TestHugeBatch(t *testing.T) {
	set := NewMemory("grey", nil, 2, 2, make([]uint8, 5*12), nil)
	for _, size := range []int{6, 1 << 40, math.MaxInt} {
		c := BatchConfig{Size: size}
		if n := c.Count(5); n != 1 {
			t.Errorf("%d batches of %d in 5 images", n, size)
		}
		seen := 0
		for b, err := range Batches(context.Background(), set, c) {
			if err != nil {
				t.Fatal(err)
			}
			seen += b.N
		}
		if seen != 5 {
			t.Errorf("batches of %d: %d images of 5", size, seen)
		}
	}
}
