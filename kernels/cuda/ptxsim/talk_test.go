package ptxsim

import (
	"strings"
	"testing"
)

// lastSums lets the last of %r10 blocks add what all have left: word 0 counts, words
// 4 to 67 get the sums, and block b leaves its words from 68+64b on.
const lastSums = `
	mov.u32 %r10, %nctaid.x;
	mad.lo.u32 %r6, %r3, 64, %r2;
	mul.wide.u32 %rd3, %r6, 4;
	add.u64 %rd3, %rd1, %rd3;
	st.global.u32 [%rd3+272], %r6;
	bar.sync 0; // before
	sub.u32 %r11, %r10, 1;
	setp.ne.u32 %p1, %r2, 0;
	@%p1 bra TOLD;
	fence.acq_rel.gpu; // release
	atom.inc.gpu.global.u32 %r12, [%rd1], %r11;
	fence.acq_rel.gpu; // acquire
	st.shared.u32 [smem], %r12;
TOLD:	bar.sync 0; // after
	ld.shared.u32 %r12, [smem];
	setp.ne.u32 %p1, %r12, %r11;
	@%p1 ret;
	mov.u32 %r7, 0;
	mov.u32 %r8, 0;
	mov.u64 %rd4, %rd2;
ADD:	ld.global.u32 %r9, [%rd4+272]; // parts
	add.u32 %r8, %r8, %r9;
	add.u64 %rd4, %rd4, 256;
	add.u32 %r7, %r7, 1;
	setp.lt.u32 %p2, %r7, %r10;
	@%p2 bra ADD;
	st.global.u32 [%rd2+16], %r8;
`

// omission is what is left out of a pattern, or put in its place, and what is found.
type omission struct {
	name, old, new string
	kind           FaultKind // where text is not empty
	text           string
}

