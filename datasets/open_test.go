package datasets

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// dataFolders makes the three places in which sets are looked for by name.
func dataFolders(t *testing.T) (root, env, cache string) {
	t.Helper()
	root, env = t.TempDir(), t.TempDir()
	t.Setenv("GRADGRAD_DATA", env)
	for _, variable := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(variable, t.TempDir())
	}
	user, err := os.UserCacheDir()
	must(t, err)
	return root, env, filepath.Join(user, "gradgrad")
}

func TestNamesAreLookedForInOrder(t *testing.T) {
	root, env, cache := dataFolders(t)
	wantError(t, "svhn", Options{Root: root}, "test_32x32.mat", "svhn.mat", root, env, cache, "give a path")
	set := func(value uint8) files { return files{"mine/a/1.png": plainPNG(t, 2, 2, value)} }
	for _, step := range []struct {
		dir   string
		value uint8
		want  string
	}{{cache, 3, "03:0"}, {env, 2, "02:0"}, {root, 1, "01:0"}} {
		set(step.value).writeTo(t, step.dir)
		s := open(t, "mine", Options{Root: root})
		if got := summary(t, s); got != step.want || s.Name() != "mine" {
			t.Errorf("%s: %s, want %s", s.Name(), got, step.want)
		}
	}
	wantError(t, "yours", Options{Root: root}, "yours.tar.zst", "not a path", "cifar10, cifar100, svhn")
	wantError(t, "no/such", Options{Root: root}, "no file or folder no/such")
	wantError(t, "", Options{Root: root}, "no name or path")
}

func TestOfficialNames(t *testing.T) {
	root, _, _ := dataFolders(t)
	picture := plainPNG(t, 2, 2, 7)
	mat, err := os.ReadFile("testdata/scipy/compressed.mat")
	must(t, err)
	cifarFixture().writeTo(t, root)
	files{
		"cifar-100-binary.tar.gz":  gzipped(t, files{"cifar-100-binary/test.bin": cifarRecord(3, 0, 4)}.tar(t)),
		"test_32x32.mat":           mat,
		"dtd-r1.0.1.tar.gz":        gzipped(t, files{"dtd/images/a/1.png": picture, "dtd/images/b/1.png": picture, "dtd/labels/x.txt": nil}.tar(t)),
		"test_256.tar":             files{"test_256/1.png": picture}.tar(t),
		"LSUN/test/1.png":          picture,
		"LSUN_resize.tar.gz":       gzipped(t, files{"LSUN_resize/LSUN_resize/1.png": picture}.tar(t)),
		"iSUN/iSUN_patches/1.png":  picture,
		"iNaturalist/images/1.png": picture,
		"SUN/images/1.png":         picture,
		"Places/images/1.png":      picture,
	}.writeTo(t, root)
	copyOfficial(t, root, "300K_random_images.npy", "tiny_images.bin", "80mn_cifar_idxs.txt")
	id, aux, err := ImageNetSplit(100)
	must(t, err)
	for _, class := range append(id, aux[:2]...) {
		files{"imagenet/val/" + class + "/ILSVRC2012_val_00000001.JPEG": picture}.writeTo(t, root)
	}
	images := map[string]int{"svhn": 12, "textures": 2, "300k": 5, "tinyimages": 3, "tinyimages-all": 5,
		"imagenet": 102, "imagenet10": 10, "imagenet20": 20, "imagenet50": 50, "imagenet100": 100,
		"imagenet10-aux": 92, "imagenet20-aux": 82, "imagenet50-aux": 52, "imagenet100-aux": 2}
	for _, name := range Known() {
		s := open(t, name, Options{Root: root})
		if want := max(images[name], 1); s.Name() != name || s.Len() != want {
			t.Errorf("%s: %s of %d images, want %d", name, s.Name(), s.Len(), want)
		}
	}
}

