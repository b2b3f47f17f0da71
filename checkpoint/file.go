package checkpoint

// File is the content of a checkpoint: tensors in the order of the file, and
// strings about them (epoch, configuration).
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

// Lookup returns the tensor of that name, and whether there is one. The pointer
// is into f.Tensors.
func (f *File) Lookup(name string) (*Tensor, bool) {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i], true
		}
	}
	return nil, false
}
