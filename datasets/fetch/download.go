package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// The pauses between attempts double from the first to the longest. A server may
// ask for up to maxWait.
const (
	firstPause   = time.Second
	longestPause = time.Minute
	maxWait      = 10 * time.Minute
)

// download is one file on its way, from one address after the other.
type download struct {
	*Fetcher
	source   Source
	part     *part
	best     int64  // the longest that the part has been
	pure     string // the address that all of the part came from, in this run
	received int64
}

// refused says that an address will not give the file, however often it is asked.
type refused struct{ why string }

func (e *refused) Error() string { return e.why }

// later says that an address may give the file after a while.
type later struct {
	err  error
	wait time.Duration // as the server asks; 0 when it does not
}

func (e *later) Error() string { return e.err.Error() }
func (e *later) Unwrap() error { return e.err }

// from downloads the rest of the file from one address; without an error the
// part is whole and right.
func (d *download) from(ctx context.Context, url string) error {
	retries := d.Retries
	if retries == 0 {
		retries = 6
	}
	for failures, pause, fresh := 0, firstPause, false; ; {
		err := d.attempt(ctx, url, fresh)
		fresh = false
		if err == nil {
			if err = d.whole(); err == nil || d.pure == url {
				return d.forget(err)
			}
			d.log("%s: what was downloaded in parts is wrong (%v): starting over", d.source.File, err)
			fresh = true
			continue
		}
		if d.part.match(d.source) {
			return nil // it broke off after the last byte
		}
		var wait *later
		if !errors.As(err, &wait) {
			return err
		}
		if d.part.have > d.best {
			d.best, failures, pause = d.part.have, 0, firstPause
		} else if failures++; failures >= retries {
			return fmt.Errorf("%w (%d attempts brought nothing more)", wait.err, failures)
		}
		p := max(pause, wait.wait)
		pause = min(2*pause, longestPause)
		d.log("%s: %v; again in %v", d.source.File, wait.err, p.Round(time.Second))
		if err := d.pause(ctx, p); err != nil {
			return err
		}
	}
}

// forget empties the part when what came was wrong, and passes the error on.
func (d *download) forget(wrong error) error {
	if wrong == nil {
		return nil
	}
	d.pure = ""
	if err := d.part.restart(origin{Total: -1}); err != nil {
		return &localError{err}
	}
	return wrong
}

func (d *download) pause(ctx context.Context, p time.Duration) error {
	if d.sleep != nil {
		return d.sleep(ctx, p)
	}
	t := time.NewTimer(p)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// whole checks a part that the server says is complete.
func (d *download) whole() error {
	if d.source.Checked() {
		if d.part.match(d.source) {
			return nil
		}
		return &refused{"it gave " + size(d.part.have) + " whose " + d.part.mismatch(d.source)}
	}
	if want := d.source.Size; want > 0 && d.part.have != want {
		return &refused{fmt.Sprintf("it gave %d bytes of %d", d.part.have, want)}
	}
	return checkFormat(d.source.File, d.part.name)
}

// attempt asks once for what is missing, or with fresh for everything, and
// writes what comes.
func (d *download) attempt(ctx context.Context, url string, fresh bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stall := d.Stall
	if stall == 0 {
		stall = time.Minute
	}
	watch := time.AfterFunc(stall, func() { cancel(fmt.Errorf("nothing came for %v", stall)) })
	defer watch.Stop()
	req, err := d.request(ctx, url, fresh)
	if err != nil {
		return err
	}
	resp, err := d.client().Do(req)
	if err != nil {
		return transient(ctx, err)
	}
	defer resp.Body.Close()
	done, err := d.accept(ctx, resp, url)
	if done || err != nil {
		return err
	}
	return d.receive(ctx, resp.Body, func() { watch.Reset(stall) })
}

// transient is an error of the network: it may go away. That of the user, and a
// name that no host has, are not.
func transient(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	var inner *url.Error // the address is said elsewhere
	if errors.As(err, &inner) {
		err = inner.Err
	}
	var no *refused
	var name *net.DNSError
	switch {
	case errors.As(err, &no):
		return no
	case errors.As(err, &name) && name.IsNotFound && !name.IsTemporary && !name.IsTimeout:
		return &refused{fmt.Sprintf("there is no host named %s: the address is wrong, or this machine cannot look up names", name.Name)}
	case errors.Is(cause, context.Canceled), errors.Is(cause, context.DeadlineExceeded):
		return cause
	case cause != nil:
		return &later{err: cause}
	}
	return &later{err: err}
}

// request asks for the rest of the part where that can be right: from the same
// address if nothing changed there (If-Range), from any address where the
// published digest will tell.
func (d *download) request(ctx context.Context, url string, fresh bool) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, &refused{err.Error()}
	}
	req.Header.Set("Accept-Encoding", "identity") // the bytes of the file, not others
	req.Header.Set("User-Agent", "gradgrad (data set download)")
	same := d.part.origin.URL == url && d.part.origin.Validator != ""
	if d.part.have > 0 && !fresh && (same || d.source.Checked()) {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.part.have))
		if same {
			req.Header.Set("If-Range", d.part.origin.Validator)
		}
	}
	return req, nil
}

// client follows redirects, but from https to http only where a published digest
// guards the file.
func (d *download) client() *http.Client {
	c := http.Client{}
	if d.Client != nil {
		c = *d.Client
	}
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return &refused{"it redirects in a circle"}
		}
		if req.URL.Scheme != "https" && via[0].URL.Scheme == "https" && !d.source.Checked() {
			return &refused{"it redirects to " + req.URL.Scheme + ", which is not safe for a file without a published digest"}
		}
		return nil
	}
	return &c
}

// receive writes what comes to the part.
func (d *download) receive(ctx context.Context, body io.Reader, alive func()) error {
	buf := make([]byte, 1<<17)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			alive()
			d.received += int64(n)
			if err := d.write(buf[:n]); err != nil {
				return err
			}
		}
		switch {
		case err == io.EOF:
			if total := d.part.origin.Total; total >= 0 && d.part.have < total {
				return &later{err: fmt.Errorf("the connection ended after %d of %d bytes", d.part.have, total)}
			}
			return nil
		case errors.Is(err, io.ErrUnexpectedEOF):
			return &later{err: fmt.Errorf("the connection ended after %s", size(d.part.have))}
		case err != nil:
			return transient(ctx, err)
		}
	}
}

func (d *download) write(b []byte) error {
	if most := d.source.Size; most > 0 && d.part.have+int64(len(b)) > most {
		return d.forget(&refused{fmt.Sprintf("it gives more than the %d bytes that the file has", most)})
	}
	if _, err := d.part.Write(b); err != nil {
		return &localError{err}
	}
	if d.Progress != nil {
		d.Progress(d.source.File, d.part.have, max(d.part.origin.Total, d.source.Size))
	}
	return nil
}

// retryAfter reads the header Retry-After: seconds or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if s, err := strconv.Atoi(text); err == nil {
		return min(max(time.Duration(min(s, 1<<20))*time.Second, 0), maxWait)
	}
	if t, err := http.ParseTime(text); err == nil {
		return min(max(t.Sub(now), 0), maxWait)
	}
	return 0
}
