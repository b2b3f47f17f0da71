package datasets

import (
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	// maxFileBytes is the longest picture file that is read.
	maxFileBytes = 64 << 20
	// pixelsInFlight bounds what all cores decode at one time.
	pixelsInFlight = 2 * maxPixels
)

// decoding turns the pictures of a layout into one block of memory.
type decoding struct {
	src           tree
	layout        layout
	o             Options
	height, width int
	pixels        []uint8
	room          *semaphore.Weighted

	mu   sync.Mutex
	done int
	bad  map[int]badPicture // by number in the layout
}

// badPicture remembers when a file that cannot be used was handed out: the
// earliest is the one that is reported, whichever core was faster.
type badPicture struct {
	turn int
	err  error
}

// loadImages reads and decodes all pictures on all cores. The result depends
// neither on their number nor on which picture is ready first.
func loadImages(ctx context.Context, name string, src tree, l layout, o Options) (*Memory, error) {
	d := &decoding{src: src, layout: l, o: o, room: semaphore.NewWeighted(pixelsInFlight), bad: map[int]badPicture{}}
	if err := d.chooseSize(ctx); err != nil {
		return nil, err
	}
	if err := o.checkTotal(len(l.picks), d.height, d.width); err != nil {
		return nil, err
	}
	d.pixels = make([]uint8, len(l.picks)*d.stride())
	if err := d.decodeAll(ctx); err != nil {
		return nil, err
	}
	return d.finish(name)
}

func (d *decoding) stride() int { return 3 * d.height * d.width }

func (d *decoding) want() map[string]int {
	want := make(map[string]int, len(d.layout.picks))
	for i, p := range d.layout.picks {
		want[p.path] = i
	}
	return want
}

func (d *decoding) badFile(i int, err error) error {
	return fmt.Errorf("the picture %s cannot be read: %w", d.layout.picks[i].path, err)
}

// chooseSize finds the height and width of the set: what Options say, or else
// the size of the first picture whose header can be read.
func (d *decoding) chooseSize(ctx context.Context) error {
	t := d.o.transform()
	if t.Crop > 0 {
		d.height, d.width = t.Crop, t.Crop
		return nil
	}
	var first error
	err := d.src.read(ctx, d.want(), maxFileBytes, func(i int, open opener) error {
		w, h, err := sizeOf(open)
		if err == nil {
			d.width, d.height = t.resized(w, h)
			return errStop
		}
		if first == nil {
			first = d.badFile(i, err)
		}
		if d.o.SkipBad == nil {
			return fmt.Errorf("%w (replace or remove it)", first)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if d.width == 0 {
		return fmt.Errorf("none of its %d pictures can be read: %w", len(d.layout.picks), first)
	}
	return nil
}

func sizeOf(open opener) (w, h int, err error) {
	data, err := open()
	if err != nil {
		return 0, 0, err
	}
	return imageSize(data)
}

// job is one picture to decode.
type job struct {
	number, turn int
	open         opener
}

func (d *decoding) decodeAll(ctx context.Context) error {
	jobs := make(chan job)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for j := range jobs {
				d.report(j, d.decode(ctx, j))
			}
		})
	}
	turn := 0
	err := d.src.read(ctx, d.want(), maxFileBytes, func(i int, open opener) error {
		if d.failed() {
			return errStop
		}
		turn++
		select {
		case jobs <- job{i, turn, open}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	close(jobs)
	workers.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if d.failed() {
		worst := slices.MinFunc(slices.Collect(maps.Values(d.bad)), func(a, b badPicture) int { return a.turn - b.turn })
		return fmt.Errorf("%w (replace or remove it)", worst.err)
	}
	return err
}

// failed tells that a picture is bad and that nobody wants to go on without it.
func (d *decoding) failed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.o.SkipBad == nil && len(d.bad) > 0
}

func (d *decoding) report(j job, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.done++
	if err != nil {
		d.bad[j.number] = badPicture{j.turn, d.badFile(j.number, err)}
	}
	if d.o.Progress != nil {
		d.o.Progress(d.done, len(d.layout.picks))
	}
}

func (d *decoding) decode(ctx context.Context, j job) error {
	data, err := j.open()
	if err != nil {
		return err
	}
	w, h, err := imageSize(data)
	if err != nil {
		return err
	}
	if err := d.room.Acquire(ctx, int64(w*h)); err != nil {
		return err
	}
	defer d.room.Release(int64(w * h))
	t := d.o.transform()
	if t.Crop == 0 {
		if rw, rh := t.resized(w, h); rw != d.width || rh != d.height {
			return fmt.Errorf("it is %dx%d pixels where the first picture is %dx%d: ask for one size (Options.Size)", rw, rh, d.width, d.height)
		}
	}
	m, err := Decode(data)
	if err != nil {
		return err
	}
	copy(d.pixels[j.number*d.stride():][:d.stride()], t.Apply(m).Pix)
	return nil
}

// finish closes the gaps that skipped pictures left and reports these in order.
func (d *decoding) finish(name string) (*Memory, error) {
	var labels []int
	kept := d.pixels[:0]
	for i, p := range d.layout.picks {
		if b, ok := d.bad[i]; ok {
			d.o.SkipBad(p.path, b.err)
			continue
		}
		labels = append(labels, p.label)
		kept = append(kept, d.pixels[i*d.stride():(i+1)*d.stride()]...)
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("none of its %d pictures can be read: %w", len(d.layout.picks), d.bad[0].err)
	}
	return NewMemory(name, d.layout.classes, d.height, d.width, kept, labels), nil
}

// fit brings a set that was read at its own size to the size that is wanted, on
// all cores.
func fit(ctx context.Context, m *Memory, o Options) (*Memory, error) {
	t := o.transform()
	w, h := t.resized(m.width, m.height)
	if t.Crop > 0 {
		w, h = t.Crop, t.Crop
	}
	if w == m.width && h == m.height && (t.Short == 0 || t.Short == min(w, h)) {
		return m, ctx.Err()
	}
	if err := o.checkTotal(m.Len(), h, w); err != nil {
		return nil, err
	}
	in, out := 3*m.width*m.height, 3*w*h
	pixels := make([]uint8, m.Len()*out)
	var workers sync.WaitGroup
	n := runtime.GOMAXPROCS(0)
	for worker := range n {
		workers.Go(func() {
			for i := worker; i < m.Len() && ctx.Err() == nil; i += n {
				src := Image{m.width, m.height, m.pixels[i*in : (i+1)*in]}
				copy(pixels[i*out:(i+1)*out], t.Apply(src).Pix)
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return NewMemory(m.name, m.classes, h, w, pixels, m.labels), nil
}
