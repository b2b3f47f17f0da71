package fetch

import (
	"net"
	"net/http"
	"testing"
)

// resolver is a network that cannot look up hosts, or cannot do it yet.
type resolver struct {
	wrong net.DNSError
	until int // lookups that fail
	asked int
	http.RoundTripper
}

func (r *resolver) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.asked++; r.until == 0 || r.asked <= r.until {
		e := r.wrong
		e.Name = req.URL.Hostname()
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &e}
	}
	return r.RoundTripper.RoundTrip(req)
}

// A host that does not exist is not asked for again; one that cannot be looked up
// now is.
func TestUnknownHost(t *testing.T) {
	data := archive(1000)
	h := serve(t, data)
	for name, c := range map[string]struct {
		r      resolver
		asked  int
		pauses int
	}{
		"no such host":   {resolver{wrong: net.DNSError{Err: "no such host", IsNotFound: true}}, 2, 0},
		"not now":        {resolver{wrong: net.DNSError{Err: "server misbehaving", IsTemporary: true}, until: 3}, 4, 3},
		"no answer":      {resolver{wrong: net.DNSError{Err: "i/o timeout", IsTimeout: true}, until: 2}, 3, 2},
		"not found, yet": {resolver{wrong: net.DNSError{Err: "try again", IsNotFound: true, IsTemporary: true}, until: 1}, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f, pauses := fetcher(t)
			c.r.RoundTripper = http.DefaultTransport
			f.Client = &http.Client{Transport: &c.r}
			s := published(data, h.url())
			if c.pauses == 0 {
				s.URLs = []string{"https://data.invalid/file.tar.gz", "https://other.invalid/file.tar.gz"}
			}
			got, err := f.Get(t.Context(), s)
			if c.pauses == 0 {
				wantNoFile(t, f, err, "there is no host named data.invalid", "there is no host named other.invalid", "put it at")
			} else {
				wantFile(t, f, got, err, data)
			}
			if c.r.asked != c.asked || len(*pauses) != c.pauses {
				t.Errorf("asked %d times with %d pauses, want %d with %d", c.r.asked, len(*pauses), c.asked, c.pauses)
			}
		})
	}
}
