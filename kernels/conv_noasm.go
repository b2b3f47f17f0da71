//go:build !amd64 || noasm

package kernels

// The fast convolutions report that there are no micro-kernels here.

func convTiles(y, sum, x, w []float32, g *ConvAttr) bool            { return false }
func convInputGradTiles(dx, sum, dy, w []float32, g *ConvAttr) bool { return false }
func convWeightGradTiles(dw, x, dy []float32, g *ConvAttr) bool     { return false }

// winograd reports that no convolution is computed that way here.
func (g *ConvAttr) winograd() bool { return false }
