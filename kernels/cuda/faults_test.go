package cuda_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gradgrad/kernels/cuda"
	"gradgrad/kernels/cuda/ptxsim"
)

// mistake is a change of one kernel's text, and how the tests must see it: with a
// message that matches, from the simulator or from the comparison with float64.
type mistake struct {
	name      string
	entry     string // of the kernels that are changed, a regular expression
	from, to  string // regular expression and replacement
	kernel    string // whose cases show it
	memory    bool   // the simulator finds it, at a line, block and thread
	seen      string
	precision cuda.Precision
}

var mistakes = []mistake{
	{"a barrier is missing", "sum_rows_block", `\tbar\.sync 0;\n`, "", "sum", true, "shared-memory race", cuda.FP32},
	{"a barrier that not all threads reach", "sum_rows_block", `\tbar\.sync 0;`, "\t@%lead bar.sync 0;", "sum", true, "divergence", cuda.FP32},
	{"the bound is dropped", "add", `\t@%out ret;\n`, "", "add", true, "out of bounds", cuda.FP32},
	{"the bound is one too large", "exp", `setp\.ge\.u32 %out`, "setp.gt.u32 %out", "exp", true, "out of bounds", cuda.FP32},
	{"four elements where three are left", "mul", `setp\.ge\.u32 %tail`, "setp.gt.u32 %tail", "mul", true, "out of bounds", cuda.FP32},
	{"elements 12 bytes apart are read by fours", "scale", `mul\.wide\.u32 %at, %i, 16`, "mul.wide.u32 %at, %i, 12", "scale", true, "misaligned", cuda.FP32},
	{"what holds nothing yet is read", "adam", `@!%begins ld`, "ld", "adam", true, "uninitialised memory", cuda.FP32},
	{"a predicate is dropped", "pad", `@!%outside ld`, "ld", "pad", true, "out of bounds", cuda.FP32},
	{"sums are kept for the wrong warp", "bn_grad", `shr\.u32 %warp, %id, 5`, "shr.u32 %warp, %id, 6", "bn.grad", true, "race|uninitialised", cuda.FP32},
	{"two blocks write one element", "sum_columns", `%place_4, %o, %inner`, "%place_4, %r_1, %inner", "sum", true, "global-memory race", cuda.FP32},
	{"a register without a value", "rowpick", `\tcvt\.rzi\.u32\.f32 %k, %f;\n`, "", "rowpick", true, "uninitialised register", cuda.FP32},
	{"a list is read beyond its end", "scatter", `\+4\]`, "+8]", "scatter", true, "out of bounds|uninitialised memory", cuda.FP32},
	{"rows are one element off", "concat", `mad\.lo\.u32 %to, %q, %row,`, "mad.lo.u32 %to, %q, %width,", "concat", false, "kernel concat, result 0, element|uninitialised", cuda.FP32},
	{"the wrong accumulator", "bn_grad2", `fma\.rn\.f32 %sum_6, %ud, %gd, %sum_6`, "fma.rn.f32 %sum_6, %ud, %ud, %sum_6", "bn.grad2", false, "kernel bn.grad2, result 1, element", cuda.FP32},
	{"the largest element begins with zero", "logsumexp", `mov\.f32 %top, 0fFF800000`, "mov.f32 %top, 0f00000000", "logsumexp", false, "kernel logsumexp, result 0, element", cuda.FP32},
	{"the largest element of a long row begins with a large negative number", "softmax_block", `mov\.f32 %top, 0fFF800000`, "mov.f32 %top, 0fC47A0000", "softmax", false, "kernel softmax, result 0, element", cuda.FP32},
	{"the largest element begins with the smallest number", "rowmax", `mov\.f32 %top, 0fFF800000`, "mov.f32 %top, 0fFF7FFFFF", "rowmax", false, "kernel rowmax, result", cuda.FP32},
	{"what is around an image counts", "maxpool", `mov\.f32 %(\w+), 0fFF800000`, "mov.f32 %$1, 0f00000000", "maxpool", false, "kernel maxpool, result", cuda.FP32},
	{"the scale of a norm begins with one", "rownorm_block", `mov\.f32 %top, 0f00000000`, "mov.f32 %top, 0f3F800000", "rownorm", false, "kernel rownorm, result 0, element", cuda.FP32},
	{"a sum begins with one", "logsumexp", `mov\.f32 %sum, 0f00000000`, "mov.f32 %sum, 0f3F800000", "logsumexp", false, "kernel logsumexp, result 0, element", cuda.FP32},
	{"a window is one row too low", "avgpool", `min\.s32 %hi, %hi`, "max.s32 %hi, %hi", "avgpool", false, "kernel avgpool, result 0, element|out of bounds", cuda.FP32},
	{"the hash is shifted by one bit more", "dropout", `shr\.u64 %t, %z, 30`, "shr.u64 %t, %z, 31", "dropout", false, "kernel dropout, result 0, element", cuda.FP32},
	{"the gate lets zeros pass", "gate", `setp\.gt\.f32 %is`, "setp.ge.f32 %is", "gate", false, "kernel gate, result 0, element", cuda.FP32},
	{"half of the lanes are left out", "sum_rows", `%sum, 16, 31`, "%sum, 8, 31", "sum", false, "kernel sum, result 0, element", cuda.FP32},
	{"a tile is read before all of it is there", "conv_fp32_16x4", `\tbar\.sync 0;\n`, "", "conv", true, "shared-memory race", cuda.FP32},
	{"the half that is read is overwritten", "conv_fp32_16x4", `sub\.u32 %half_a, \d+, %half_a`, "mov.u32 %half_a, 0", "conv", true, "shared-memory race", cuda.FP32},
	{"rows of a tile beyond the last", "conv_fp32_16x4", `setp\.lt\.u32 %in_y, %row_1, %m`, "setp.le.u32 %in_y, %row_1, %m", "conv", true, "out of bounds", cuda.FP32},
	{"taps beyond the image", "conv_fp32_64x4", `%h, %high, %there`, "%h, %m, %there", "conv", true, "out of bounds", cuda.FP32},
	{"the wrong column's sum", "conv_fp32_16x4", `%acc_1, %fa, %fb_1, %acc_1`, "%acc_1, %fa, %fb_2, %acc_1", "conv", false, "kernel conv, result 0, element", cuda.FP32},
	{"a pixel beyond the last", "conv_dw_fp32_16x4", `setp\.lt\.u32 %in_depth,`, "setp.le.u32 %in_depth,", "conv.dw", true, "out of bounds", cuda.FP32},
	{"a part's channels are one off", "affineconv_fp32_64x4", `sub\.u32 %inside, %channel, %start`, "add.u32 %inside, %channel, %start", "affineconv", false, "kernel affineconv, result 0, element|out of bounds|uninitialised", cuda.FP32},
	{"a part is announced before all threads have stored it", `conv_dw_fp32_\w+`, `\tbar\.sync 0;(\n\tsetp\.ne\.u32 %other)`, "$1", "conv.dw", true, "global-memory race", cuda.FP32},
	{"a part is announced without a fence", `conv_dw_fp32_\w+`, `\tfence\.acq_rel\.gpu;\n(\tmad\.wide\.u32 %counter)`, "$1", "conv.dw", true, "global-memory race", cuda.FP32},
	{"parts are read without a fence", `conv_dw_fp32_\w+`, `\tfence\.acq_rel\.gpu;\n(\tst\.shared)`, "$1", "conv.dw", true, "global-memory race", cuda.FP32},
	{"threads ask who is last too early", `conv_dw_fp32_\w+`, `(TOLD_\d+:\n)\tbar\.sync 0;\n`, "$1", "conv.dw", true, "shared-memory race|nobody has written", cuda.FP32},
	{"the last block is taken for the last but one", `conv_dw_fp32_\w+`, `(setp\.ne\.u32 %earlier, %old), %most`, "$1, 0", "conv.dw", true, "global-memory race|uninitialised", cuda.FP32},
	{"the parts begin with the second", `conv_dw_fp32_\w+`, `mov\.u32 %part_k, 0`, "mov.u32 %part_k, 1", "conv.dw", false, "kernel conv.dw, result 0, element", cuda.FP32},
	{"the grid does not wait", "bn", `\t@%same bra SPIN_\d+;\n`, "", "bn", true, "global-memory race|uninitialised memory", cuda.FP32},
	{"the grid waits only once", "bn_grad2", `\t@%same_1 bra SPIN_\d+;\n`, "", "bn.grad2", true, "global-memory race|uninitialised memory", cuda.FP32},
	{"no fence before the grid waits", "normalise_grad", `\tfence\.acq_rel\.gpu;\n(\tatom\S+ %before,)`, "$1", "normalise.grad", true, "global-memory race", cuda.FP32},
	{"no fence after the grid has waited", "bnadd_grad", `(@%same bra SPIN_\d+;\n)\tfence\.acq_rel\.gpu;\n`, "$1", "bnadd.grad", true, "global-memory race", cuda.FP32},
	{"a block more is waited for than there are", "bn", `sub\.u32 %rest, 0x80000001`, "sub.u32 %rest, 0x80000000", "bn", true, "waits for what never happens", cuda.FP32},
	{"a channel's constants are one row off", "bn_grad2_v4", `mad\.wide\.u32 (%at_keep_\d+), %c, 8,`, "mad.wide.u32 $1, %c, 12,", "bn.grad2", false, "kernel bn.grad2, result 0, element", cuda.FP32},
	{"the mean's sign", "normalise", `sub\.rn\.f32 %xc`, "add.rn.f32 %xc", "normalise", false, "kernel normalise, result 0, element", cuda.FP32},
}

