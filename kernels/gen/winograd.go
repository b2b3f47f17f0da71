package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// Offsets in struct winoArgs.
const (
	winoSrc     = 0
	winoDst     = 8
	winoTmp     = 16
	winoSrcI    = 24
	winoSrcJ    = 32
	winoDstI    = 40
	winoDstJ    = 48
	winoSrcStep = 56
	winoDstStep = 64
	winoItems   = 72
	winoVecs    = 80
	winoMask    = 88
	winoFull    = 96
	winoAdd     = 104
	winoAddAt   = 112
	winoSrcNow  = 120
	winoDstNow  = 128
)

// transform is one of the five linear maps of Winograd's convolution
// F(4x4, 3x3) with the points 0, 1, -1, 2, -1/2 and infinity: the same map of
// in to out values along the columns and then along the rows. Each value is a
// vector of channels.
type transform struct {
	isa
	what         string
	note         string
	in, out      int
	line         func(t *transform) []int // the map of registers 0..in-1; returns where the results are
	maskedLoads  bool
	maskedStores bool
	adds         bool // adds the result to what lies at a distance from its destination, if asked
	w            *writer
	free         []int       // registers that hold nothing
	names        map[int]int // the registers of the numbers of a map
}

// inRegisters says that the square between columns and rows stays in registers: of the
// 32 of AVX-512 a map needs ten beside it.
func (t *transform) inRegisters() bool { return t.isa.reg == "Z" && t.in*t.out <= 24 }

var transforms = []transform{
	{what: "Input", note: "B'dB: a 6x6 patch of the input.", in: 6, out: 6, line: inputLine},
	{what: "Output", note: "A'mA: 36 products to a 4x4 patch of the output.", in: 6, out: 4, line: outputLine, maskedStores: true, adds: true},
	{what: "OutputGrad", note: "AeA': a 4x4 patch of the output's gradient.", in: 4, out: 6, line: outputGradLine, maskedLoads: true},
	{what: "Weights", note: "GgG': a 3x3 kernel.", in: 3, out: 6, line: weightsLine, maskedLoads: true},
	{what: "WeightGrad", note: "G'uG: 36 products to the gradient of a 3x3 kernel.", in: 6, out: 3, line: weightGradLine, maskedStores: true},
}

// The constants of the maps, by name.
var winoConsts = []struct {
	name  string
	value float32
}{
	{"1p5", 1.5}, {"2", 2}, {"half", 0.5}, {"4", 4}, {"quarter", 0.25}, {"8", 8}, {"eighth", 0.125},
	{"third", 1.0 / 3}, {"minusThird", -1.0 / 3}, {"15th", 1.0 / 15}, {"2by15", 2.0 / 15}, {"4by15", 4.0 / 15},
	{"8by15", 8.0 / 15}, {"16by15", 16.0 / 15}, {"minus16by15", -16.0 / 15},
}

func winogradFile(s isa) string {
	w := &writer{}
	w.header()
	for _, c := range winoConsts {
		w.WriteString("\n")
		bits := math.Float32bits(c.value)
		for i := range s.lanes / 2 {
			fmt.Fprintf(w, "DATA wino_%s_%s<>+%d(SB)/8, $0x%08x%08x\n", s.name, c.name, 8*i, bits, bits)
		}
		fmt.Fprintf(w, "GLOBL wino_%s_%s<>(SB), RODATA|NOPTR, $%d\n", s.name, c.name, 4*s.lanes)
	}
	for _, t := range transforms {
		t.isa, t.w = s, w
		t.kernel()
	}
	return w.String()
}

func (t *transform) name() string { return "wino" + t.what + strings.ToUpper(t.isa.name) }

// reg is the register of number i of a map: i itself, or a free one at its first use.
func (t *transform) reg(i int) string {
	if t.names == nil {
		return fmt.Sprintf("%s%d", t.isa.reg, i)
	}
	if _, ok := t.names[i]; !ok {
		last := len(t.free) - 1
		t.names[i], t.free = t.free[last], t.free[:last]
	}
	return fmt.Sprintf("%s%d", t.isa.reg, t.names[i])
}

// keep ends a map: it returns the registers of those numbers, and frees all others.
func (t *transform) keep(numbers []int) []int {
	var kept []int
	for _, i := range numbers {
		t.reg(i)
		kept = append(kept, t.names[i])
		delete(t.names, i)
	}
	for _, i := range slices.Sorted(maps.Keys(t.names)) {
		t.free = append(t.free, t.names[i])
	}
	clear(t.names)
	return kept
}

func (t *transform) constant(name string) string {
	return fmt.Sprintf("wino_%s_%s<>(SB)", t.isa.name, name)
}

// at is the address of element i of a line at BX whose stride is in R8, with
// three and five times that in R9 and R10.
func at(i int) string {
	return []string{"(BX)", "(BX)(R8*1)", "(BX)(R8*2)", "(BX)(R9*1)", "(BX)(R8*4)", "(BX)(R10*1)"}[i]
}

// strides loads the stride at that offset for at.
func (t *transform) strides(offset int) {
	t.w.op("MOVQ %d(DI), R8", offset)
	t.w.op("LEAQ (R8)(R8*2), R9")
	t.w.op("LEAQ (R8)(R8*4), R10")
}

