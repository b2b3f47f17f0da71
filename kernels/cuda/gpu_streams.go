//go:build cuda && cgo

package cuda

import (
	"gorgonia.org/cu"

	"gradgrad/internal/cudrv"
)

func (g *gpu) NewStream() (s Stream, err error) {
	err = g.on(func() error {
		s, err = cu.MakeStream(cu.NonBlocking)
		return err
	})
	return s, err
}

func (g *gpu) FreeStream(s Stream) error {
	st := streamOf(s)
	return g.on(func() error { return st.Destroy() })
}

func (g *gpu) Sync(s Stream) error {
	return g.on(func() error { return streamOf(s).Synchronize() })
}

func (g *gpu) NewEvent() (e Event, err error) {
	err = g.on(func() error {
		e, err = cu.MakeEvent(cu.DefaultEvent)
		return err
	})
	return e, err
}

func (g *gpu) FreeEvent(e Event) error {
	ev := e.(cu.Event)
	return g.on(func() error { return cu.DestroyEvent(&ev) })
}

func (g *gpu) Record(e Event, s Stream) error {
	return g.on(func() error { return e.(cu.Event).Record(streamOf(s)) })
}

func (g *gpu) Wait(s Stream, e Event) error {
	return g.on(func() error { return streamOf(s).Wait(e.(cu.Event), 0) })
}

func (g *gpu) Elapsed(from, to Event) (ms float64, err error) {
	err = g.on(func() error {
		ms, err = from.(cu.Event).Elapsed(to.(cu.Event))
		return err
	})
	return ms, err
}

func (g *gpu) BeginCapture(s Stream) error {
	err := g.on(func() error { return cudrv.BeginCapture(streamOf(s)) })
	g.capturing = err == nil
	return err
}

func (g *gpu) EndCapture(s Stream) (graph Graph, err error) {
	g.capturing = false
	err = g.on(func() error {
		graph, err = cudrv.EndCapture(streamOf(s))
		return err
	})
	return graph, err
}

func (g *gpu) LaunchGraph(graph Graph, s Stream) error {
	return g.on(func() error { return graph.(*cudrv.Graph).Launch(streamOf(s)) })
}

func (g *gpu) FreeGraph(graph Graph) error {
	return g.on(func() error { return graph.(*cudrv.Graph).Destroy() })
}

// Close waits for all work and lets go of the context; with its last owner all
// memory, streams and modules go.
func (g *gpu) Close() error {
	if err := g.on(cu.Synchronize); err != nil {
		return err
	}
	return g.device.ReleasePrimaryCtx()
}
