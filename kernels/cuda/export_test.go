package cuda

// Singly has calls on small tensors launched by themselves until the function that is
// returned is called.
func (d *Device) Singly() func() {
	d.singly = true
	return func() { d.singly = false }
}
