package cli

import (
	"errors"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// Compute holds the flags that say what computes, and what it multiplies in.
type Compute struct{ Device, Precision string }

const defaultDevice = "cpu"

// ComputeFlags defines -device and -precision.
func ComputeFlags(f *Flags) *Compute {
	c := new(Compute)
	f.note("device")
	f.set.StringVar(&c.Device, "device", defaultDevice, "NAME: what computes: cpu, cuda or cuda:N for NVIDIA GPUs, sim for a simulated GPU that checks every access, cpu64 for float64")
	f.note("precision")
	f.set.StringVar(&c.Precision, "precision", "", "fp32|tf32|bf16: what convolutions and matrix products on a GPU round their operands to (default fp32)")
	return c
}

// Args are the flags as given, for another verb.
func (c *Compute) Args() (args []string) {
	if c == nil {
		return nil
	}
	if c.Device != defaultDevice {
		args = append(args, "-device="+c.Device)
	}
	if c.Precision != "" {
		args = append(args, "-precision="+c.Precision)
	}
	return args
}

// Open opens the device.
func (c *Compute) Open() (kernels.Device, error) { return OpenDevice(c.Device, c.Precision) }

// OpenDevice opens the device that -device names, with the precision that -precision
// names, which must be one that the device has; "" is fp32, or fp64 for cpu64.
func OpenDevice(name, precision string) (kernels.Device, error) {
	dev, err := kernels.Open(name)
	if errors.Is(err, kernels.ErrUnavailable) {
		return nil, err
	}
	if err != nil {
		return nil, Wrong("-device %s: %w", name, err)
	}
	if precision == "" {
		return dev, nil
	}
	if gpu, ok := dev.(*cuda.Device); ok {
		p, err := cuda.ParsePrecision(precision)
		if err != nil {
			return nil, Wrong("-precision: %w", err)
		}
		gpu.SetPrecision(p)
	}
	if is := PrecisionOf(dev); is != precision {
		return nil, Wrong("-precision %s: the device %s computes in %s; leave the flag out, or choose -device cuda", precision, name, is)
	}
	return dev, nil
}

// PrecisionOf is what a device computes in: "fp64" in float64, else what convolutions
// multiply in.
func PrecisionOf(dev kernels.Device) string {
	if dev.DType() == kernels.Float64 {
		return "fp64"
	}
	if gpu, ok := dev.(*cuda.Device); ok {
		return gpu.Precision().String()
	}
	return cuda.FP32.String()
}
