package autograd

// UseDefinition replaces a fused row by its plain definition until the returned
// function is called.
func UseDefinition(o *Op) (restore func()) {
	o.plain = true
	return func() { o.plain = false }
}
