package datasets

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The classes of GReg's file imagenetIdClassAndIndex20.
func TestImageNetSplit(t *testing.T) {
	want := strings.Fields(`n02396427 n04141975 n02834397 n02111277 n03534580 n01877812 n02837789 n01443537 n02114367 n03857828
		n02397096 n01514668 n03888257 n04579145 n01742172 n02165456 n03840681 n04019541 n03873416 n04208210`)
	for _, k := range []int{10, 20} {
		id, aux, err := ImageNetSplit(k)
		if err != nil || !slices.Equal(id, want[:k]) || len(aux) != 1000-k {
			t.Errorf("%d: %v, %d others, %v", k, id, len(aux), err)
		}
		both := slices.Sorted(slices.Values(append(slices.Clone(id), aux...)))
		if !slices.Equal(both, imageNetClasses) {
			t.Errorf("%d: the parts are not the whole", k)
		}
	}
	for i, label := range map[int]int{342: 0, 778: 1, 443: 2, 256: 3, 601: 4, 104: 5, 445: 6, 1: 7, 269: 8, 688: 9} {
		if imageNetClasses[i] != want[label] {
			t.Errorf("class %d is %s, want %s", i, imageNetClasses[i], want[label])
		}
	}
	if len(imageNetClasses) != 1000 || !slices.IsSorted(imageNetClasses) {
		t.Errorf("%d classes", len(imageNetClasses))
	}
	for _, k := range []int{0, -1, 1000} {
		if _, _, err := ImageNetSplit(k); err == nil {
			t.Errorf("%d in-distribution classes were drawn", k)
		}
	}
}

// imageNetLike holds one picture of each class of the split of 10 in train, two
// in val, and two of other classes.
func imageNetLike(t testing.TB) files {
	id, aux, err := ImageNetSplit(10)
	must(t, err)
	f := files{}
	for i, class := range append(id[:10:10], aux[0], aux[5]) {
		picture := plainPNG(t, 4, 4, uint8(i))
		f["imagenet/train/"+class+"/"+class+"_7.JPEG"] = picture
		f["imagenet/val/"+class+"/ILSVRC2012_val_00000001.JPEG"] = picture
		f["imagenet/val/"+class+"/ILSVRC2012_val_00000002.JPEG"] = picture
	}
	return f
}

func TestImageNetFolders(t *testing.T) {
	root := imageNetLike(t).writeTo(t, t.TempDir())
	id, aux, err := ImageNetSplit(10)
	must(t, err)
	train := open(t, "imagenet10", Options{Root: root, Train: true})
	if got := summary(t, train); got != "00:0 01:1 02:2 03:3 04:4 05:5 06:6 07:7 08:8 09:9" || !slices.Equal(train.Classes(), id) || train.Name() != "imagenet10" {
		t.Errorf("%s: %s, %v", train.Name(), got, train.Classes())
	}
	if got := open(t, "imagenet10", Options{Root: root}).Len(); got != 20 {
		t.Errorf("test: %d images", got)
	}
	rest := open(t, "imagenet10-aux", Options{Root: root, Train: true})
	if got := summary(t, rest); got != "0a:0 0b:5" || !slices.Equal(rest.Classes(), aux) {
		t.Errorf("%s", got)
	}
	if got := open(t, "x="+root+"/imagenet#id=10", Options{Train: true}).Len(); got != 10 {
		t.Errorf("by path: %d images", got)
	}
	whole := open(t, "imagenet", Options{Root: root, Train: true})
	if whole.Len() != 12 || len(whole.Classes()) != 12 || !slices.IsSorted(whole.Classes()) {
		t.Errorf("whole: %d images, classes %v", whole.Len(), whole.Classes())
	}
	if h, w := open(t, "imagenet10", Options{Root: root, Size: 224}).Size(); h != 224 || w != 224 {
		t.Errorf("%dx%d", w, h)
	}
	wantError(t, "imagenet20", Options{Root: root}, "no pictures of class n01514668 (label 11 of 20)")
	wantError(t, "x="+root+"/imagenet#id=1000", Options{}, "1000 in-distribution classes")
	wantError(t, "x="+root+"/imagenet#id=10#aux=10", Options{}, "exclude each other")
	other := files{"imagenet/val/cats/1.jpg": plainPNG(t, 4, 4, 1), "imagenet/val/dogs/1.jpg": plainPNG(t, 4, 4, 1)}.writeTo(t, t.TempDir())
	wantError(t, "imagenet10", Options{Root: other}, "cats is no class of ImageNet-1k")
}

// The validation pictures as they are published: in one folder, with Kaggle's
// list of their classes.
func TestImageNetFlatValidation(t *testing.T) {
	id, aux, err := ImageNetSplit(10)
	must(t, err)
	f, list := files{}, "ImageId,PredictionString\n"
	for i, class := range append(slices.Clone(id), aux[0]) {
		name := fmt.Sprintf("ILSVRC2012_val_%08d", 11-i)
		f["CLS-LOC/val/"+name+".JPEG"] = plainPNG(t, 4, 4, uint8(i))
		list += name + "," + class + " 1 2 3 4 " + class + " 5 6 7 8 \n"
	}
	bare := f.writeTo(t, t.TempDir())
	wantError(t, bare+"/CLS-LOC#id=10", Options{}, "not sorted into a folder for each class", "LOC_val_solution.csv")
	f["LOC_val_solution.csv"] = []byte(list)
	dir := f.writeTo(t, t.TempDir())
	if got := summary(t, open(t, dir+"/CLS-LOC#id=10", Options{})); got != "00:0 01:1 02:2 03:3 04:4 05:5 06:6 07:7 08:8 09:9" {
		t.Error(got)
	}
	f["CLS-LOC/val/ILSVRC2012_val_00000099.JPEG"] = plainPNG(t, 4, 4, 1)
	wantError(t, f.writeTo(t, t.TempDir())+"/CLS-LOC#id=10", Options{}, "does not tell the class", "00000099")
}