// wrong is a simulator whose driver changes the text of some kernels.
type wrong struct {
	cuda.Driver
	mistake
	changed bool
}

// wrongModule is a module, and another one of the kernels that were changed.
type wrongModule struct{ right, changed cuda.Module }

func (m wrongModule) Function(name string) (cuda.Function, error) {
	if f, err := m.changed.Function(name); err == nil {
		return f, nil
	}
	return m.right.Function(name)
}

func (w *wrong) Load(file, source string) (cuda.Module, error) {
	right, err := w.Driver.Load(file, source)
	kernel := regexp.MustCompile(`(?s)\.visible \.entry (?:` + w.entry + `)\(.*?\n}`)
	own := strings.Join(kernel.FindAllString(source, -1), "\n")
	if err != nil || own == "" {
		return right, err
	}
	changed := regexp.MustCompile(w.from).ReplaceAllString(own, w.to)
	w.changed = w.changed || changed != own
	head, _, _ := strings.Cut(source, ".visible")
	m, err := w.Driver.Load(file, head+changed)
	return wrongModule{right, m}, err
}

var place = regexp.MustCompile(`in kernel \w+ at \w+\.ptx:\d+, block \(\d+,\d+,\d+\), thread \(\d+,\d+,\d+\)`)

// TestMistakes seeds mistakes into kernels: the cases of TestEveryKernel must see
// each of them and say where it is.
func TestMistakes(t *testing.T) {
	for _, m := range append(mistakes, tensorMistakes...) {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.mustBeSeen(t)
		})
	}
}

