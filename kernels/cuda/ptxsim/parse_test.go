package ptxsim

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// head is three lines.
const head = ".version 7.0\n.target sm_80\n.address_size 64\n"

func TestSyntaxErrors(t *testing.T) {
	body := func(s string) string {
		return head + ".entry k(.param .u64 p) {\n.reg .b32 %r<4>;\n.reg .b64 %d<4>;\n.reg .pred %p<2>;\n.reg .f32 %f;\n" + s + "\n}"
	}
	for _, c := range []struct {
		src  string
		line int
		text string
	}{
		{"", 1, "no .version"},
		{".version 7.0\n.entry", 2, `want a name, have ""`},
		{".version", 1, "the source ends"},
		{head + ".func f() { ret; }", 4, ".func"},
		{head + "/* open", 4, "comment without end"},
		{head + ".entry k() { ret; }\n.entry k() { ret; }", 5, "defined twice"},
		{head + ".entry k(.param .b8 big[64]) { ret; }", 4, "at most 8"},
		{head + ".address_size 32", 4, "only 64"},
		{head + ".global .u32 x[99999999999];", 4, "elements"},
		{head + ".global .u32 x[2] = {1, 2, 3};", 4, "more initial values"},
		{head + ".shared .u32 x = 5;", 4, "no initial values"},
		{body("add.u32 %r1, %r2, %q;"), 9, "must be a register or a number"},
		{body("add.u32 %r1, %r2;"), 9, "add with 2 operands"},
		{body("add.u32 %r1, %r2, %r9;"), 9, "must be a register"},
		{body(".local .b8 x[1000000];"), 9, "local memory"},
		{body("add.u32 %r1, %d1, %r2;"), 9, "a register of type b64 for a value of type u32"},
		{body("add.u32 %r1, %p1, %r2;"), 9, "predicates and values do not mix"},
		{body("add.wild.u32 %r1, %r2, %r3;"), 9, "does not know .wild of add"},
		{body("frobnicate.u32 %r1;"), 9, "instruction frobnicate"},
		{body("mul.u32 %r1, %r2, %r3;"), 9, "wants .lo, .hi or .wide"},
		{body("fma.f32 %f, %f, %f, %f;"), 9, "wants a rounding mode"},
		{body("cvt.s32.f32 %r1, %f;"), 9, "wants .rni"},
		{body("cvt.f32.s32 %f, %r1;"), 9, "wants a rounding mode"},
		{body("rem.f32 %f, %f, %f;"), 9, "integers"},
		{body("shfl.bfly.b32 %r1, %r2, 1, 31;"), 9, "gone since sm_70"},
		{body("bra NOWHERE;"), 9, "no label NOWHERE"},
		{body("{ L: }\nbra L;"), 10, "no label L"},
		{body("L:\nL:"), 10, "label L is set twice"},
		{body("@%r1 ret;"), 9, "guard %r1 is no predicate"},
		{body("ld.param.u64 %d1, [q];"), 9, "unknown name q"},
		{body("ld.param.u64 %d1, [p+4];"), 9, "parameter p"},
		{body("ld.global.u32 %r1, [%r2];"), 9, "64 bits"},
		{body("ld.global.v4.u64 {%d1, %d1, %d1, %d1}, [%d2];"), 9, "no such access"},
		{body("ld.global.v2.u32 {%r1}, [%d2];"), 9, "1 registers for 2 values"},
		{body("st.const.u32 [%d1], %r1;"), 9, "cannot be written"},
		{body("cp.async.cg.shared.global [%r1], [%d1], 8;"), 9, "of 8 bytes"},
		{body("mma.sync.aligned.m16n8k8.row.col.f16.f16.f16.f16 {%r1}, {%r1}, {%r1}, {%r1};"), 9, "f32 only"},
		{body("setp.lo.s32 %p1, %r1, %r2;"), 9, "unsigned"},
		{body("mov.b64 %d1, {%r1, %r2, %r3};"), 9, "no vector of 3"},
		{body(".reg .b32 %r1;\n.reg .b32 %r1;"), 10, "declared twice"},
		{body(".reg .b32 %x<2000000>;"), 9, "registers"},
		{body(strings.Repeat("{", 100)), 9, "nest deeper"},
		{body("mov.u32 %r1, 0x;"), 9, "want a number"},
	} {
		_, err := Parse("bad.ptx", c.src)
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Errorf("no error for %q, want %s", c.src, c.text)
			continue
		}
		if e.Line != c.line || !strings.Contains(e.Text, c.text) || !strings.HasPrefix(err.Error(), "bad.ptx:") {
			t.Errorf("%q\ngives %v\nwant line %d: ...%s...", c.src, err, c.line, c.text)
		}
	}
}

