package datasets

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"sort"
)

// maxListBytes bounds the small text and JSON files that name classes.
const maxListBytes = 16 << 20

// FilterClasses keeps the images of s whose class is listed in a JSON file:
// either an array of class names, or an object whose member "A" (tier A:
// classes that overlap with no in-distribution class) has the names as keys or
// as elements. The labels count the classes that are left, in the order of s.
//
// It is an error when s has no classes, or none of them is listed.
func FilterClasses(s Set, file string) (Set, error) {
	names, err := readClassList(file)
	if err != nil {
		return nil, fmt.Errorf("class list %s: %w", file, err)
	}
	classes := s.Classes()
	if len(classes) == 0 {
		return nil, fmt.Errorf("class list %s: the set %s has no classes to choose from", file, s.Name())
	}
	v := &view{base: s, relabel: make([]int, len(classes))}
	for label, class := range classes {
		v.relabel[label] = -1
		if slices.Contains(names, class) {
			v.relabel[label] = len(v.classes)
			v.classes = append(v.classes, class)
		}
	}
	if len(v.classes) == 0 {
		return nil, fmt.Errorf("class list %s: none of its %d classes (%s, ...) is one of the %d of %s (%s, ...)",
			file, len(names), names[0], len(classes), s.Name(), classes[0])
	}
	for i := range s.Len() {
		label, err := labelOf(s, i)
		if err != nil {
			return nil, fmt.Errorf("class list %s: image %d of %s: %w", file, i, s.Name(), err)
		}
		if label >= 0 && v.relabel[label] >= 0 {
			v.indices = append(v.indices, i)
		}
	}
	return v, nil
}

func readClassList(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readAtMost(f, maxListBytes)
	if err != nil {
		return nil, err
	}
	var tiers struct{ A json.RawMessage }
	if err := json.Unmarshal(data, &tiers); err == nil && tiers.A != nil {
		data = tiers.A
	}
	names, err := stringsOrKeys(data)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("it lists no class")
	}
	return names, nil
}

func stringsOrKeys(data []byte) ([]string, error) {
	var list []string
	if err := json.Unmarshal(data, &list); err == nil {
		return list, nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, fmt.Errorf("wants a JSON array of class names, or an object with them in its member \"A\": %w", err)
	}
	for name := range object {
		list = append(list, name)
	}
	sort.Strings(list)
	return list, nil
}
