package kernels

import "fmt"

// ConvAlgorithm chooses how a convolution is computed. It lives in [ConvAttr],
// so that the choice is part of a run's configuration.
//
// The largest error in float32, of forward and both gradients, over the largest value
// stays below, in units of 1e-6, with the inputs and weights of a network:
//
//	channels                        up to 64   128   256   512
//	ConvDirect                           1.5     2     3     5
//	ConvWinograd2                          1     1   1.5     2
//	ConvWinograd, and so ConvAuto          5     6     8    12
type ConvAlgorithm uint8

const (
	// ConvAuto chooses [ConvWinograd] where it is faster. The choice depends on
	// the shape alone, never on the number of threads.
	ConvAuto ConvAlgorithm = iota
	// ConvDirect sums the products as they are defined.
	ConvDirect
	// ConvWinograd asks for F(4x4, 3x3) wherever it applies: 3x3 kernels of
	// stride 1, undilated, in one group, in float32 with assembly. Elsewhere
	// the direct sum is computed, which is the more exact of the two.
	ConvWinograd
	// ConvWinograd2 asks for F(2x2, 3x3) where it applies and pays, from 48 channels on,
	// and for the direct sum elsewhere. It is the most exact of all: its sums have fewer
	// terms than the direct ones.
	ConvWinograd2
)

// ConvAttr describes a two-dimensional convolution, in all three directions:
//
//	y[n][oh][ow][k] = sum over kh, kw, c of
//	    x[n][oh*StrideH+kh*DilationH-PadH][ow*StrideW+kw*DilationW-PadW][c] * w[kh][kw][c][k]
//
// x is N x H x W x C, w is KH x KW x C/Groups x K, y is N x OutH x OutW x K;
// x is zero outside its borders. With Groups > 1 the channels fall into equal
// groups, and outputs of a group see the inputs of the same group only.
type ConvAttr struct {
	N, H, W, C           int // images, their size, input channels
	OutH, OutW, K        int // size of the output, output channels
	KH, KW               int // size of the kernel
	StrideH, StrideW     int
	PadH, PadW           int // zero rows above and columns left; as many below and right as OutH and OutW ask for
	DilationH, DilationW int
	Groups               int
	Algorithm            ConvAlgorithm
}

// The convolution and its two gradients; attr *[ConvAttr], which always
// describes the forward convolution. Conv and ConvDX take a further operand of the
// result's size, to which the result is added; it may be the result's own buffer.
var (
	// Conv computes y: In x, w; Out y.
	Conv = New("conv", conv[float32], conv[float64])
	// ConvDX computes the gradient of the input: In dy, w; Out dx.
	ConvDX = New("conv.dx", convDX[float32], convDX[float64])
	// ConvDW computes the gradient of the weights: In x, dy; Out dw.
	ConvDW = New("conv.dw", convDW[float32], convDW[float64])
)

func conv[T Float](a *Args) {
	g := a.Attr.(*ConvAttr)
	convForward(Data[T](a.Out[0]), addend[T](a, 2, g.N*g.OutH*g.OutW*g.K), Data[T](a.In[0]), Data[T](a.In[1]), g)
}

func convDX[T Float](a *Args) {
	g := a.Attr.(*ConvAttr)
	convInputGrad(Data[T](a.Out[0]), addend[T](a, 2, g.N*g.H*g.W*g.C), Data[T](a.In[0]), Data[T](a.In[1]), g)
}

func convDW[T Float](a *Args) {
	ConvWeightGrad(Data[T](a.Out[0]), Data[T](a.In[0]), Data[T](a.In[1]), a.Attr.(*ConvAttr))
}

// ConvForward overwrites y with the convolution of x and w.
func ConvForward[T Float](y, x, w []T, g *ConvAttr) { convForward(y, nil, x, w, g) }