// lsun-c is cut from the centre, as GReg and DOS do it, unless a transform is
// asked for.
func TestLSUNCropIsCut(t *testing.T) {
	root, _, _ := dataFolders(t)
	m := newImage(6, 6)
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 3)
	}
	picture := encodePNG(t, asRGBA(m))
	files{"LSUN/test/1.png": picture}.writeTo(t, root)
	if got := summary(t, open(t, "lsun-c", Options{Root: root, Size: 4})); got != "07:0" {
		t.Errorf("cut: %s", got)
	}
	resized := summary(t, open(t, "lsun-c", Options{Root: root, Transform: ResizeCrop(4)}))
	if want := summary(t, open(t, "x="+root+"/LSUN", Options{Size: 4})); resized != want || resized == "07:0" {
		t.Errorf("resized: %s, want %s", resized, want)
	}
}

func TestSpecs(t *testing.T) {
	dir := t.TempDir()
	mat, err := os.ReadFile("testdata/scipy/compressed.mat")
	must(t, err)
	picture := plainPNG(t, 2, 2, 7)
	files{
		"a.b.tar.zst":    zstandard(t, files{"x/1.png": picture, "y/z/1.png": picture}.tar(t)),
		"svhn-2000.mat":  mat,
		"odd#name/1.png": picture,
		"k=v/1.png":      picture,
		"plain/in/1.png": picture,
		"notes.txt":      []byte(strings.Repeat("text ", 200)),
		"empty.tar.gz":   nil,
		"short.bin":      []byte("x"),
	}.writeTo(t, dir)
	t.Chdir(dir)
	for spec, key := range map[string]string{
		"a.b.tar.zst": "a.b", "a.b.tar.zst#y": "a.b", "key-1=a.b.tar.zst#y/z": "key-1", "./svhn-2000.mat": "svhn-2000",
		"odd#name": "odd#name", "k=v": "k=v", "q=k=v": "q", "plain/": "plain", "plain/in": "in", "p=" + dir + "/plain": "p",
	} {
		if s := open(t, spec, Options{}); s.Name() != key {
			t.Errorf("%s is named %s, want %s", spec, s.Name(), key)
		}
		if got := NameOf(spec); got != key {
			t.Errorf("%s will be named %s, want %s", spec, got, key)
		}
	}
	wantError(t, "notes.txt", Options{}, "notes.txt", "no format")
	wantError(t, "empty.tar.gz", Options{}, "empty.tar.gz", "is empty")
	wantError(t, "short.bin", Options{}, "no format")
	wantError(t, "svhn-2000.mat#x", Options{}, "not a folder")
	wantError(t, "plain#", Options{}, "names no folder")
	wantError(t, "plain#../x", Options{}, "no folder")
}

func TestLinkLoop(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Symlink("b", "a"); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	must(t, os.Symlink("a", "b"))
	wantError(t, "a", Options{}, "a is a link that cannot be followed")
}

func TestNoPermission(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	file := writeFile(t, "a.tar", pictureTree(t).tar(t))
	must(t, os.Chmod(file, 0))
	wantError(t, file, Options{}, "permission denied")
}

func TestMisusePanics(t *testing.T) {
	s := NewMemory("m", []string{"a"}, 1, 1, []uint8{1, 2, 3}, nil)
	for name, f := range map[string]func(){
		"negative size": func() { Open(t.Context(), "x", Options{Size: -1}) },
		"no image":      func() { s.Read(1, make([]uint8, 3)) },
		"short buffer":  func() { s.Read(0, make([]uint8, 2)) },
		"subset":        func() { Subset(s, []int{0, 1}) },
		"pixels":        func() { NewMemory("m", nil, 1, 1, make([]uint8, 4), nil) },
		"size":          func() { NewMemory("m", nil, 0, 1, nil, nil) },
		"labels":        func() { NewMemory("m", nil, 1, 1, make([]uint8, 3), []int{1, 2}) },
		"label":         func() { NewMemory("m", []string{"a"}, 1, 1, make([]uint8, 3), []int{1}) },
		"resize":        func() { (Image{}).Resize(1, 1) },
		"transform":     func() { Transform{Crop: -1}.Apply(pillowNoise()) },
	} {
		func() {
			defer func() {
				if e, ok := recover().(*MisuseError); !ok || e.Error() == "" {
					t.Errorf("%s: no MisuseError", name)
				}
			}()
			f()
		}()
	}
}

func TestKnownNamesAreUnique(t *testing.T) {
	names := Known()
	slices.Sort(names)
	if len(slices.Compact(names)) != len(knownSets) {
		t.Errorf("%v", names)
	}
}
