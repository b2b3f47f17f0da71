package sweep

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Flags are flags of a command by name, with their values as text.
type Flags map[string]string

// Args are the flags as a command line, in the order of their names.
func (f Flags) Args() []string {
	args := make([]string, 0, len(f))
	for _, name := range slices.Sorted(maps.Keys(f)) {
		args = append(args, "-"+name+"="+f[name])
	}
	return args
}

// ParseFlags reads settings written as FLAG=VALUE.
func ParseFlags(settings []string) (Flags, error) {
	f := Flags{}
	for _, s := range settings {
		name, value, ok := strings.Cut(s, "=")
		if name = strings.TrimLeft(name, "-"); !ok || name == "" {
			return nil, fmt.Errorf("%q: write FLAG=VALUE, such as arch=wrn-16-1", s)
		}
		f[name] = value
	}
	return f, nil
}

// flags are values of a file as flags; later ones replace earlier ones.
func flags(from ...map[string]any) (Flags, error) {
	f := Flags{}
	for _, values := range from {
		for name, value := range values {
			s, err := text(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			f[name] = s
		}
	}
	return f, nil
}

// text is a value as a flag takes it.
func text(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case []any:
		list := make([]string, len(v))
		for i := range v {
			var err error
			if list[i], err = text(v[i]); err != nil {
				return "", err
			}
		}
		return strings.Join(list, ","), nil
	}
	return "", fmt.Errorf("a flag's value is a string, a number, true or false, or a list of them, not %v", v)
}
