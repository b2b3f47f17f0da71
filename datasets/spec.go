package datasets

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// location is where a set lies and which part of it is wanted.
type location struct {
	key, file, sub string
	choice         choice
	known          *KnownSet // nil for paths that are none
	roots          []string  // the data folders
}

var keyPattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]*$`)

// NameOf is the name that the set which spec describes has once it is open: its
// KEY or what follows from its path. Nothing is opened.
func NameOf(spec string) string {
	key, file, _ := cutSpec(spec)
	if key != "" {
		return key
	}
	if !strings.ContainsAny(file, `/\`) && !exists(file) {
		return file // of a known set, or one in a data folder
	}
	return baseName(file)
}

// cutSpec takes a spec apart: KEY=FILE#PART#PART. Files that exist win, however
// they are named.
func cutSpec(spec string) (key, file string, parts []string) {
	file = spec
	if k, rest, named := strings.Cut(spec, "="); named && keyPattern.MatchString(k) && !exists(spec) {
		key, file = k, rest
	}
	for !exists(file) {
		at := strings.LastIndex(file, "#")
		if at <= 0 {
			break
		}
		file, parts = file[:at], append([]string{file[at+1:]}, parts...)
	}
	return key, file, parts
}

// locate resolves what was asked for to a file or folder that exists.
func locate(spec string, o Options) (location, error) {
	key, file, parts := cutSpec(spec)
	l := location{key: key, file: file}
	l.roots, _ = o.roots() // without one, only names cannot be found
	if l.file == "" {
		return l, errors.New("no name or path was given")
	}
	_, err := os.Stat(l.file)
	if _, link := os.Lstat(l.file); err != nil && link == nil {
		return l, fmt.Errorf("%s is a link that cannot be followed: %w", l.file, cause(err))
	}
	present := err == nil
	l.known = knownByName(file)
	if err := l.take(parts); err != nil {
		return l, err
	}
	if !present || l.known != nil {
		found, err := findNamed(file, o)
		if err != nil && !present {
			return l, err
		}
		if l.key == "" {
			l.key = file
		}
		if err == nil {
			l.file = found
		}
	}
	if l.key == "" {
		l.key = baseName(l.file)
	}
	return l, nil
}

// take reads the parts behind the # signs: options of a choice, or a folder. A
// known set has options of its own, and more under as=PROTOCOL.
func (l *location) take(parts []string) error {
	if l.known != nil {
		for i, part := range parts {
			if name, ok := strings.CutPrefix(part, "as="); ok {
				protocol, ok := l.known.Protocols[name]
				if !ok {
					return fmt.Errorf("#%s: %s", part, l.known.explainProtocols())
				}
				parts = slices.Replace(slices.Clone(parts), i, i+1, strings.FieldsFunc(protocol, isHash)...)
				break
			}
		}
		parts = append(strings.FieldsFunc(l.known.always, isHash), parts...)
	}
	for _, part := range parts {
		if known, err := l.choice.set(part); known || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		sub := strings.Trim(path.Clean(filepath.ToSlash(part)), "/")
		if sub == "" || sub == "." || strings.HasPrefix(sub, "..") || l.sub != "" {
			return fmt.Errorf("%q names no folder inside %s", part, l.file)
		}
		l.sub = sub
	}
	return nil
}

func isHash(r rune) bool { return r == '#' }

// transform decides how the pictures of a set are brought to size: as the spec
// says, else as Options.Transform, else as the set is usually read.
func (l location) transform(o Options) (Transform, error) {
	name := l.choice.transform
	if name == "" && o.Transform != (Transform{}) || name == "" && o.Size == 0 {
		return o.Transform, nil
	}
	if name == "" {
		name = "resize"
		if l.known != nil {
			name = l.known.transformAt(o.Size)
		}
	}
	if o.Size == 0 && name != "none" {
		return Transform{}, fmt.Errorf("#transform=%s needs a size", name)
	}
	return NamedTransform(name, o.Size)
}

// cause is the reason inside an error of package os, without the path again.
func cause(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// baseName is the last part of a path without the extensions of the formats
// that are read.
func baseName(file string) string {
	abs, err := filepath.Abs(file)
	if err != nil {
		abs = file
	}
	name := filepath.Base(abs)
	for _, ext := range []string{".gz", ".tgz", ".zst", ".tzst", ".tar", ".mat", ".bin", ".npy"} {
		if rest := strings.TrimSuffix(name, ext); rest != "" {
			name = rest
		}
	}
	return name
}
