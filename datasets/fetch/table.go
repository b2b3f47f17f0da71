package fetch

import "slices"

// Source is one file of a data set.
type Source struct {
	Set  string // the known set of package datasets that reads it
	File string // its name in a data folder
	// URLs are tried in order. There are none for files that nobody may
	// publish; Note says where those come from.
	URLs []string
	// MD5 and SHA256 are the published digests in hexadecimal; both are empty
	// where there is none, and the digest is recorded at the first download.
	MD5, SHA256 string
	Size        int64  // bytes, where they are known exactly
	MB          int    // about so many megabytes
	Note        string // what else there is to know
}

// Checked tells that a digest was published.
func (s Source) Checked() bool { return s.MD5 != "" || s.SHA256 != "" }

const (
	toronto = "https://www.cs.toronto.edu/~kriz/"
	svhn    = "http://ufldl.stanford.edu/housenumbers/"
	wisc    = "http://pages.cs.wisc.edu/~huangrui/imagenet_ood_dataset/"
	members = "for registered users of image-net.org, under its terms"
)

// table is what the authors of the sets and of torchvision publish. Digests of
// torchvision are marked tv, those of the sets' own pages or of repositories
// that use them are not.
var table = []Source{
	{Set: "cifar10", File: "cifar-10-python.tar.gz", URLs: []string{toronto + "cifar-10-python.tar.gz"},
		MD5: "c58f30108f718f92721af3b95e74349a" /* tv */, Size: 170498071, MB: 170},
	{Set: "cifar100", File: "cifar-100-python.tar.gz", URLs: []string{toronto + "cifar-100-python.tar.gz"},
		MD5: "eb9058c3a382ffc7106e4002c42a8d85" /* tv */, Size: 169001437, MB: 169},

	{Set: "svhn", File: "test_32x32.mat", URLs: []string{svhn + "test_32x32.mat"},
		MD5: "eb5a983be6a315427106f1b164d9cef3" /* tv */, MB: 64},
	{Set: "svhn-train", File: "train_32x32.mat", URLs: []string{svhn + "train_32x32.mat"},
		MD5: "e26dedcc434d2e4c54c9b2d4a06d8373" /* tv */, MB: 182, Note: "the train split of svhn"},

	{Set: "textures", File: "dtd-r1.0.1.tar.gz", URLs: []string{"https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz"},
		MD5: "fff73e5086ae6bdbea199a49dfb8a4c1" /* tv */, MB: 625},
	{Set: "places365", File: "test_256.tar", URLs: []string{"http://data.csail.mit.edu/places/places365/test_256.tar"},
		MB: 4700, Note: "its MD5 is said to be f532f6ad7b582262a2ec8009075e186b; that is not sure enough to refuse another"},
	{Set: "places365", File: "places365_test_list.txt", URLs: []string{
		"https://raw.githubusercontent.com/jfc43/informative-outlier-mining/master/datasets/ood_datasets/places365/test_subset/places365_test_list.txt"},
		SHA256: "e992c94b23b7416e8f71c0cab87b777b0e7022ee1b4aeed19d5b16ddf1b90578", Size: 280000, MB: 1,
		Note: "the 10,000 images of DICE, LINe and NTOM (places365#as=dice)"},
	{Set: "lsun-c", File: "LSUN.tar.gz", URLs: []string{"https://www.dropbox.com/s/fhtsw1m3qxlwj6h/LSUN.tar.gz?dl=1"},
		MD5: "458a0a0ab8e5f1cb4516d7400568e460"},
	{Set: "lsun-r", File: "LSUN_resize.tar.gz", URLs: []string{"https://www.dropbox.com/s/moqh2wh8696c3yl/LSUN_resize.tar.gz?dl=1"},
		MD5: "278b7b31c8cb7e804a1465a8ce03a2dc"},
	{Set: "isun", File: "iSUN.tar.gz", URLs: []string{"https://www.dropbox.com/s/ssz7qxfqae0cca5/iSUN.tar.gz?dl=1"}},

	{Set: "300k", File: "300K_random_images.npy", URLs: []string{"https://people.eecs.berkeley.edu/~hendrycks/300K_random_images.npy"},
		MD5: "64ca64357de98351f28454274a112dc3", MB: 922},
	{Set: "tinyimages", File: "tiny_images.bin", MB: 243616,
		Note: "80 Million Tiny Images was withdrawn by its authors; 300k takes its place since"},

	{Set: "inaturalist", File: "iNaturalist.tar.gz", URLs: []string{wisc + "iNaturalist.tar.gz"}},
	{Set: "sun", File: "SUN.tar.gz", URLs: []string{wisc + "SUN.tar.gz"}},
	{Set: "places", File: "Places.tar.gz", URLs: []string{wisc + "Places.tar.gz"}},
	{Set: "imagenet", File: "ILSVRC2012_img_train.tar", MD5: "1d675b47d978889d74fa0da5fadfb00e" /* tv */, MB: 147898, Note: members},
	{Set: "imagenet", File: "ILSVRC2012_img_val.tar", MD5: "29b22e2961454d5413ddabcf34fc5622" /* tv */, MB: 6745,
		Note: members + "; LOC_val_solution.csv beside it tells the classes, or ILSVRC2012_devkit_t12, unpacked"},
}

// Sources is the table of all files.
func Sources() []Source {
	out := slices.Clone(table)
	for i, s := range out {
		out[i].URLs = slices.Clone(s.URLs)
	}
	return out
}

// For gives the files of a set; none when it is not in the table.
func For(set string) []Source {
	return slices.DeleteFunc(Sources(), func(s Source) bool { return s.Set != set })
}
