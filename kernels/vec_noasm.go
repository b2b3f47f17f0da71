//go:build !amd64 || noasm

package kernels

func vecAddFast(y, a, b []float32) int      { return 0 }
func vecSubFast(y, a, b []float32) int      { return 0 }
func vecMulFast(y, a, b []float32) int      { return 0 }
func vecFMAFast(y, a, b []float32) int      { return 0 }
func vecAddReluFast(y, a, b []float32) int  { return 0 }
func vecReluGradFast(y, g, x []float32) int { return 0 }

func vecScaleFast(y, a []float32, s float32) int          { return 0 }
func vecAxpyFast(y []float32, a float32, x []float32) int { return 0 }
func vecReluFast(y, x []float32) int                      { return 0 }
func vecFillFast(y []float32, v float32) int              { return 0 }

func vecExpSumFast(y, x []float32, shift float32) (int, float64) { return 0, 0 }
func vecSumFast(x []float32) (int, float64)                      { return 0, 0 }
func vecDotFast(x, y []float32) (int, float64)                   { return 0, 0 }
func vecMaxFast(x []float32) (int, float32)                      { return 0, 0 }

func vecSGDFast(w, m, grad []float32, mom, decay, cd, cm float32) int   { return 0 }
func vecAdamFast(w, m, v, grad []float32, k adamConstants[float32]) int { return 0 }
