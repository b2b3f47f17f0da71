package datasets

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// pictureTree is two classes in two splits; the grey values tell them apart.
func pictureTree(t testing.TB) files {
	return files{
		"set/train/cat/b.png":      plainPNG(t, 4, 4, 2),
		"set/train/cat/a.PNG":      plainPNG(t, 4, 4, 1),
		"set/train/cat/more/0.png": plainPNG(t, 4, 4, 3),
		"set/train/ant/z.png":      plainPNG(t, 4, 4, 4),
		"set/train/ant/._z.png":    []byte("not a picture"),
		"set/test/cat/a.png":       plainPNG(t, 4, 4, 11),
		"set/test/ant/a.png":       plainPNG(t, 4, 4, 12),
		"set/test/labels.csv":      []byte("a,b"),
		"set/readme.txt":           []byte("hello"),
		"__MACOSX/set/a.png":       []byte("not a picture"),
	}
}

func TestClassFolders(t *testing.T) {
	f := pictureTree(t)
	packed := f.tar(t)
	for name, spec := range map[string]string{
		"folder":  f.writeTo(t, t.TempDir()),
		"tar":     writeFile(t, "p.tar", packed),
		"tar.gz":  writeFile(t, "p.tar.gz", gzipped(t, packed)),
		"tar.zst": writeFile(t, "p.tar.zst", zstandard(t, packed)),
	} {
		t.Run(name, func(t *testing.T) {
			train := open(t, spec, Options{Train: true})
			if got, want := summary(t, train), "04:0 01:1 02:1 03:1"; got != want {
				t.Errorf("train: %s, want %s", got, want)
			}
			if !slices.Equal(train.Classes(), []string{"ant", "cat"}) {
				t.Errorf("classes %v", train.Classes())
			}
			for _, spec := range []string{spec, spec + "#set/test", spec + "#/set/test/"} {
				s := open(t, spec, Options{Size: 2})
				if h, w := s.Size(); summary(t, s) != "0c:0 0b:1" || h != 2 || w != 2 {
					t.Errorf("%s: %s, %dx%d", spec, summary(t, s), h, w)
				}
			}
			wantError(t, spec+"#set/train/cat", Options{}, "both pictures and folders of pictures", "more")
		})
	}
}

func TestLayouts(t *testing.T) {
	for name, c := range map[string]struct {
		files   string
		train   bool
		whole   bool
		classes string
		picks   string
		err     string
	}{
		"flat":               {files: "b.png a.jpg notes.txt", picks: "a.jpg:-1 b.png:-1"},
		"one class":          {files: "x/1.png x/2.png", classes: "x", picks: "x/1.png:0 x/2.png:0"},
		"wrapped class":      {files: "places/x/1.png", classes: "x", picks: "places/x/1.png:0"},
		"dtd":                {files: "dtd/images/b/1.jpg dtd/images/a/1.jpg dtd/labels/l.txt dtd/imdb/", classes: "a b", picks: "dtd/images/a/1.jpg:0 dtd/images/b/1.jpg:1"},
		"train alone":        {files: "train/a/1.png", classes: "a", picks: "train/a/1.png:0"},
		"test":               {files: "train/a/1.png test/a/2.png", classes: "a", picks: "test/a/2.png:0"},
		"train":              {files: "train/a/1.png test/a/2.png", train: true, classes: "a", picks: "train/a/1.png:0"},
		"val":                {files: "w/train/a/1.png w/val/a/2.png", classes: "a", picks: "w/val/a/2.png:0"},
		"flat splits":        {files: "train/1.png test/2.png", picks: "test/2.png:-1"},
		"not only splits":    {files: "train/1.png test/2.png car/3.png", classes: "car test train", picks: "car/3.png:0 test/2.png:1 train/1.png:2"},
		"whole":              {files: "train/a/1.png test/a/2.png", whole: true, classes: "test train", picks: "test/a/2.png:0 train/a/1.png:1"},
		"folders then names": {files: "c/z.png c/b/1.png c/b-/1.png", classes: "c", picks: "c/z.png:0 c/b/1.png:0 c/b-/1.png:0"},
		"empty class":        {files: "a/1.png b/ c/2.png", err: "class folder b holds no picture"},
		"mixed":              {files: "1.png a/1.png", err: "both pictures and folders"},
		"nothing":            {files: "a/notes.txt", err: "no pictures"},
		"twice":              {files: "a/1.png a/1.png", err: "twice"},
	} {
		var entries []entry
		for _, p := range strings.Fields(c.files) {
			entries = append(entries, entry{path: strings.TrimSuffix(p, "/"), dir: strings.HasSuffix(p, "/")})
		}
		l, err := arrange(entries, c.train, c.whole)
		if c.err != "" || err != nil {
			if c.err == "" || err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v, want %q", name, err, c.err)
			}
			continue
		}
		var picks []string
		for _, p := range l.picks {
			picks = append(picks, fmt.Sprintf("%s:%d", p.path, p.label))
		}
		if got := strings.Join(picks, " "); got != c.picks || strings.Join(l.classes, " ") != c.classes {
			t.Errorf("%s: %v %s", name, l.classes, got)
		}
	}
}

