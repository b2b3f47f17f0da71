package datasets

import (
	"fmt"
	"strconv"
)

// all are the protocols of a set that everybody evaluates whole.
func all(names ...string) map[string]string {
	m := map[string]string{}
	for _, n := range names {
		m[n] = ""
	}
	return m
}

// published are the evaluations whose choices of images are known: GReg's code
// (and DOS), the text of its paper (10,000 random images of each set, drawn here
// with seed 0), DICE (with LINe and NTOM) and POEM.
var published = []string{"greg", "paper", "dice", "poem"}

const folders224 = "of no ImageNet class (Huang and Li 2021)"

// knownSets are the sets of the paper and of the codes it compares with. The
// names of files are those that the authors of the sets published.
var knownSets = append([]KnownSet{
	{Name: "cifar10", About: "CIFAR-10, Krizhevsky 2009", Train: 50000, Test: 10000, Side: 32, Normalize: "greg",
		Files: []string{"cifar-10-batches-bin", "cifar-10-binary.tar.gz", "cifar-10-batches-py", "cifar-10-python.tar.gz"}},
	{Name: "cifar100", About: "CIFAR-100 with its fine labels, Krizhevsky 2009", Train: 50000, Test: 10000, Side: 32, Normalize: "greg",
		Files: []string{"cifar-100-binary", "cifar-100-binary.tar.gz", "cifar-100-python", "cifar-100-python.tar.gz"}},
	{Name: "svhn", About: "Street View House Numbers, cropped digits", Train: 73257, Test: 26032, Side: 32, Normalize: "greg",
		Files: []string{"test_32x32.mat", "train_32x32.mat"}, TrainFiles: []string{"train_32x32.mat"},
		Protocols: map[string]string{"greg": "", "paper": "random=10000", "dice": "per-class=1000", "poem": "per-class=1000"}},
	{Name: "textures", About: "Describable Textures (DTD), all splits; #split=test1 to test10, train1..., val1...", Test: 5640,
		Files: []string{"dtd", "dtd-r1.0.1.tar.gz"}, Protocols: all(published...)},
	{Name: "places365", About: "Places365, the test images at 256 pixels", Test: 328500, Side: 256,
		Files: []string{"test_256", "test_256.tar"},
		Protocols: map[string]string{"greg": "", "paper": "random=10000", "dice": "list=places365_test_list.txt",
			"poem": "random=10000#numpy-seed=1"}},
	{Name: "lsun-c", About: "LSUN, cropped; cut from the centre, or resized with #transform=resize", Test: 10000, Side: 36,
		Files: []string{"LSUN", "LSUN.tar.gz"}, transform: "crop",
		Protocols: map[string]string{"greg": "transform=crop", "paper": "transform=crop", "dice": "transform=resize",
			"poem": "transform=resize", "energy": "transform=none"}},
	{Name: "lsun-r", About: "LSUN, resized", Test: 10000, Side: 32,
		Files: []string{"LSUN_resize", "LSUN_resize.tar.gz"}, Protocols: all(published...)},
	{Name: "isun", About: "iSUN, resized", Test: 8925, Side: 32,
		Files: []string{"iSUN", "iSUN.tar.gz"}, Protocols: all(published...)},
	{Name: "300k", About: "300K Random Images, Hendrycks, Mazeika and Dietterich 2019; stays in its file", Train: 300000, Side: 32,
		Files: []string{"300K_random_images.npy"}},
	{Name: "tinyimages", About: "80 Million Tiny Images without those of CIFAR; stays in its file", Train: 79302017, Side: 32,
		Files: []string{tinyImages}, always: "exclude=80mn_cifar_idxs.txt#from=1",
		Needs: "its authors have withdrawn it; 80mn_cifar_idxs.txt beside it lists the images of CIFAR (tinyimages-all does without)"},
	{Name: "tinyimages-all", About: "80 Million Tiny Images with those of CIFAR; stays in its file", Train: 79302017, Side: 32,
		Files: []string{tinyImages}, always: "from=1", Needs: "its authors have withdrawn it"},
	{Name: "inaturalist", About: "iNaturalist plants " + folders224, Test: 10000,
		Files: []string{"iNaturalist", "iNaturalist.tar.gz"}, Protocols: all(published...)},
	{Name: "sun", About: "SUN scenes " + folders224, Test: 10000,
		Files: []string{"SUN", "SUN.tar.gz"}, Protocols: all(published...)},
	{Name: "places", About: "Places scenes " + folders224, Test: 10000,
		Files: []string{"Places", "Places.tar.gz"}, Protocols: all(published...)},
	imageNet("imagenet", "ILSVRC-2012, all 1,000 classes; read picture by picture", "", 1281167, 50000),
}, imageNetParts()...)

// imageNetNeeds says how its two splits may lie there.
const imageNetNeeds = "the folder holds train and val with a folder for each class (WordNet id); " +
	"pictures of val that are not sorted into folders need LOC_val_solution.csv, or the development kit (ILSVRC2012_devkit_t12), beside them; both are for registered users of image-net.org"

func imageNet(name, about, options string, train, test int) KnownSet {
	folders := []string{"imagenet", "ILSVRC2012", "ILSVRC/Data/CLS-LOC"}
	return KnownSet{Name: name, About: about, Train: train, Test: test, Normalize: "imagenet",
		Files: append(folders, "ILSVRC2012_img_val.tar"), TrainFiles: append(folders, "ILSVRC2012_img_train.tar"),
		Needs: imageNetNeeds, always: options, stream: true}
}

// imageNetParts are the in-distribution classes of GReg and, for each, the rest
// as auxiliary outliers.
func imageNetParts() []KnownSet {
	var sets []KnownSet
	for _, k := range []int{10, 20, 50, 100} {
		name := "imagenet" + strconv.Itoa(k)
		sets = append(sets,
			imageNet(name, fmt.Sprintf("the %d in-distribution classes of GReg's split of ImageNet (seed 1993)", k), fmt.Sprintf("id=%d", k), 0, 50*k),
			imageNet(name+"-aux", fmt.Sprintf("the other %d classes of ImageNet, auxiliary outliers", 1000-k), fmt.Sprintf("aux=%d", k), 0, 50*(1000-k)))
	}
	return sets
}
