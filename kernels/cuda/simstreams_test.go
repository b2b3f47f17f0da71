package cuda_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"gradgrad/kernels"
	"gradgrad/kernels/cuda"
)

// streaming is a simulated driver with two streams and an event, some memory and some
// pinned memory.
type streaming struct {
	cuda.Driver
	dev  *cuda.Device
	a, b cuda.Stream
	e    cuda.Event
	p, q uint64
	host []byte
}

func newStreaming(t *testing.T) *streaming {
	t.Helper()
	s := &streaming{dev: simulated(t)}
	var errs [6]error
	s.Driver, s.a = s.dev.Driver()
	s.b, errs[0] = s.NewStream()
	s.e, errs[1] = s.NewEvent()
	s.p, errs[2] = s.Alloc(64)
	s.q, errs[3] = s.Alloc(64)
	s.host, errs[4] = s.HostAlloc(64)
	errs[5] = s.Fill(s.q, 1, 16, s.b)
	if err := errors.Join(append(errs[:], s.Sync(s.b))...); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStreams does what a GPU would do at some later time too early, or not at all, and
// as it should be.
func TestStreams(t *testing.T) {
	for _, c := range []struct {
		name, want string
		do         func(s *streaming) error
	}{
		{"copied, waited for, changed", "", func(s *streaming) error {
			err := errors.Join(s.CopyIn(s.p, s.host, s.a), s.Sync(s.a))
			s.host[0] = 1
			return errors.Join(err, s.Sync(s.a))
		}},
		{"changed before the copy was done", "64 bytes of pinned memory were changed", func(s *streaming) error {
			err := s.CopyIn(s.p, s.host, s.a)
			s.host[63] = 1
			return errors.Join(err, s.Sync(s.a))
		}},
		{"the other stream was waited for", "were changed", func(s *streaming) error {
			err := errors.Join(s.CopyIn(s.p, s.host, s.b), s.Sync(s.a))
			s.host[63] = 1
			return errors.Join(err, s.Sync(s.b))
		}},
		{"waited for through an event", "", func(s *streaming) error {
			err := errors.Join(s.CopyIn(s.p, s.host, s.b), s.Record(s.e, s.b), s.Wait(s.a, s.e), s.Sync(s.a))
			s.host[63] = 1
			return errors.Join(err, s.Sync(s.b))
		}},
		{"ordinary memory may change", "", func(s *streaming) error {
			x := make([]byte, 64)
			err := s.CopyIn(s.p, x, s.a)
			x[0] = 1
			return errors.Join(err, s.Sync(s.a))
		}},
		{"pinned memory freed too early", "freeing pinned memory before stream", func(s *streaming) error {
			return errors.Join(s.CopyIn(s.p, s.host[32:], s.a), s.HostFree(s.host))
		}},
		{"memory freed that is not pinned", "not pinned", func(s *streaming) error { return s.HostFree(s.host[:32]) }},
		{"an event that was never recorded", "never recorded", func(s *streaming) error { return s.Wait(s.a, s.e) }},
		{"time since never", "not happened", func(s *streaming) error { _, err := s.Elapsed(s.e, s.e); return err }},
		{"a freed stream", "was freed", func(s *streaming) error {
			return errors.Join(s.FreeStream(s.b), s.CopyIn(s.p, s.host, s.b))
		}},
		{"a freed event", "was freed", func(s *streaming) error { return errors.Join(s.FreeEvent(s.e), s.Record(s.e, s.a)) }},
		{"an event for a stream", "no stream", func(s *streaming) error { return s.Sync(s.e) }},
		{"copy after copy on another stream", "wait for an event", func(s *streaming) error {
			return errors.Join(s.CopyIn(s.p, s.host, s.b), s.CopyWithin(s.q, s.p, 64, s.a))
		}},
		{"and the event between", "", func(s *streaming) error {
			return errors.Join(s.CopyIn(s.p, s.host, s.b), s.Record(s.e, s.b), s.Wait(s.a, s.e), s.CopyWithin(s.q, s.p, 64, s.a))
		}},
		{"overwritten while it is read", "a fill on stream", func(s *streaming) error {
			return errors.Join(s.CopyWithin(s.p, s.q, 32, s.b), s.Fill(s.q, 2, 16, s.a))
		}},
		{"both read", "", func(s *streaming) error {
			return errors.Join(s.CopyWithin(s.p, s.q, 32, s.b), s.CopyWithin(s.p+32, s.q, 32, s.a))
		}},
		{"read back from another stream", "a copy to the host on stream", func(s *streaming) error {
			return errors.Join(s.CopyIn(s.p, s.host, s.b), s.CopyOut(make([]byte, 64), s.p, s.a))
		}},
	} {
		t.Run(c.name, func(t *testing.T) { wantText(t, c.do(newStreaming(t)), c.want) })
	}
}

func wantText(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Error(err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%v, which does not say %q", err, want)
	}
}

// TestKernelsOnStreams: a kernel that is given memory which another stream copies to.
func TestKernelsOnStreams(t *testing.T) {
	for _, waits := range []bool{true, false} {
		s := newStreaming(t)
		m, err := s.Load("k.ptx", ".version 7.0\n.target sm_80\n.visible .entry k(.param .u64 p) { .reg .u64 %p; ld.param.u64 %p, [p]; st.global.u32 [%p], 1; ret; }")
		if err != nil {
			t.Fatal(err)
		}
		f, err := m.Function("k")
		if err != nil {
			t.Fatal(err)
		}
		one := [3]int{1, 1, 1}
		err = errors.Join(s.Launch(f, one, one, 0, []uint64{s.p}, s.a), s.Record(s.e, s.a))
		if waits {
			err = errors.Join(err, s.Wait(s.b, s.e))
		}
		err = errors.Join(err, s.CopyIn(s.p, s.host, s.b))
		if waits {
			wantText(t, err, "")
		} else {
			wantText(t, err, "touches memory of kernel k on stream 1")
		}
	}
}

// TestCapturing is about what a capture cannot hold, and what it can.
func TestCapturing(t *testing.T) {
	for _, c := range []struct {
		name, want string
		do         func(s *streaming) error
	}{
		{"pinned memory", "", func(s *streaming) error { return s.CopyIn(s.p, s.host, s.a) }},
		{"ordinary memory", "not pinned", func(s *streaming) error { return s.CopyIn(s.p, make([]byte, 64), s.a) }},
		{"to the host", "copying to the host", func(s *streaming) error { return s.CopyOut(s.host, s.q, s.a) }},
		{"waiting for it", "waiting for a stream while", func(s *streaming) error { return s.Sync(s.a) }},
		{"waiting for another", "", func(s *streaming) error { return s.Sync(s.b) }},
		{"another capture", "captured already", func(s *streaming) error { return s.BeginCapture(s.b) }},
		{"end of another", "on this stream", func(s *streaming) error { _, err := s.EndCapture(s.b); return err }},
		{"an event from outside", "from outside", func(s *streaming) error { return errors.Join(s.Record(s.e, s.b), s.Wait(s.a, s.e)) }},
		{"its event outside", "of a capture", func(s *streaming) error { return errors.Join(s.Record(s.e, s.a), s.Wait(s.b, s.e)) }},
		{"the time of its event", "not happened", func(s *streaming) error {
			_, err := s.Elapsed(s.e, s.e)
			return errors.Join(s.Record(s.e, s.a), err)
		}},
		{"another stream at work", "", func(s *streaming) error { return s.CopyOut(s.host, s.q, s.b) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStreaming(t)
			if err := s.BeginCapture(s.a); err != nil {
				t.Fatal(err)
			}
			wantText(t, c.do(s), c.want)
			if _, err := s.EndCapture(s.a); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPinnedInGraphs: a graph copies what pinned memory holds when it is launched.
func TestPinnedInGraphs(t *testing.T) {
	s := newStreaming(t)
	err := errors.Join(s.BeginCapture(s.a), s.CopyIn(s.p, s.host, s.a))
	g, err2 := s.EndCapture(s.a)
	s.host[0] = 5
	got := make([]byte, 64)
	if err := errors.Join(err, err2, s.LaunchGraph(g, s.a), s.CopyOut(got, s.p, s.a)); err != nil || got[0] != 5 {
		t.Errorf("%d, %v", got[0], err)
	}
	err = s.LaunchGraph(g, s.a)
	s.host[0] = 6
	wantText(t, errors.Join(err, s.Sync(s.a)), "were changed")
}

// TestEndWith gives up a kernel in the middle.
func TestEndWith(t *testing.T) {
	dev := simulated(t)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	dev.EndWith(ctx)
	const n = 4 << 20
	x, y := dev.Alloc(n), dev.Alloc(1)
	dev.Write(x, make([]float32, n))
	began := time.Now()
	defer func() {
		e, ok := recover().(*kernels.DeviceError)
		if !ok || !errors.Is(e, context.DeadlineExceeded) || time.Since(began) > 20*time.Second {
			t.Errorf("%v after %v", e, time.Since(began))
		}
	}()
	for {
		dev.Run(kernels.Sum, &kernels.Args{Out: []kernels.Buffer{y}, In: []kernels.Buffer{x}, Attr: &kernels.ReduceAttr{Outer: 1, Reduce: n, Inner: 1}})
	}
}
