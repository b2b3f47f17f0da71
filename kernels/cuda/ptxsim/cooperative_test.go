package ptxsim

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// gridBarrier is a barrier of all blocks of a cooperative grid of %r10 blocks, of
// which this is %r3: the top bit of the word at p turns over when the last has come.
const gridBarrier = `
	bar.sync 0;
	setp.ne.u32 %p1, %r2, 0;
	@%p1 bra MET;
	sub.u32 %r11, 0x80000001, %r10;
	setp.ne.u32 %p2, %r3, 0;
	selp.u32 %r11, 1, %r11, %p2;
	fence.acq_rel.gpu; // release
	atom.add.gpu.global.u32 %r12, [%rd1], %r11;
SPIN:	ld.acquire.gpu.global.u32 %r13, [%rd1]; // spin
	xor.b32 %r13, %r13, %r12;
	setp.ge.s32 %p2, %r13, 0;
	@%p2 bra SPIN;
	fence.acq_rel.gpu; // acquire
MET:	bar.sync 0; // after
`

// meetAndRead lets every thread write a word, meet all others, and sum the words of
// the thread of its number in every block.
const meetAndRead = `
	mov.u32 %r10, %nctaid.x;
	mad.lo.u32 %r6, %r3, 64, %r2;
	mul.wide.u32 %rd3, %r6, 4;
	add.u64 %rd3, %rd1, %rd3;
	st.global.u32 [%rd3+16], %r6; // mine
` + gridBarrier + `
	mov.u32 %r7, 0;
	mov.u32 %r8, 0;
	mul.wide.u32 %rd4, %r2, 4;
	add.u64 %rd4, %rd1, %rd4;
ADD:	ld.global.u32 %r9, [%rd4+16];
	add.u32 %r8, %r8, %r9;
	add.u64 %rd4, %rd4, 256;
	add.u32 %r7, %r7, 1;
	setp.lt.u32 %p1, %r7, %r10;
	@%p1 bra ADD;
	add.u64 %rd3, %rd3, 2048;
	st.global.u32 [%rd3+16], %r8;
`

// cooperate runs a body twice, so that the barrier's word is met in both states.
func cooperate(t *testing.T, m *Machine, body string, blocks int) (sums []uint32, err error) {
	t.Helper()
	mod, err := Parse("snippet.ptx", snippet(body))
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("test")
	p := upload(t, m, "p", make([]byte, 16+2*2048))
	for range 2 {
		if err := m.LaunchCooperative(context.Background(), k, [3]int{blocks, 1, 1}, [3]int{64, 1, 1}, 0, []uint64{p, 0}); err != nil {
			return nil, err
		}
	}
	return words(t, m, p, 4+1024)[4+512:], nil
}

func TestGridBarrier(t *testing.T) {
	for _, o := range []Options{{}, {Workers: 1}, {Shuffle: 3}, {Shuffle: 4, Unchecked: true}} {
		sums, err := cooperate(t, New(o), meetAndRead, 8)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range sums {
			if want := uint32(8*(i%64) + 64*28); v != want {
				t.Fatalf("%+v: word %d is %d, want %d", o, i, v, want)
			}
		}
	}
	_, err := cooperate(t, New(Options{}), meetAndRead, 9)
	if want := "a cooperative launch of 9 blocks; 4 multiprocessors hold 2 each"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, not %s", err, want)
	}
}

// TestStall: blocks that wait for what never comes are told apart from those that run
// long.
func TestStall(t *testing.T) {
	late := replaceNth(t, meetAndRead, "atom.add.gpu.global.u32 %r12, [%rd1], %r11;", "mov.u32 %r12, 0;", 0)
	_, err := cooperate(t, New(Options{}), late, 4)
	f := wantFault(t, err, Endless, "no block of this grid goes on")
	if !strings.Contains(f.Code, "ld.acquire") || f.Thread != [3]int{} || f.Block != [3]int{} {
		t.Errorf("%v", f)
	}
	_, err = runSnippet(t, New(Options{}), meetAndRead, 4, 64, 2000, 1)
	wantFault(t, err, Endless, "need a cooperative launch")
}

func TestResident(t *testing.T) {
	mod, err := Parse("s.ptx", snippet(""))
	if err != nil {
		t.Fatal(err)
	}
	k, _ := mod.Kernel("test")
	m := New(Options{SMs: 3})
	got := fmt.Sprint(m.SMs(), m.Resident(k, 256, 0), m.Resident(k, 1024, 0), m.Resident(k, 32, 100<<10))
	if got != "3 2 2 1" {
		t.Errorf("%s", got)
	}
}
