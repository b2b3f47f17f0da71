package kernels

import (
	"math/rand/v2"
	"testing"
)

// TestArenaPiecesAreApart lends and takes back at random and fills every piece:
// no piece may touch another, and all memory must come together again.
func TestArenaPiecesAreApart(t *testing.T) {
	a := NewArena(CPU)
	r := rand.New(rand.NewPCG(1, 1))
	lent := map[Buffer]float32{}
	for i := range 5000 {
		if len(lent) > 0 && r.IntN(5) < 2 {
			for b, mark := range lent {
				for _, v := range Data[float32](b) {
					if v != mark {
						t.Fatalf("a piece marked %g holds %g", mark, v)
					}
				}
				a.Put(b)
				delete(lent, b)
				break
			}
			continue
		}
		n := 1 + r.IntN(3000)
		b := a.Get(n)
		if b.Len() != n {
			t.Fatalf("asked for %d elements, got %d", n, b.Len())
		}
		lent[b] = float32(i)
		for j := range Data[float32](b) {
			Data[float32](b)[j] = float32(i)
		}
	}
	for b := range lent {
		a.Put(b)
	}
	if now, _, _ := a.Usage(); now != 0 {
		t.Errorf("%d bytes are lent after everything was given back", now)
	}
	for i, s := range a.slabs {
		if len(s.free) != 1 || s.free[0] != (span{0, s.buf.Len()}) {
			t.Errorf("slab %d of %d elements has the unused spans %v", i, s.buf.Len(), s.free)
		}
	}
}

// TestArenaSettles repeats a computation: after a few times it gets the
// same memory in the same order, without allocations, in one slab that is hardly
// larger than the peak.
func TestArenaSettles(t *testing.T) {
	a := NewArena(CPU)
	run := func() []Buffer {
		var got, open []Buffer
		for i := range 50 {
			b := a.Get(5000 + 1000*i)
			got = append(got, b)
			if i%3 == 2 {
				a.Put(open[0])
				open = open[1:]
			}
			open = append(open, b)
		}
		for _, b := range open {
			a.Put(b)
		}
		a.Rewind()
		return got
	}
	for range 3 {
		run()
	}
	want := run()
	if got := run(); len(got) != len(want) {
		t.Fatal("the computation changed")
	} else {
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("piece %d is other memory than the last time", i)
			}
		}
	}
	if _, peak, held := a.Usage(); len(a.slabs) != 1 || held > peak+peak/2 {
		t.Errorf("%d slabs of %d bytes for a peak of %d", len(a.slabs), held, peak)
	}
	n := testing.AllocsPerRun(10, func() {
		for i := range 20 {
			a.Put(a.Get(1000 + i))
		}
	})
	if n != 0 {
		t.Errorf("%g allocations in steady state", n)
	}
}

// deferring is a device that puts calls off on operands of up to 100 elements.
type deferring struct{ Device }

func (deferring) Defers() int { return 100 }

// TestArenaDefers gives small pieces out again only when there is nothing else, when too
// many wait, or when the computation has ended.
func TestArenaDefers(t *testing.T) {
	a := NewArena(deferring{CPU})
	small, large := a.Get(100), a.Get(101)
	a.Put(small)
	a.Put(large)
	if again := a.Get(101); again != large {
		t.Error("a large piece was not given out again")
	}
	if again := a.Get(100); again == small {
		t.Error("a small piece was given out at once")
	}
	for range mostWaiting / 100 {
		a.Put(a.Get(100))
	}
	if a.waits > mostWaiting {
		t.Errorf("%d elements wait", a.waits)
	}
	if _, _, held := a.Usage(); held > 4*2*mostWaiting {
		t.Errorf("%d bytes are held", held)
	}
}
