package cuda_test

import "gradgrad/kernels/cuda"

// tensorMistakes are mistakes in the kernels that multiply on tensor cores.
var tensorMistakes = []mistake{
	{"TF32 factors are cut off, not rounded", `conv_tf32_\w+`, `cvt\.rna\.tf32\.f32`, "mov.b32", "conv", false, "kernel conv, result 0, element", cuda.TF32},
	{"TF32 weights are cut off", `conv_dx_tf32_\w+`, `cvt\.rna\.tf32\.f32 (%\w+), %b`, "mov.b32 $1, %b", "matmul", false, "kernel matmul, result 0, element", cuda.TF32},
	{"bfloat16 factors are cut off, not rounded", `conv_bf16_\w+`, `cvt\.rn\.bf16x2`, "cvt.rz.bf16x2", "conv", false, "kernel conv, result 0, element", cuda.BF16},
	{"bfloat16 activations are cut off", `affineconv_bf16_\w+`, `cvt\.rn\.bf16x2`, "cvt.rz.bf16x2", "affineconv", false, "kernel affineconv, result 0, element", cuda.BF16},
	{"two registers of a fragment are exchanged", `conv_tf32_\w+`, `\{%fa, %fa_2, %fa_1, %fa_3\}`, "{%fa, %fa_1, %fa_2, %fa_3}", "conv", false, "kernel conv, result 0, element", cuda.TF32},
	{"a fragment is the neighbour's", `conv_dx_bf16_\w+`, `%fb, \[%at_b\+0\]`, "%fb, [%at_b+4]", "conv.dx", false, "kernel conv.dx, result 0, element", cuda.BF16},
	{"a lane takes another's row", `conv_dw_tf32_\w+`, `and\.b32 %lane_t_1, %lane_1, 3`, "and.b32 %lane_t_1, %lane_1, 1", "conv.dw", false, "kernel conv.dw, result 0, element", cuda.TF32},
	{"results are a lane's neighbour's", `conv_bf16_\w+`, `mad\.lo\.u32 %warp_col, %lane_t, 2`, "mad.lo.u32 %warp_col, %lane_t, 4", "conv", false, "kernel conv, result 0, element|race|out of bounds", cuda.BF16},
	{"rows in shared memory lie closer when read", `conv_tf32_\w+`, `mad\.lo\.u32 %at_a, %lane_t_1, 136`, "mad.lo.u32 %at_a, %lane_t_1, 128", "conv", false, "kernel conv, result 0, element|nobody has written", cuda.TF32},
	{"rows in shared memory lie wider when written", `conv_dw_bf16_\w+`, `mad\.lo\.u32 %to_a, %pair, 136`, "mad.lo.u32 %to_a, %pair, 144", "conv.dw", false, "kernel conv.dw, result 0, element|race|out of bounds|uninitialised", cuda.BF16},
	{"the halves of a pair are exchanged", `conv_dw_bf16_\w+`, `cvt\.rn\.bf16x2\.f32 (%\w+), (%a\w+), (%a\w*);`, "cvt.rn.bf16x2.f32 $1, $3, $2;", "conv.dw", false, "kernel conv.dw, result 0, element", cuda.BF16},
	{"the second half of a step is left out", `conv_tf32_\w+`, `\tmma\.sync\S+ \{[^}]*\}, \{%fa_(?:8|4), [^}]*\}, .*\n`, "", "conv", false, "kernel conv, result 0, element", cuda.TF32},
	{"sums go on from zero", `conv_bf16_\w+`, `(mma\.sync\S+ \{%acc, .*), \{%acc, %acc_1,`, "$1, {%acc_1, %acc_1,", "conv", false, "kernel conv, result 0, element", cuda.BF16},
	{"a TF32 tile is read before all of it is there", `conv_tf32_\w+`, `\tbar\.sync 0;\n`, "", "conv", true, "shared-memory race", cuda.TF32},
	{"a bfloat16 tile is read before all of it is there", `conv_dw_bf16_\w+`, `\tbar\.sync 0;\n`, "", "conv.dw", true, "shared-memory race|nobody has written", cuda.BF16},
	{"the half that is multiplied is overwritten", `affineconv_tf32_\w+`, `sub\.u32 %half_a, \d+, %half_a`, "mov.u32 %half_a, 0", "affineconv", true, "shared-memory race", cuda.TF32},
	{"some lanes do not multiply", `conv_tf32_\w+`, `(\tmma\.sync)`, "\t@%in_a mma.sync", "conv", true, "whole warps|divergence", cuda.TF32},
	{"results beyond the last row", `conv_tf32_\w+`, `@%in_y\w* st\.global`, "st.global", "conv", true, "out of bounds|global-memory race", cuda.TF32},
	{"taps beyond the image", `conv_bf16_\w+`, `@%there\w* ld\.global`, "ld.global", "conv", true, "out of bounds", cuda.BF16},
	{"a pixel beyond the last", `conv_dw_tf32_\w+`, `setp\.lt\.u32 (%in_depth\w*),`, "setp.le.u32 $1,", "conv.dw", true, "out of bounds", cuda.TF32},
	{"a part begins with the step before it", `conv_dw_bf16_\w+`, `mul\.lo\.u32 %begin, %r_1, %per;`, "mul.lo.u32 %begin, %r_1, %per; sub.u32 %begin, %begin, %r_1;", "conv.dw", false, "kernel conv.dw, result 0, element", cuda.BF16},
}