func TestFolderErrors(t *testing.T) {
	f := pictureTree(t)
	f["set/test/cat/bad.png"] = []byte("\x89PNG\r\n\x1a\n nothing")
	f["set/test/cat/worse.jpg"] = nil
	for _, spec := range []string{f.writeTo(t, t.TempDir()), writeFile(t, "p.tar", f.tar(t))} {
		for _, size := range []int{0, 4} {
			o := Options{Size: size}
			wantError(t, spec, o, "data set ", "the picture set/test/cat/", "cannot be read", "remove it")
			var skipped []string
			o.SkipBad = func(path string, err error) { skipped = append(skipped, path) }
			if got, want := summary(t, open(t, spec, o)), "0c:0 0b:1"; got != want {
				t.Errorf("%s, want %s", got, want)
			}
			if !slices.Equal(skipped, []string{"set/test/cat/bad.png", "set/test/cat/worse.jpg"}) {
				t.Errorf("skipped %v", skipped)
			}
			wantError(t, spec+"#set/none", o, "no folder set/none", "set/")
		}
	}
	bad := files{"a.png": nil, "b.webp": []byte("RIFF")}.writeTo(t, t.TempDir())
	wantError(t, bad, Options{Size: 4, SkipBad: func(string, error) {}}, "none of its 2 pictures", "a.png", "empty")
	wantError(t, bad, Options{SkipBad: func(string, error) {}}, "a.png", "empty")
	wantError(t, files{"b.webp": []byte("RIFF")}.writeTo(t, t.TempDir()), Options{}, "b.webp", "not JPEG")
	wantError(t, t.TempDir(), Options{}, "no pictures", "nothing")
	mixed := files{"a.png": plainPNG(t, 4, 4, 1), "b.png": plainPNG(t, 5, 4, 1)}.writeTo(t, t.TempDir())
	wantError(t, mixed, Options{}, "b.png", "5x4", "4x4", "Size")
	wantError(t, mixed, Options{Size: 8, MaxBytes: 300}, "2 images of 8x8", "smaller size")
}

// The first bad file in reading order is the one that is named, however the
// work falls on the cores, and the pixels are the same.
func TestLoadingDoesNotDependOnCores(t *testing.T) {
	f := files{}
	for i := range 200 {
		f[fmt.Sprintf("%d/%03d.png", i%3, i)] = plainPNG(t, 4+i%5, 4+i%3, uint8(i))
	}
	good := f.writeTo(t, t.TempDir())
	for i := 50; i < 200; i++ {
		f[fmt.Sprintf("%d/%03d.png", i%3, i)] = []byte("bad")
	}
	bad := f.writeTo(t, t.TempDir())
	digests, messages := map[string]bool{}, map[string]bool{}
	for _, cores := range []int{1, 2, 7} {
		before := runtime.GOMAXPROCS(cores)
		digest, err := open(t, good, Options{Size: 3}).Digest()
		must(t, err)
		digests[digest] = true
		for range 5 {
			_, err = Open(t.Context(), bad, Options{Size: 3})
			messages[err.Error()] = true
		}
		runtime.GOMAXPROCS(before)
	}
	if len(digests) != 1 || len(messages) != 1 {
		t.Errorf("%d digests, messages %v", len(digests), messages)
	}
}