// mustBeSeen runs the cases until one shows the mistake.
func (m mistake) mustBeSeen(t *testing.T) {
	t.Helper()
	changed := false
	for _, c := range m.cases() {
		dev, w := mistaken(t, m)
		dev.SetPrecision(m.precision)
		err := c.checkWith(dev, oracleOf(m.precision))
		changed = changed || w.changed
		if err == nil {
			continue
		}
		if !regexp.MustCompile(m.seen).MatchString(err.Error()) || m.memory && !place.MatchString(err.Error()) {
			t.Errorf("%v, which does not say %s and where", err, m.seen)
		}
		return
	}
	t.Errorf("not seen; the text was changed: %v", changed)
}

// cases are those of the tests that show the mistake.
func (m mistake) cases() (own []kcase) {
	all := allCases(false)
	for _, p := range tensorPrecisions {
		if p.Precision == m.precision {
			all = append(all, tieCases(newSource(5), p.bits)...)
		}
	}
	for _, c := range all {
		if c.kernel.Name == m.kernel {
			own = append(own, c)
		}
	}
	return own
}

// mistaken is a device with the mistake.
func mistaken(t *testing.T, m mistake) (*cuda.Device, *wrong) {
	t.Helper()
	d, err := cuda.Simulate(ptxsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	drv, _ := d.Driver()
	w := &wrong{Driver: drv, mistake: m}
	dev, err := cuda.New("sim", w)
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", m.name, err))
	}
	return dev, w
}