func TestModule(t *testing.T) {
	m, err := Parse("m.ptx", head+`
.visible .entry b(.param .u64 .ptr .global .align 16 x, .param .align 8 .b8 pair[8], .param .u16 h)
.reqntid 32, 2 .minnctapersm 2 { .shared .f32 s[10]; .local .b64 l[2]; .pragma "nounroll"; ret; }
.weak .entry a { .loc 1 2 3
	exit; }`)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Kernels(); !slices.Equal(got, []string{"a", "b"}) || m.Version != "7.0" || m.Target != "sm_80" {
		t.Errorf("module %v %s %s", got, m.Version, m.Target)
	}
	k, ok := m.Kernel("b")
	if !ok || k.Shared != 40 || k.Local != 16 || k.ReqThread != [3]int{32, 2, 1} || k.Line != 5 || len(k.Params) != 3 {
		t.Fatalf("kernel %+v", k)
	}
	if p := k.Params[2]; p.Name != "h" || p.Type != "u16" || p.Size != 2 || k.Params[1].Size != 8 {
		t.Errorf("parameters %+v", k.Params)
	}
	if _, ok := m.Kernel("c"); ok {
		t.Error("there is no kernel c")
	}
}

// FuzzParse wants an error or a module for any source, soon and without a panic; and
// a kernel that parses must run to some end.
func FuzzParse(f *testing.F) {
	for _, file := range []string{"saxpy.ptx", "sgemm.ptx", "bf16mma.ptx"} {
		f.Add(source(f, file))
	}
	for _, c := range faultCases {
		f.Add(snippet(c.body))
	}
	for _, c := range slices.Concat(bitCases[:10], floatCases[:10], convertCases[:10]) {
		f.Add(operation(c.code, c.result()))
	}
	f.Add(variableSource)
	f.Fuzz(func(t *testing.T, src string) { exercise(t, src) })
}

// exercise parses a source and runs its kernels, which must end; it says whether
// there was anything to run.
func exercise(t *testing.T, src string) bool {
	m, err := Parse("fuzz.ptx", src)
	if err != nil {
		var e *SyntaxError
		if !errors.As(err, &e) {
			t.Fatalf("error of type %T", err)
		}
		return false
	}
	machine := New(Options{Arch: 90, MaxSteps: 2000, Memory: 1 << 20, Workers: 1})
	p := upload(t, machine, "p", make([]byte, 4096))
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for _, name := range m.Kernels() {
		k, _ := m.Kernel(name)
		params := make([]uint64, len(k.Params))
		for i := range params {
			params[i] = p
		}
		block := [3]int{33, 1, 1}
		if k.ReqThread[0] > 0 {
			block = k.ReqThread
		}
		if err := machine.Launch(ctx, k, [3]int{2, 1, 1}, block, 64, params); errors.Is(err, context.DeadlineExceeded) {
			t.Fatal("still running after seconds")
		}
	}
	return len(m.Kernels()) > 0
}

// TestMangled drops, doubles and swaps words of good sources: closer to the mistakes
// of people than what a fuzzer finds in seconds.
func TestMangled(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	var sources []string
	for _, file := range []string{"saxpy.ptx", "sgemm.ptx", "bf16mma.ptx"} {
		sources = append(sources, source(t, file))
	}
	all := slices.Concat(integerCases, bitCases, predicateCases, floatCases, convertCases)
	var some strings.Builder
	for _, c := range all {
		some.WriteString(c.code)
	}
	sources = append(sources, operation(some.String(), "d"), variableSource)
	rounds, parsed := 500, 0
	if testing.Short() {
		rounds /= 10
	}
	for range rounds {
		src := sources[rng.IntN(len(sources))]
		toks, err := lex("mangled.ptx", src)
		if err != nil {
			t.Fatal(err)
		}
		for range 1 + rng.IntN(2) {
			i, j := rng.IntN(len(toks)), rng.IntN(len(toks))
			switch rng.IntN(3) {
			case 0:
				toks = slices.Delete(toks, i, i+1)
			case 1:
				toks = slices.Insert(toks, i, toks[j])
			default:
				toks[i], toks[j] = toks[j], toks[i]
			}
		}
		var out strings.Builder
		for i, tok := range toks {
			if i > 0 && toks[i-1].end != tok.pos {
				out.WriteByte(' ')
			}
			out.WriteString(tok.text)
		}
		if exercise(t, out.String()) {
			parsed++
		}
	}
	if parsed == 0 {
		t.Error("no mangled source parses: the test tests the lexer only")
	}
}
