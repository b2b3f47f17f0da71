package datasets

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dtdLike is DTD's layout: pictures in class folders, lists beside them.
func dtdLike(t testing.TB) files {
	f := files{
		"dtd/labels/test1.txt":  []byte("banded/banded_0002.jpg\nwoven/woven_0001.jpg\n"),
		"dtd/labels/train1.txt": []byte("woven/woven_0001.jpg\n"),
		"dtd/imdb/imdb.mat":     []byte("no picture"),
	}
	for i, class := range []string{"banded", "dotted", "woven"} {
		for k := range 3 {
			f[fmt.Sprintf("dtd/images/%s/%s_%04d.jpg", class, class, k+1)] = plainPNG(t, 2, 2, uint8(16*i+k+1))
		}
	}
	return f
}

func TestTexturesAsPublished(t *testing.T) {
	dir := dtdLike(t).writeTo(t, t.TempDir())
	packed := writeFile(t, "dtd-r1.0.1.tar.gz", gzipped(t, dtdLike(t).tar(t)))
	for _, spec := range []string{"textures", dir + "/dtd", packed} {
		o := Options{Root: dir}
		s := open(t, spec, o)
		if got := summary(t, s); got != "01:0 02:0 03:0 11:1 12:1 13:1 21:2 22:2 23:2" || !slices.Equal(s.Classes(), []string{"banded", "dotted", "woven"}) {
			t.Errorf("%s: %s, classes %v", spec, got, s.Classes())
		}
		if got := summary(t, open(t, spec+"#split=test1", o)); got != "02:0 21:2" {
			t.Errorf("%s: test1: %s", spec, got)
		}
		wantError(t, spec+"#split=test9", o, "labels/test9.txt")
	}
	wantError(t, "textures#split=test1#list=x", Options{Root: dir}, "cannot both")
}

