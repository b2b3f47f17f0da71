// Package ptx holds the kernels as text, one file of PTX for each family, and says
// which file a kernel is in. Most files are written by kernels/cuda/gen, the others
// by hand; all are meant to be read.
package ptx

import (
	"embed"
	"regexp"
	"sync"
)

//go:embed *.ptx
var files embed.FS

// Source returns the text of a file, such as "elementwise.ptx".
func Source(file string) (string, error) {
	b, err := files.ReadFile(file)
	return string(b), err
}

// Files lists the files, sorted.
func Files() []string {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil // the root of an embedded tree can always be read
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

var entryPoint = regexp.MustCompile(`(?m)^\.visible \.entry ([A-Za-z_][A-Za-z0-9_]*)`)

// Entries maps the name of every kernel to its file.
var Entries = sync.OnceValue(func() map[string]string {
	all := map[string]string{}
	for _, file := range Files() {
		src, err := Source(file)
		if err != nil {
			continue
		}
		for _, m := range entryPoint.FindAllStringSubmatch(src, -1) {
			all[m[1]] = file
		}
	}
	return all
})