func TestLastBlock(t *testing.T) {
	const bump = "atom.inc.gpu.global.u32 %r12, [%rd1], %r11;"
	for _, o := range []omission{
		{"as it should be", "", "", 0, ""},
		{"fences in the atomic", "atom.inc.gpu", "atom.acq_rel.inc.gpu", 0, ""},
		{"no barrier before", "bar.sync 0; // before", "", GlobalRace, "wrote at line"},
		{"no release", "fence.acq_rel.gpu; // release", "", GlobalRace, "wrote at line"},
		{"release for the block only", "fence.acq_rel.gpu; // release", "fence.acq_rel.cta;", GlobalRace, "wrote at line"},
		{"release after the fact", bump + "\n\tfence.acq_rel.gpu; // acquire", "// none\n" + bump + "\nfence.sc.gpu;", 0, ""},
		{"no acquire", "fence.acq_rel.gpu; // acquire", "", GlobalRace, "wrote at line"},
		{"acquire before the atomic", bump + "\n\tfence.acq_rel.gpu; // acquire", "fence.acq_rel.gpu;\n" + bump, GlobalRace, "wrote at line"},
		{"no barrier after", "bar.sync 0; // after", "", UninitialisedMemory, "shared memory"},
		{"no atomic", bump, "ld.global.u32 %r12, [%rd1];\nadd.u32 %r13, %r12, 1;\nst.global.u32 [%rd1], %r13;", GlobalRace, `"p"`},
		{"atomic for the block only", "atom.inc.gpu", "atom.inc.cta", GlobalRace, `"p"`},
		{"the last block by its number", bump, "mov.u32 %r12, %r3;", GlobalRace, "wrote at line"},
		{"every block takes itself for the last", "@%p1 ret;", "", GlobalRace, ""},
	} {
		t.Run(o.name, func(t *testing.T) {
			body := lastSums
			if o.old != "" {
				body = replaceNth(t, body, o.old, o.new, 0)
			}
			m := New(Options{})
			p, err := runSnippet(t, m, body, 6, 64, 68+6*64, 1)
			if o.text != "" || o.kind != 0 {
				wantFault(t, err, o.kind, o.text)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := words(t, m, p, 68)
			for i, v := range got[4:] {
				if want := uint32(6*i + 64*15); v != want || got[0] != 0 {
					t.Fatalf("sum %d is %d, want %d; the counter is %d", i, v, want, got[0])
				}
			}
		})
	}
}

func TestGridBarrierOmissions(t *testing.T) {
	const atom = "atom.add.gpu.global.u32 %r12, [%rd1], %r11;"
	for _, o := range []omission{
		{"relaxed load and fence", "ld.acquire", "ld.relaxed", 0, ""},
		{"volatile load and fence", "ld.acquire.gpu", "ld.volatile", 0, ""},
		{"acquiring load and no fence", "fence.acq_rel.gpu; // acquire", "", 0, ""},
		{"release in the atomic", "fence.acq_rel.gpu; // release\n\tatom", "atom.release", 0, ""},
		{"no barrier before", "bar.sync 0;\n", "", GlobalRace, "wrote at line"},
		{"no release", "fence.acq_rel.gpu; // release", "", GlobalRace, "wrote at line"},
		{"no acquire", "fence.acq_rel.gpu; // acquire", "// none", GlobalRace, "wrote at line"},
		{"no barrier after", "bar.sync 0; // after", "", GlobalRace, "wrote at line"},
		{"no atomic", atom, "ld.relaxed.gpu.global.u32 %r12, [%rd1];\nadd.u32 %r13, %r12, %r11;\nst.relaxed.gpu.global.u32 [%rd1], %r13;", GlobalRace, "wrote at line"},
		{"ordinary accesses", atom, "ld.global.u32 %r12, [%rd1];\nadd.u32 %r13, %r12, %r11;\nst.global.u32 [%rd1], %r13;", GlobalRace, ""},
		{"ordinary spin", "ld.acquire.gpu.global", "ld.global", Endless, "instructions"},
		{"barrier for the block only", atom, "atom.add.cta.global.u32 %r12, [%rd1], %r11;", GlobalRace, ""},
		{"no spin", "@%p2 bra SPIN;", "", GlobalRace, ""},
	} {
		t.Run(o.name, func(t *testing.T) {
			body := replaceNth(t, meetAndRead, o.old, o.new, 0)
			if o.name == "no acquire" {
				body = replaceNth(t, body, "ld.acquire", "ld.relaxed", 0)
			}
			for _, seed := range []uint64{0, 7} {
				if seed != 0 && o.name == "no atomic" {
					o.kind, o.text = Endless, "never happens" // an arrival is lost there
				}
				_, err := cooperate(t, New(Options{MaxSteps: 1 << 18, Shuffle: seed}), body, 5)
				if o.text != "" || o.kind != 0 {
					wantFault(t, err, o.kind, o.text)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// TestWriteAfterRead: what blocks read before they meet, others may overwrite after it.
func TestWriteAfterRead(t *testing.T) {
	const body = `
	mov.u32 %r10, %nctaid.x;
	ld.global.u32 %r6, [%rd2+16]; // all blocks read the same words
` + gridBarrier + `
	setp.ne.u32 %p1, %r3, 1;
	@%p1 ret;
	st.global.u32 [%rd2+16], %r6;
`
	for _, blocks := range []int{2, 5} {
		if _, err := cooperate(t, New(Options{}), body, blocks); err != nil {
			t.Error(err)
		}
		for _, left := range []string{"bar.sync 0;\n", "fence.acq_rel.gpu; // release", "bar.sync 0; // after"} {
			_, err := cooperate(t, New(Options{}), strings.Replace(body, left, "", 1), blocks)
			wantFault(t, err, GlobalRace, "read in the same launch")
		}
	}
}

// TestSmallStores: blocks may write neighbouring bytes, and not the same.
func TestSmallStores(t *testing.T) {
	const place = "add.u64 %rd3, %rd1, %rd3;\n"
	for _, c := range []struct {
		name, body, text string
	}{
		{"a byte each", "mul.wide.u32 %rd3, %r3, 1;\n" + place + "st.global.u8 [%rd3], %r3;", ""},
		{"half a word each", "mul.wide.u32 %rd3, %r3, 2;\n" + place + "st.global.u16 [%rd3], %r3;\nld.global.u16 %r6, [%rd3];", ""},
		{"one byte for all", "st.global.u8 [%rd1+1], %r3;", "offset 1, which"},
		{"byte and half", "setp.eq.u32 %p1, %r3, 1;\n@%p1 st.global.u8 [%rd1+3], %r3;\nsetp.eq.u32 %p1, %r3, 2;\n@%p1 st.global.u16 [%rd1+2], %r3;", "offset 3, which"},
		{"byte and other half", "setp.eq.u32 %p1, %r3, 1;\n@%p1 st.global.u8 [%rd1+1], %r3;\nsetp.eq.u32 %p1, %r3, 2;\n@%p1 st.global.u16 [%rd1+2], %r3;", ""},
		{"byte and word", "setp.eq.u32 %p1, %r3, 1;\n@%p1 st.global.u8 [%rd1+2], %r3;\nsetp.eq.u32 %p1, %r3, 2;\n@%p1 st.global.u32 [%rd1], %r3;", "offset 2, which"},
		{"byte read and word written", "setp.eq.u32 %p1, %r3, 1;\n@%p1 ld.global.u8 %r6, [%rd1+2];\nsetp.eq.u32 %p1, %r3, 2;\n@%p1 st.global.u32 [%rd1], %r3;", "offset 2, which"},
		{"byte read and byte written", "setp.eq.u32 %p1, %r3, 1;\n@%p1 ld.global.u8 %r6, [%rd1+2];\nsetp.eq.u32 %p1, %r3, 2;\n@%p1 st.global.u8 [%rd1+1], %r3;", ""},
		{"word read and byte written", "setp.eq.u32 %p1, %r3, 1;\n@%p1 ld.global.u32 %r6, [%rd1];\nsetp.eq.u32 %p1, %r3, 2;\n@%p1 st.global.u8 [%rd1+3], %r3;", "offset 3, which"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				_, err := runSnippet(t, New(Options{Workers: workers}), c.body, 3, 1, 2000, 1)
				if c.text != "" {
					wantFault(t, err, GlobalRace, c.text)
				} else if err != nil {
					t.Error(err)
				}
			}
		})
	}
	_, err := runSnippet(t, New(Options{}), "st.global.u8 [%rd1], %r2;", 1, 2, 4, 1)
	wantFault(t, err, GlobalRace, "of the same block")
}
