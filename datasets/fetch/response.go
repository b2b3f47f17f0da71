package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// contentRange is "bytes 5-9/10", "bytes 5-9/*" or "bytes */10".
var contentRange = regexp.MustCompile(`^bytes (?:(\d{1,18})-(\d{1,18})|\*)/(\d{1,18}|\*)$`)

// accept makes the part ready for the body of a response. done tells that there
// is nothing to read: the part is complete.
func (d *download) accept(ctx context.Context, resp *http.Response, url string) (done bool, err error) {
	switch resp.StatusCode {
	case http.StatusOK:
		total := resp.ContentLength
		if want := d.source.Size; want > 0 && total >= 0 && total != want {
			return false, &refused{fmt.Sprintf("it offers a file of %d bytes, but the file has %d", total, want)}
		}
		return false, d.begin(ctx, resp, url, total)
	case http.StatusPartialContent:
		return false, d.proceed(resp, url)
	case http.StatusRequestedRangeNotSatisfiable:
		return d.beyond(resp)
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false, &later{fmt.Errorf("the server says %q", resp.Status), retryAfter(resp.Header, time.Now())}
	case http.StatusNotFound, http.StatusGone:
		return false, &refused{fmt.Sprintf("the link is dead (%s)", resp.Status)}
	}
	return false, &refused{fmt.Sprintf("the server says %q", resp.Status)}
}

// begin empties the part, as the file comes from its start, and writes its first
// bytes. A web page in place of the file costs nothing of what is there.
func (d *download) begin(ctx context.Context, resp *http.Response, url string, total int64) error {
	head := make([]byte, magicBytes)
	n, err := io.ReadFull(resp.Body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return transient(ctx, err)
	}
	if n == 0 && total != 0 {
		return &later{err: errors.New("the connection ended before the first byte")}
	}
	if n == magicBytes {
		if err := checkMagic(d.source.File, head); err != nil {
			return err
		}
	}
	if d.part.have > 0 {
		d.log("%s: the server gives the file from its start only, or it has changed: starting over", d.source.File)
	}
	if err := d.part.restart(origin{URL: url, Validator: validator(resp.Header), Total: total}); err != nil {
		return &localError{err}
	}
	d.pure = url
	d.received += int64(n)
	return d.write(head[:n])
}

// validator is what If-Range may be: a strong ETag, else the date of the file.
func validator(h http.Header) string {
	if tag := h.Get("ETag"); strings.HasPrefix(tag, `"`) {
		return tag
	}
	return h.Get("Last-Modified")
}

// proceed accepts the rest of the file, if it is the rest.
func (d *download) proceed(resp *http.Response, url string) error {
	if resp.Request.Header.Get("Range") == "" {
		return &refused{"it gives a part of the file where all of it was asked for"}
	}
	from, total, ok := parseRange(resp.Header.Get("Content-Range"))
	wrong := ""
	switch {
	case !ok:
		wrong = fmt.Sprintf("it gives a part of the file without saying which (%q)", resp.Header.Get("Content-Range"))
	case from != d.part.have:
		wrong = fmt.Sprintf("it gives the file from byte %d where byte %d was asked for", from, d.part.have)
	case total >= 0 && d.part.origin.Total >= 0 && total != d.part.origin.Total, d.source.Size > 0 && total >= 0 && total != d.source.Size:
		wrong = fmt.Sprintf("its file has %d bytes, and had another length before", total)
	}
	if wrong != "" {
		return d.distrust(wrong)
	}
	if total >= 0 {
		d.part.origin.Total = total
	}
	if d.pure != url {
		d.pure = ""
	}
	return nil
}

// beyond handles a server that has no more bytes than are there.
func (d *download) beyond(resp *http.Response) (done bool, err error) {
	if _, total, ok := parseRange(resp.Header.Get("Content-Range")); ok && total == d.part.have {
		return true, nil
	}
	return false, d.distrust("its file is shorter than what was downloaded")
}

// distrust empties the part, so that the next attempt asks for all of the file.
func (d *download) distrust(why string) error {
	return d.forget(&later{err: fmt.Errorf("%s: starting over", why)})
}

// parseRange reads a Content-Range; from is -1 in "bytes */10", total in
// "bytes 5-9/*".
func parseRange(text string) (from, total int64, ok bool) {
	m := contentRange.FindStringSubmatch(text)
	if m == nil {
		return 0, 0, false
	}
	from, total = -1, -1
	if m[1] != "" {
		from, _ = strconv.ParseInt(m[1], 10, 64)
	}
	if m[3] != "*" {
		total, _ = strconv.ParseInt(m[3], 10, 64)
	}
	if from >= 0 {
		to, _ := strconv.ParseInt(m[2], 10, 64)
		if to < from || total >= 0 && to >= total {
			return 0, 0, false
		}
	}
	return from, total, true
}
