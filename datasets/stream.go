package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// randomTree is a tree whose files can be read one by one, by several
// goroutines at once.
type randomTree interface {
	tree
	readOne(name string, limit int64) ([]byte, error)
}

// ErrCompressed is wrapped by the error of [Open] for a compressed archive whose
// pictures are to stay in it (Options.Stream).
var ErrCompressed = errors.New("pictures in a compressed archive cannot be read one by one: unpack it, or pack it with tar alone")

// streamed is a Set of pictures that stay in their files until they are read.
type streamed struct {
	name          string
	src           randomTree
	layout        layout
	transform     Transform
	height, width int
	listing       string // the digest
}

func streamPictures(ctx context.Context, name string, t tree, l layout, entries []entry, o Options) (Set, error) {
	src, ok := asRandom(t)
	if !ok {
		return nil, ErrCompressed
	}
	s := &streamed{name: name, src: src, layout: l, transform: o.transform()}
	d := &decoding{src: t, layout: l, o: o}
	if err := d.chooseSize(ctx); err != nil {
		return nil, err
	}
	s.height, s.width = d.height, d.width
	if s.height < 1 || s.width < 1 {
		return nil, fmt.Errorf("images of %dx%d pixels", s.width, s.height)
	}
	s.listing = s.list(entries)
	if o.Progress != nil {
		o.Progress(s.Len(), s.Len())
	}
	return s, ctx.Err()
}

// asRandom sees through sub-trees.
func asRandom(t tree) (randomTree, bool) {
	if sub, ok := t.(subTree); ok {
		inner, ok := asRandom(sub.tree)
		return randomSub{sub, inner}, ok
	}
	r, ok := t.(randomTree)
	return r, ok
}

type randomSub struct {
	subTree
	inner randomTree
}

func (s randomSub) readOne(name string, limit int64) ([]byte, error) {
	return s.inner.readOne(s.sub+"/"+name, limit)
}

// list identifies the set by the names, lengths and labels of its files.
func (s *streamed) list(entries []entry) string {
	sizes := make(map[string]int64, len(entries))
	for _, e := range entries {
		sizes[e.path] = e.size
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%v %d %d %q\n", s.transform, s.height, s.width, s.layout.classes)
	for _, p := range s.layout.picks {
		fmt.Fprintf(sum, "%s\t%d\t%d\n", p.path, sizes[p.path], p.label)
	}
	return "files:" + hex.EncodeToString(sum.Sum(nil))
}

func (s *streamed) Name() string              { return s.name }
func (s *streamed) Len() int                  { return len(s.layout.picks) }
func (s *streamed) Size() (height, width int) { return s.height, s.width }
func (s *streamed) Classes() []string         { return s.layout.classes }
func (s *streamed) Digest() (string, error)   { return s.listing, nil }
func (s *streamed) coarse() bool              { return true }
func (s *streamed) Label(i int) (int, error)  { return s.layout.picks[i].label, nil }

func (s *streamed) Close() error {
	if c, ok := s.src.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

func (s *streamed) Picture(i int) (Image, int, error) {
	p := s.layout.picks[i]
	data, err := s.src.readOne(p.path, maxFileBytes)
	if err != nil {
		return Image{}, p.label, s.bad(p, err)
	}
	m, err := Decode(data)
	if err != nil {
		return Image{}, p.label, s.bad(p, err)
	}
	return m, p.label, nil
}

func (s *streamed) bad(p pick, err error) error {
	return fmt.Errorf("the picture %s of %s cannot be read: %w (replace or remove it)", p.path, s.src.where(), err)
}

func (s *streamed) Read(i int, dst []uint8) (label int, err error) {
	n := 3 * s.height * s.width
	if i < 0 || i >= s.Len() || len(dst) < n {
		panic(&MisuseError{Op: "Read", Detail: fmt.Sprintf("image %d of %d into %d bytes; an image has %d", i, s.Len(), len(dst), n)})
	}
	m, label, err := s.Picture(i)
	if err != nil {
		return label, err
	}
	out := s.transform.Apply(m)
	if out.Width != s.width || out.Height != s.height {
		return label, s.bad(s.layout.picks[i], fmt.Errorf("it is %dx%d pixels where the first picture is %dx%d: ask for one size (Options.Size)",
			out.Width, out.Height, s.width, s.height))
	}
	copy(dst, out.Pix)
	return label, nil
}