func TestLists(t *testing.T) {
	dir := dtdLike(t).writeTo(t, t.TempDir())
	files{
		"names.txt":     []byte("woven_0002\n\n  ./dotted/dotted_0001.jpg 7\nbanded_0003.jpg\r\n"),
		"unknown.txt":   []byte("banded_0009.jpg\n"),
		"twice.txt":     []byte("banded_0001.jpg\nbanded/banded_0001\n"),
		"empty.txt":     []byte("\n\n"),
		"all.txt":       []byte("banded_0001\nbanded_0002\nbanded_0003\ndotted_0001\ndotted_0002\ndotted_0003\nwoven_0001\nwoven_0002\nwoven_0003\n"),
		"numbers.txt":   []byte("1\n3\n"),
		"outside.txt":   []byte("0\n"),
		"letters.txt":   []byte("one\n"),
		"everyone.txt":  []byte("1\n2\n3\n4\n5\n"),
		"two/a/1.png":   plainPNG(t, 2, 2, 1),
		"two/b/1.png":   plainPNG(t, 2, 2, 2),
		"ambiguous.txt": []byte("1.png\n"),
	}.writeTo(t, dir)
	o := Options{Root: dir}
	for spec, want := range map[string]string{
		"textures#list=names.txt":                        "22:2 11:1 03:0",
		"x=" + dir + "/dtd#list=" + dir + "/names.txt":   "22:2 11:1 03:0",
		dir + "/dtd#images/dotted#list=names.txt#from=1": "",
		"textures#exclude=names.txt":                     "01:0 02:0 12:1 13:1 21:2 23:2",
		"textures#per-class=1":                           "01:0 11:1 21:2",
		"textures#exclude=names.txt#per-class=1":         "01:0 12:1 21:2",
		"textures#random=9":                              "01:0 02:0 03:0 11:1 12:1 13:1 21:2 22:2 23:2",
		"textures#as=dice":                               "01:0 02:0 03:0 11:1 12:1 13:1 21:2 22:2 23:2",
		"textures#as=dice#per-class=1":                   "01:0 11:1 21:2",
		"textures#images/woven":                          "21:-1 22:-1 23:-1",
	} {
		if want == "" {
			wantError(t, spec, o, "no image")
		} else if got := summary(t, open(t, spec, o)); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
	if got := open(t, "textures#per-class=2#random=4", o).Len(); got != 4 {
		t.Errorf("%d images drawn of 6", got)
	}
	for spec, says := range map[string]string{
		"textures#list=unknown.txt":                 "no image \"banded_0009.jpg\" among the 9",
		"textures#list=twice.txt":                   "twice",
		"textures#list=empty.txt":                   "is empty",
		"textures#list=nowhere.txt":                 "nowhere.txt is needed",
		"textures#exclude=all.txt":                  "no picture is left",
		"textures#random=10":                        "only 9 images",
		"textures#random=0":                         "not a whole number from 1",
		"textures#list=":                            "has no value",
		"textures#as=nobody":                        "dice, greg, paper, poem",
		"cifar10#as=dice":                           "leave it out",
		"textures#transform=sideways":               "resize, crop, imagenet, none",
		"textures#seed=x":                           "seed",
		dir + "/two#list=" + dir + "/ambiguous.txt": "more than one image",
	} {
		wantError(t, spec, o, says)
	}
	copyOfficial(t, dir, "300K_random_images.npy")
	npy := dir + "/300K_random_images.npy"
	first := func(i int) string { return fmt.Sprintf("%02x:-1", uint8(57*i)) }
	for spec, want := range map[string]string{
		npy + "#list=numbers.txt":           first(1) + " " + first(3),
		npy + "#list=numbers.txt#from=1":    first(0) + " " + first(2),
		npy + "#exclude=numbers.txt":        first(0) + " " + first(2) + " " + first(4),
		npy + "#exclude=numbers.txt#from=1": first(1) + " " + first(3) + " " + first(4),
		npy + "#random=2#numpy-seed=1":      first(2) + " " + first(1),
	} {
		if got := summary(t, open(t, spec, o)); got != want {
			t.Errorf("%s: %s, want %s", spec, got, want)
		}
	}
	wantError(t, npy+"#list=outside.txt#from=1", o, "image 0, but they go from 1 to 5")
	wantError(t, npy+"#list=letters.txt", o, "no names")
	wantError(t, npy+"#exclude=everyone.txt#from=1", o, "no image is left")
	wantError(t, npy+"#id=10", o, "ImageNet")
	wantError(t, npy+"#split=a", o, "#split is for")
}

// DICE's selection of SVHN: the first so many of each digit, in file order.
func TestSVHNSelection(t *testing.T) {
	mat, err := os.ReadFile("testdata/scipy/compressed.mat")
	must(t, err)
	dir := files{"test_32x32.mat": mat}.writeTo(t, t.TempDir())
	s := open(t, "svhn#per-class=1", Options{Root: dir})
	if s.Name() != "svhn" || !slices.Equal(labelsOf(t, s), []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 0}) {
		t.Errorf("%s: labels %v", s.Name(), labelsOf(t, s))
	}
	if got := open(t, "svhn#as=dice", Options{Root: dir}).Len(); got != 12 {
		t.Errorf("%d images of at most 1000 a class", got)
	}
	real := open(t, sharedData(t, "svhn-test-2000.mat")+"#per-class=100", Options{})
	counts := labelCounts(t, real)
	if real.Len() != 1000 || slices.Max(counts) != 100 || slices.Min(counts) != 100 {
		t.Errorf("%v", counts)
	}
}

// The list of Places' 10,000 test images is found in the data folder.
func TestPlacesSelection(t *testing.T) {
	pictures := files{}
	for i := range 6 {
		pictures[fmt.Sprintf("test_256/Places365_test_%08d.jpg", i+1)] = plainPNG(t, 2, 2, uint8(i+1))
	}
	dir := files{"test_256.tar": pictures.tar(t)}.writeTo(t, t.TempDir())
	o := Options{Root: dir}
	wantError(t, "places365#as=dice", o, "places365_test_list.txt is needed")
	files{"places365_test_list.txt": []byte("Places365_test_00000002.jpg\nPlaces365_test_00000005.jpg\n")}.writeTo(t, dir)
	if got := summary(t, open(t, "places365#as=dice", o)); got != "02:0 05:0" && got != "02:-1 05:-1" {
		t.Error(got)
	}
	if got := open(t, "places365", o).Len(); got != 6 {
		t.Errorf("%d images", got)
	}
}