// kernel: for every item, for every vector of channels, columns to tmp, rows of
// tmp to the destination.
func (t *transform) kernel() {
	w := t.w
	fmt.Fprintf(w, "\n// func %s(p *winoArgs)\n// %s\n", t.name(), t.note)
	fmt.Fprintf(w, "TEXT ·%s(SB), NOSPLIT, $0-8\n", t.name())
	w.op("MOVQ p+0(FP), DI")
	w.op("MOVQ %d(DI), R12", winoTmp)
	w.op("MOVQ %d(DI), CX", winoItems)
	w.op("MOVQ %d(DI), SI", winoSrc)
	w.op("MOVQ %d(DI), DX", winoDst)
	w.op("MOVQ SI, %d(DI)", winoSrcNow)
	w.op("MOVQ DX, %d(DI)", winoDstNow)
	w.label("item")
	w.op("MOVQ %d(DI), R13", winoVecs)
	w.label("vector")
	if t.maskedLoads || t.maskedStores {
		t.mask()
	}
	if t.names = nil; t.inRegisters() {
		t.names, t.free = map[int]int{}, nil
		for i := range 32 {
			t.free = append(t.free, 31-i)
		}
	}
	columns := t.columns()
	t.rows(columns)
	w.op("ADDQ $%d, SI", 4*t.lanes)
	w.op("ADDQ $%d, DX", 4*t.lanes)
	w.op("DECQ R13")
	w.op("JNE vector")
	w.op("MOVQ %d(DI), SI", winoSrcNow)
	w.op("ADDQ %d(DI), SI", winoSrcStep)
	w.op("MOVQ SI, %d(DI)", winoSrcNow)
	w.op("MOVQ %d(DI), DX", winoDstNow)
	w.op("ADDQ %d(DI), DX", winoDstStep)
	w.op("MOVQ DX, %d(DI)", winoDstNow)
	w.op("DECQ CX")
	w.op("JNE item")
	w.op("VZEROUPPER")
	w.op("RET")
}

// columns maps the columns, to tmp or to the registers that it returns.
func (t *transform) columns() (kept [][]int) {
	w := t.w
	w.note("columns")
	t.strides(winoSrcI)
	w.op("MOVQ %d(DI), R11", winoSrcJ)
	w.op("MOVQ SI, BX")
	for j := range t.in {
		for i := range t.in {
			t.load(at(i), t.reg(i))
		}
		results := t.line(t)
		if t.inRegisters() {
			kept = append(kept, t.keep(results))
		} else {
			for i, r := range results {
				w.op("VMOVUPS %s, %d(R12)", t.reg(r), 4*t.lanes*(i*t.in+j))
			}
		}
		if j < t.in-1 {
			w.op("ADDQ R11, BX")
		}
	}
	return kept
}

// rows maps the rows of what columns has left, to the destination.
func (t *transform) rows(columns [][]int) {
	w := t.w
	w.note("rows")
	t.strides(winoDstJ)
	w.op("MOVQ %d(DI), R11", winoDstI)
	w.op("MOVQ DX, BX")
	for i := range t.out {
		for j := range t.in {
			if t.inRegisters() {
				t.names[j] = columns[j][i]
			} else {
				w.op("VMOVUPS %d(R12), %s", 4*t.lanes*(i*t.in+j), t.reg(j))
			}
		}
		results := t.line(t)
		if t.adds {
			t.addTo(results, i)
		}
		for j, r := range results {
			t.store(t.reg(r), at(j))
		}
		if t.inRegisters() {
			t.keep(nil)
		}
		if i < t.out-1 {
			w.op("ADDQ R11, BX")
		}
	}
}

// addTo adds what lies at the distance winoAddAt from the places of row i.
func (t *transform) addTo(results []int, i int) {
	const spare = 14
	t.w.op("CMPQ %d(DI), $0", winoAdd)
	t.w.op("JEQ store%d", i)
	t.w.op("MOVQ BX, R15")
	t.w.op("ADDQ %d(DI), BX", winoAddAt)
	for j, r := range results {
		if t.isa.reg == "Z" {
			t.w.op("VADDPS %[1]s, %[2]s, K1, %[2]s", at(j), t.reg(r))
			continue
		}
		t.w.op("VMASKMOVPS %s, Y15, %s", at(j), t.reg(spare))
		t.w.op("VADDPS %[1]s, %[2]s, %[2]s", t.reg(spare), t.reg(r))
	}
	t.w.op("MOVQ R15, BX")
	t.w.label(fmt.Sprintf("store%d", i))
}

// mask chooses the lanes: those of the last vector, or all.
func (t *transform) mask() {
	w := t.w
	w.op("MOVQ %d(DI), AX", winoFull)
	w.op("CMPQ R13, $1")
	w.op("CMOVQEQ %d(DI), AX", winoMask)
	if t.isa.reg == "Z" {
		w.op("KMOVW AX, K1")
	} else {
		w.op("VMOVUPS (AX), Y15")
	}
}

func (t *transform) load(addr, reg string) {
	switch {
	case !t.maskedLoads:
		t.w.op("VMOVUPS %s, %s", addr, reg)
	case t.isa.reg == "Z":
		t.w.op("VMOVUPS.Z %s, K1, %s", addr, reg)
	default:
		t.w.op("VMASKMOVPS %s, Y15, %s", addr, reg)
	}
}

func (t *transform) store(reg, addr string) {
	switch {
	case !t.maskedStores:
		t.w.op("VMOVUPS %s, %s", reg, addr)
	case t.isa.reg == "Z":
		t.w.op("VMOVUPS %s, K1, %s", reg, addr)
	default:
		t.w.op("VMASKMOVPS %s, Y15, %s", reg, addr)
	}
}
