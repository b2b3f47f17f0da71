package datasets

// Set is a finite, ordered collection of RGB images of one size. A Set may be
// read by several goroutines at once.
type Set interface {
	// Name is the key of the set in results, such as "cifar10" or "svhn".
	Name() string
	// Len is the number of images.
	Len() int
	// Size is the height and the width of every image, in pixels.
	Size() (height, width int)
	// Classes are the names of the labels, in order of the labels; empty when
	// the set has none.
	Classes() []string
	// Read copies image i, height*width*3 bytes in HWC order, RGB, into dst and
	// returns its label, -1 when it has none.
	Read(i int, dst []uint8) (label int, err error)
	// Digest is the hexadecimal SHA-256 of all images (as Read gives them) and
	// labels in order: two sets with the same digest hold the same data. A set
	// that stays on disk and is too large to be read for it has a digest of what
	// identifies it (names and lengths of files, a sample of the images, the
	// part that is used), which begins with a word and a colon.
	Digest() (string, error)
}
