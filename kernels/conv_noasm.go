//go:build !amd64 || noasm

package kernels

// The fast convolutions report that there are no micro-kernels here.

func convTiles(y, x, w []float32, g *ConvAttr) bool             { return false }
func convInputGradTiles(dx, dy, w []float32, g *ConvAttr) bool  { return false }
func convWeightGradTiles(dw, x, dy []float32, g *ConvAttr) bool { return false }