func TestCancelAndProgress(t *testing.T) {
	f := files{}
	for i := range 40 {
		f[fmt.Sprintf("%03d.png", i)] = plainPNG(t, 4, 4, uint8(i))
	}
	for _, spec := range []string{f.writeTo(t, t.TempDir()), writeFile(t, "p.tar.zst", zstandard(t, f.tar(t)))} {
		last := 0
		open(t, spec, Options{Progress: func(done, total int) {
			if done != last+1 || total != 40 {
				t.Errorf("progress %d of %d after %d", done, total, last)
			}
			last = done
		}})
		if last != 40 {
			t.Errorf("progress ended at %d", last)
		}
		ctx, cancel := context.WithCancel(t.Context())
		_, err := Open(ctx, spec, Options{Progress: func(done, total int) {
			if done == 5 {
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		_, err = Open(ctx, spec, Options{})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before: %v", err)
		}
	}
}

func TestFolderFollowsLinks(t *testing.T) {
	dir := files{"real/a/1.png": plainPNG(t, 2, 2, 1), "set/b/2.png": plainPNG(t, 2, 2, 2)}.writeTo(t, t.TempDir())
	if err := os.Symlink(filepath.Join(dir, "real", "a"), filepath.Join(dir, "set", "a")); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if got, want := summary(t, open(t, dir+"/set", Options{})), "01:0 02:1"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	must(t, os.Symlink(dir, filepath.Join(dir, "set", "b", "loop")))
	wantError(t, dir+"/set", Options{}, "folders deep")
}

func TestArchiveErrors(t *testing.T) {
	packed := pictureTree(t).tar(t)
	for name, data := range map[string][]byte{
		"cut.tar":     packed[:len(packed)/2+100],
		"cut.tar.gz":  gzipped(t, packed)[:200],
		"tail.tar.gz": gzipped(t, packed)[:len(gzipped(t, packed))-6],
		"cut.tar.zst": zstandard(t, packed)[:200],
	} {
		wantError(t, writeFile(t, name, data), Options{}, name, "cut off")
	}
	wrong := gzipped(t, packed)
	wrong[len(wrong)-8] ^= 1
	wantError(t, writeFile(t, "sum.tar.gz", wrong), Options{}, "checksum")
	wantError(t, writeFile(t, "zip.tar.gz", gzipped(t, []byte("no archive at all"))), Options{}, "zip.tar.gz")

	var linked bytes.Buffer
	w := tar.NewWriter(&linked)
	must(t, w.WriteHeader(&tar.Header{Name: "a/1.png", Linkname: "a/0.png", Typeflag: tar.TypeLink}))
	must(t, w.Close())
	wantError(t, writeFile(t, "links.tar", linked.Bytes()), Options{}, "a/1.png is a link")

	bomb := zstandard(t, make([]byte, expansionSlack+64<<20))
	wantError(t, writeFile(t, "bomb.tar.zst", bomb), Options{}, "unpacks to more than")

	picture := plainPNG(t, 2, 2, 5)
	up := packInOrder(t, []string{"../../a/../b/1.png"}, files{"../../a/../b/1.png": picture})
	if s := open(t, writeFile(t, "up.tar", up), Options{}); summary(t, s) != "05:0" || s.Classes()[0] != "b" {
		t.Errorf("%v %s", s.Classes(), summary(t, s))
	}

	for _, name := range []string{strings.Repeat("a/", 40) + "1.png", strings.Repeat("a", 5000) + ".png"} {
		long := packInOrder(t, []string{name}, files{name: picture})
		wantError(t, writeFile(t, "long.tar", long), Options{}, "folders deep")
	}

	// tar keeps both when a file is added again.
	f := files{"./test_batch.bin": cifarRecord(1, 1), "./batches.meta.txt": []byte("a b"), "./x/1.png": picture}
	twice := packInOrder(t, []string{"./test_batch.bin", "./test_batch.bin", "./batches.meta.txt"}, f)
	wantError(t, writeFile(t, "twice.tar", twice), Options{}, "test_batch.bin is in it twice")
	names := packInOrder(t, []string{"./batches.meta.txt", "./batches.meta.txt", "./test_batch.bin"}, f)
	if got := summary(t, open(t, writeFile(t, "names.tar", names), Options{})); got != "01:1" {
		t.Errorf("class names twice: %s", got)
	}
	again := packInOrder(t, []string{"./x/1.png", "x/1.png"}, files{"./x/1.png": picture, "x/1.png": picture})
	wantError(t, writeFile(t, "again.tar", again), Options{}, "x/1.png is in it twice")
}

// packInOrder packs files, some perhaps twice, as tar appends them.
func packInOrder(t *testing.T, names []string, f files) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		must(t, w.WriteHeader(&tar.Header{Name: name, Size: int64(len(f[name])), Typeflag: tar.TypeReg}))
		_, err := w.Write(f[name])
		must(t, err)
	}
	must(t, w.Close())
	return b.Bytes()
}
