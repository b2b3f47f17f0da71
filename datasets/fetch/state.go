package fetch

import (
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"time"

	"gradgrad/internal/atomicfile"
)

// folder is where a data folder keeps unfinished downloads and records.
const folder = ".fetch"

func (f *Fetcher) path(s Source) string { return filepath.Join(f.Dir, s.File) }

func (f *Fetcher) inside(name string) string { return filepath.Join(f.Dir, folder, name) }

// record is what is known of a file that is whole: DIR/.fetch/FILE.json.
type record struct {
	File      string    `json:"file"`
	Bytes     int64     `json:"bytes"`
	MD5       string    `json:"md5"`
	SHA256    string    `json:"sha256"`
	Published bool      `json:"published"` // a published digest was met
	URL       string    `json:"url,omitempty"`
	Modified  time.Time `json:"modified"` // of the file, to notice changes without reading it
}

// origin is where the bytes of a part came from: DIR/.fetch/FILE.origin.json. It
// is written before the first byte is.
type origin struct {
	URL       string `json:"url"`
	Validator string `json:"validator"` // a strong ETag or the Last-Modified date, as If-Range wants it
	Total     int64  `json:"total"`     // -1 when the server did not say
}

func readJSON(file string, v any) bool {
	data, err := os.ReadFile(file)
	return err == nil && json.Unmarshal(data, v) == nil
}

func writeJSON(file string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(file, append(data, '\n'))
}

// digests computes both digests at once.
type digests struct{ md5, sha256 hash.Hash }

func newDigests() digests { return digests{md5.New(), sha256.New()} }

func (d digests) Write(p []byte) (int, error) {
	d.md5.Write(p)
	d.sha256.Write(p)
	return len(p), nil
}

func (d digests) sums() (md5, sha256 string) {
	return hex.EncodeToString(d.md5.Sum(nil)), hex.EncodeToString(d.sha256.Sum(nil))
}

// match tells whether a published digest is met; it is met by nothing where
// there is none.
func (d digests) match(s Source) bool {
	md5, sha256 := d.sums()
	return s.Checked() && (s.MD5 == "" || s.MD5 == md5) && (s.SHA256 == "" || s.SHA256 == sha256)
}

// mismatch says how a digest differs from the published one.
func (d digests) mismatch(s Source) string {
	md5, sha256 := d.sums()
	if s.SHA256 != "" && s.SHA256 != sha256 {
		return fmt.Sprintf("SHA-256 is %s, published is %s", sha256, s.SHA256)
	}
	return fmt.Sprintf("MD5 is %s, published is %s", md5, s.MD5)
}

// part is an unfinished download.
type part struct {
	file   *os.File
	name   string
	origin origin
	have   int64
	digests
}

// openPart opens what there is of a file and digests it.
func (f *Fetcher) openPart(ctx context.Context, s Source) (*part, error) {
	p := &part{name: f.inside(s.File + ".part"), digests: newDigests()}
	if !readJSON(p.originFile(), &p.origin) {
		p.origin = origin{Total: -1}
	}
	var err error
	if p.file, err = os.OpenFile(p.name, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return nil, err
	}
	info, err := p.file.Stat()
	if err == nil {
		p.have = info.Size()
		err = f.readAll(ctx, s, p.file, p.digests, p.have)
	}
	if err != nil {
		p.file.Close()
		return nil, err
	}
	return p, nil
}

func (p *part) originFile() string {
	return p.name[:len(p.name)-len(".part")] + ".origin.json"
}

// restart empties the part for a download from another origin.
func (p *part) restart(o origin) error {
	p.digests = newDigests()
	p.have = 0
	if err := p.file.Truncate(0); err != nil {
		return err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	p.origin = o
	return writeJSON(p.originFile(), o)
}

func (p *part) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	p.digests.Write(b[:n])
	p.have += int64(n)
	return n, err
}

// remove forgets the part.
func (p *part) remove() {
	p.file.Close()
	os.Remove(p.name)
	os.Remove(p.originFile())
}