// What is drawn at random is a function of the seed and the number of images.
func TestRandomChoice(t *testing.T) {
	draw := func(c choice) []int {
		got, err := c.pick(1000, nil, nil, lists{})
		must(t, err)
		return got
	}
	a, b := draw(choice{random: 100}), draw(choice{random: 100})
	other, numpy := draw(choice{random: 100, seed: 1}), draw(choice{random: 4, seed: 1, numpy: true})
	if !slices.Equal(a, b) || slices.Equal(a, other) || !slices.IsSorted(a) || len(slices.Compact(slices.Clone(a))) != 100 {
		t.Errorf("%v\n%v\n%v", a, b, other)
	}
	if !slices.Equal(numpy, []int{507, 818, 452, 368}) { // numpy.random.choice(1000, 4, replace=False) after seed(1)
		t.Errorf("%v", numpy)
	}
}

func TestTransformsByName(t *testing.T) {
	for name, want := range map[string]Transform{
		"resize": {Short: 224, Crop: 224}, "crop": {Crop: 224}, "imagenet": {Short: 256, Crop: 224}, "none": {},
	} {
		if got, err := NamedTransform(name, 224); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	root := files{"LSUN/test/1.png": plainPNG(t, 6, 6, 7), "iNaturalist/images/1.png": plainPNG(t, 300, 260, 7)}.writeTo(t, t.TempDir())
	for spec, want := range map[string]Transform{
		"lsun-c": {Crop: 4}, "lsun-c#as=greg": {Crop: 4}, "lsun-c#as=dice": {Short: 4, Crop: 4}, "lsun-c#as=energy": {}, "lsun-c#transform=resize": {Short: 4, Crop: 4},
		"inaturalist": {Short: 4, Crop: 4}, root + "/LSUN": {Short: 4, Crop: 4}, root + "/LSUN#transform=crop": {Crop: 4},
	} {
		l, err := locate(spec, Options{Root: root})
		must(t, err)
		if got, err := l.transform(Options{Size: 4}); err != nil || got != want {
			t.Errorf("%s: %+v, %v", spec, got, err)
		}
	}
	if h, w := open(t, "inaturalist", Options{Root: root, Size: 224}).Size(); h != 224 || w != 224 {
		t.Errorf("%dx%d", w, h)
	}
	if h, w := open(t, "lsun-c#as=energy", Options{Root: root, Size: 4}).Size(); h != 6 || w != 6 {
		t.Errorf("%dx%d", w, h)
	}
	wantError(t, "lsun-c#transform=crop", Options{Root: root}, "needs a size")
}

// Every protocol and every option that belongs to a name can be read.
func TestKnownOptions(t *testing.T) {
	for _, k := range KnownSets() {
		for protocol := range k.Protocols {
			l := location{known: knownByName(k.Name)}
			if err := l.take([]string{"as=" + protocol}); err != nil || l.sub != "" {
				t.Errorf("%s#as=%s: %v, folder %q", k.Name, protocol, err, l.sub)
			}
		}
		if k.About == "" || len(k.Files) == 0 || k.Train+k.Test == 0 {
			t.Errorf("%s is not described: %+v", k.Name, k)
		}
		if k.Normalize != "" {
			if _, err := Preset(k.Normalize, k.Name); err != nil {
				t.Error(err)
			}
		}
	}
	KnownSets()[0].Files[0] = "changed"
	if knownSets[0].Files[0] == "changed" {
		t.Error("the table can be changed from outside")
	}
}

func TestLocate(t *testing.T) {
	root, _, _ := dataFolders(t)
	files{"LSUN_resize.tar.gz": nil}.writeTo(t, root)
	got, err := Locate("lsun-r", Options{Root: root})
	if err != nil || got != filepath.Join(root, "LSUN_resize.tar.gz") {
		t.Errorf("%s, %v", got, err)
	}
	if _, err := Locate("lsun-c", Options{Root: root}); err == nil || !strings.Contains(err.Error(), "LSUN.tar.gz") {
		t.Errorf("%v", err)
	}
	for _, spec := range []string{got, "far=" + got, got + "#random=5", "lsun-r#random=5"} {
		if at, err := Locate(spec, Options{Root: root}); err != nil || at != got {
			t.Errorf("%s: %s, %v", spec, at, err)
		}
	}
	if _, err := Locate("lsun-r#as=nobody", Options{Root: root}); err == nil {
		t.Error("a protocol that nobody knows: no error")
	}
	folders, err := DataFolders(root)
	if err != nil || len(folders) != 3 || folders[0] != root {
		t.Errorf("%v, %v", folders, err)
	}
}
