package ood

import (
	"fmt"
	"math"
)

// LogSumExp returns log(sum(exp(logits/t))), stable for any finite logits.
func LogSumExp(logits []float32, t float64) float64 { return logSumExp(logits, t) }

func logSumExp[F float32 | float64](row []F, t float64) float64 {
	top := float64(row[argmax(row)])
	return top/t + math.Log(sumExp(row, top, t))
}

// sumExp is the sum of exp((v-top)/t); at least 1 when top is the largest.
func sumExp[F float32 | float64](row []F, top, t float64) float64 {
	var sum float64
	for _, v := range row {
		sum += math.Exp((float64(v) - top) / t)
	}
	return sum
}

// softmax fills p with the probabilities of the row at temperature t, in float64
// because what underflows in float32 still counts in an entropy.
func softmax[F float32 | float64](p []float64, row []F, t float64) {
	top := float64(row[argmax(row)])
	sum := sumExp(row, top, t)
	for c, v := range row {
		p[c] = math.Exp((float64(v)-top)/t) / sum
	}
}

// argmax returns the first index of the largest value.
func argmax[F float32 | float64](row []F) int {
	best := 0
	for c, v := range row {
		if v > row[best] {
			best = c
		}
	}
	return best
}

// eachRow scores image by image with a function of the logits alone.
func eachRow(dst []float64, out Outputs, f func(row []float32) float64) error {
	if err := room(dst, out, 0); err != nil {
		return err
	}
	for i := range dst {
		dst[i] = f(out.Row(i))
	}
	return nil
}

// room checks what Score was given.
func room(dst []float64, out Outputs, needs Needs) error {
	if err := out.Check(needs); err != nil {
		return err
	}
	if len(dst) != out.N {
		return fmt.Errorf("ood: room for %d scores, but %d images", len(dst), out.N)
	}
	return nil
}