// convForward adds the convolution to sum, if there is one, which may be y itself.
func convForward[T Float](y, sum, x, w []T, g *ConvAttr) {
	g.check(len(x), len(w), len(y))
	if isFloat32[T]() && g.winograd2() {
		plainOnto(y[:g.N*g.OutH*g.OutW*g.K], sum, func(y []T) {
			conv2(g.forward2(), asFloat32(y), asFloat32(x), asFloat32(w), false)
		})
		return
	}
	if isFloat32[T]() && convTiles(asFloat32(y), asFloat32(sum), asFloat32(x), asFloat32(w), g) {
		return
	}
	plainOnto(y[:g.N*g.OutH*g.OutW*g.K], sum, func(y []T) { convPlain(y, x, w, g) })
}

// ConvInputGrad overwrites dx with the gradient of sum(y * dy) with respect to
// x: the transposed convolution of dy.
func ConvInputGrad[T Float](dx, dy, w []T, g *ConvAttr) { convInputGrad(dx, nil, dy, w, g) }

// convInputGrad adds the gradient to sum, if there is one, which may be dx itself.
func convInputGrad[T Float](dx, sum, dy, w []T, g *ConvAttr) {
	g.check(len(dx), len(w), len(dy))
	if isFloat32[T]() && g.winograd2() {
		plainOnto(dx[:g.N*g.H*g.W*g.C], sum, func(dx []T) {
			conv2(g.backward2(), asFloat32(dx), asFloat32(dy), asFloat32(w), true)
		})
		return
	}
	if isFloat32[T]() && convInputGradTiles(asFloat32(dx), asFloat32(sum), asFloat32(dy), asFloat32(w), g) {
		return
	}
	plainOnto(dx[:g.N*g.H*g.W*g.C], sum, func(dx []T) { convInputGradPlain(dx, dy, w, g) })
}

// plainOnto runs a kernel that overwrites its result, and adds that to sum.
func plainOnto[T Float](out, sum []T, kernel func(out []T)) {
	if sum == nil {
		kernel(out)
		return
	}
	term := borrow[T](len(out))
	defer giveBack(term)
	kernel(term.data)
	for i, v := range term.data[:len(out)] {
		out[i] = sum[i] + v
	}
}

// ConvWeightGrad overwrites dw with the gradient of sum(y * dy) with respect to
// w. The sum over the images runs in a number of parts that depends on the
// shape alone, added in a fixed order.
func ConvWeightGrad[T Float](dw, x, dy []T, g *ConvAttr) {
	g.check(len(x), len(dw), len(dy))
	if isFloat32[T]() && g.winograd2() {
		weightGrad2(g.forward2(), asFloat32(dw), asFloat32(x), asFloat32(dy))
		return
	}
	if isFloat32[T]() && convWeightGradTiles(asFloat32(dw), asFloat32(x), asFloat32(dy), g) {
		return
	}
	convWeightGradPlain(dw, x, dy, g)
}

// ConvError is the panic value of a convolution whose operands do not have the
// sizes that its attributes call for, or whose groups, strides or dilations are
// below 1; then no sizes are wanted.
type ConvError struct {
	Attr                ConvAttr
	LenX, LenW, LenY    int // elements there are
	WantX, WantW, WantY int // elements there must be
}

func (e *ConvError) Error() string {
	return fmt.Sprintf("kernels: conv %+v: x, w and y have %d, %d and %d elements, need %d, %d and %d",
		e.Attr, e.LenX, e.LenW, e.LenY, e.WantX, e.WantW, e.WantY)
}

func (g *ConvAttr) check(lenX, lenW, lenY int) {
	if min(g.Groups, g.StrideH, g.StrideW, g.DilationH, g.DilationW) < 1 {
		panic(&ConvError{Attr: *g, LenX: lenX, LenW: lenW, LenY: lenY})
	}
	x, w, y := g.N*g.H*g.W*g.C, g.KH*g.KW*(g.C/g.Groups)*g.K, g.N*g.OutH*g.OutW*g.K
	if lenX < x || lenW < w || lenY < y || g.C%g.Groups != 0 || g.K%g.Groups != 0 {
		panic(&ConvError{*g, lenX, lenW, lenY, x, w, y})
	}
}
