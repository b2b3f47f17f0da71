package datasets

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// The digests were computed apart from this package, with scipy, numpy and
// Pillow, from the same files.
func TestLosslessSets(t *testing.T) {
	for _, c := range []struct {
		file    string
		train   bool
		n       int
		classes int
		sum     int
		digest  string
	}{
		{"cifar10-lossless.tar.zst", true, 5085, 10, 1894073709, "181b1f9792f48b698ae619b9e2a20617ebdc76b89de2224c387f95be39b9be60"},
		{"cifar10-lossless.tar.zst", false, 1017, 10, 380676608, "ac6a40d35b90b4057573bc9ea4fa40192643e99470fe58c0ff53f2055ccb8a31"},
		{"svhn-test-2000.mat", false, 2000, 10, 717864248, "c2a98bf9d0d95cf66980a0281b31ae252807529eced13146b926d8ca4facd165"},
		{"dtd32.tar.zst", false, 1200, 10, 442071374, "def8f89c756a621e4eb4e704e95c848443f467da2e945f85a37e2d76c049c6e0"},
		{"places32.tar.zst", false, 2000, 1, 678381540, "a8878b2a62e6a3b6c569c19a3c7eb6dbac043ae91a7d8792bc02134a6f8c7361"},
	} {
		t.Run(c.file, func(t *testing.T) {
			s := open(t, sharedData(t, c.file), Options{Train: c.train, Size: 32})
			sum, buf := 0, make([]uint8, 3072)
			for i := range s.Len() {
				_, err := s.Read(i, buf)
				must(t, err)
				for _, v := range buf {
					sum += int(v)
				}
			}
			if s.Len() != c.n || len(s.Classes()) != c.classes || sum != c.sum {
				t.Errorf("%d images, %d classes, sum %d", s.Len(), len(s.Classes()), sum)
			}
			if got := digestOfSet(t, s); got != c.digest {
				t.Errorf("digest %s", got)
			}
		})
	}
}

// labelCounts is how many images each class has.
func labelCounts(t *testing.T, s Set) []int {
	t.Helper()
	h, w := s.Size()
	buf := make([]uint8, 3*h*w)
	counts := make([]int, len(s.Classes()))
	for i := range s.Len() {
		label, err := s.Read(i, buf)
		must(t, err)
		counts[label]++
	}
	return counts
}

func TestJPEGSets(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 25,000 pictures; not with -short")
	}
	test := open(t, sharedData(t, "cifar10.tar.zst"), Options{})
	if !slices.Equal(test.Classes(), cifar10.names) || !slices.Equal(labelCounts(t, test), slices.Repeat([]int{1000}, 10)) {
		t.Errorf("cifar10: %v %v", test.Classes(), labelCounts(t, test))
	}
	svhn := open(t, sharedData(t, "svhn.tar.zst"), Options{})
	if want := []int{684, 1968, 1590, 1104, 964, 909, 773, 767, 621, 620}; !slices.Equal(labelCounts(t, svhn), want) {
		t.Errorf("svhn: %v, want %v", labelCounts(t, svhn), want)
	}
	hundred := open(t, sharedData(t, "cifar100.tar.zst")+"#test/", Options{})
	if !slices.Equal(hundred.Classes(), cifar100.names) || hundred.Len() != 10000 {
		t.Errorf("cifar100: %d, %v", hundred.Len(), hundred.Classes())
	}
	large := open(t, sharedData(t, "large224.tar.zst")+"#id_test", Options{Transform: Transform{Short: 256, Crop: 224}})
	if h, w := large.Size(); h != 224 || w != 224 || large.Len() != 80 || len(large.Classes()) != 10 {
		t.Errorf("large224: %d of %dx%d, %v", large.Len(), w, h, large.Classes())
	}
}

// Tier A of the auxiliary classes: 59 classes of 345 pictures.
func TestAuxiliaryTier(t *testing.T) {
	if testing.Short() {
		t.Skip("reads 34,000 pictures; not with -short")
	}
	aux := open(t, sharedData(t, "aux.tar.zst"), Options{Train: true})
	tier, err := FilterClasses(aux, sharedData(t, "aux_classes.json"))
	must(t, err)
	if aux.Len() != 33985 || len(aux.Classes()) != 106 || !slices.Equal(labelCounts(t, tier), slices.Repeat([]int{345}, 59)) {
		t.Errorf("%d of %d classes, tier A %v", aux.Len(), len(aux.Classes()), labelCounts(t, tier))
	}
}

// sharedPictures decodes all pictures of an archive, by their path below its top
// folder and without extension.
func sharedPictures(t *testing.T, archive string, wanted func(name string) bool) map[string]Image {
	t.Helper()
	src := tarTree{sharedData(t, archive)}
	entries, err := src.list(t.Context())
	must(t, err)
	want := map[string]int{}
	var names []string
	for _, e := range entries {
		_, name, _ := strings.Cut(strings.TrimSuffix(e.path, path.Ext(e.path)), "/")
		if IsImageName(e.path) && wanted(name) {
			want[e.path] = len(names)
			names = append(names, name)
		}
	}
	parts, err := readParts(t.Context(), src, want, maxFileBytes)
	must(t, err)
	pictures := map[string]Image{}
	for i, data := range parts {
		pictures[names[i]], err = Decode(data)
		must(t, err)
	}
	return pictures
}

// The 24 originals, decoded, resized and cropped here, against what Pillow made
// of them. The resize is Pillow's bit for bit, and so are the upsampling and the
// colours (decode_test.go). What is left is the inverse DCT: libjpeg-turbo's
// (jidctint.c) and the standard library's round their constants and
// intermediate results differently, so some samples of a plane differ by one.
// In the shrunk pictures no byte differs by more than one, and two of a hundred
// do: 0.02 on average, where rounding to bytes alone costs 0.25.
func TestOriginalsAgainstPillow(t *testing.T) {
	originals := sharedPictures(t, "dtd-originals.tar.zst", func(string) bool { return true })
	small := sharedPictures(t, "dtd32.tar.zst", func(name string) bool { return originals[name].Width > 0 })
	if len(originals) != 24 || len(small) != 24 {
		t.Fatalf("%d originals, %d shrunk", len(originals), len(small))
	}
	var total float64
	for name, original := range originals {
		most, mean, share := difference(t, ResizeCrop(32).Apply(original), small[name])
		total += mean / 24
		if most > 1 || share > 0.035 {
			t.Errorf("%s: largest difference %d, mean %.4f, %.1f %% of the bytes differ", name, most, mean, 100*share)
		}
	}
	t.Logf("largest difference 1, mean %.4f", total)
	if total > 0.025 {
		t.Errorf("the mean difference is %.4f", total)
	}
}
