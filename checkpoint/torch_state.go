package checkpoint

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/nlpodyssey/gopickle/types"
)

// stateKeys are the names under which training scripts keep the state dict.
var stateKeys = []string{"state_dict", "model_state_dict", "model", "net"}

// stateDict is the content of a PyTorch file that is kept.
type stateDict struct {
	metadata map[string]string
	names    []string
	tensors  []*torchTensor
}

type entry struct{ key, value any }

// entries lists a dict or an OrderedDict in order; false for other values.
func entries(v any) ([]entry, bool) {
	var out []entry
	switch d := v.(type) {
	case *types.Dict:
		for _, e := range *d {
			out = append(out, entry{e.Key, e.Value})
		}
	case *types.OrderedDict:
		for e := d.List.Front(); e != nil; e = e.Next() {
			oe := e.Value.(*types.OrderedDictEntry)
			out = append(out, entry{oe.Key, oe.Value})
		}
	default:
		return nil, false
	}
	return out, true
}

// lookup finds a string key; as in Python, the last one counts.
func lookup(dict any, key string) (any, bool) {
	list, _ := entries(dict)
	for _, e := range slices.Backward(list) {
		if e.key == key {
			return e.value, true
		}
	}
	return nil, false
}

// findState finds the state dict in the object of a PyTorch file.
func findState(top any) (*stateDict, error) {
	list, ok := entries(top)
	if !ok {
		return nil, badf("the file holds no dict of tensors; %s", resave)
	}
	s := &stateDict{metadata: map[string]string{}}
	for _, key := range stateKeys {
		v, _ := lookup(top, key)
		inner, _ := entries(v)
		if !slices.ContainsFunc(inner, isTensor) {
			continue
		}
		for _, e := range list {
			if name, ok := e.key.(string); ok {
				s.keepScalar(name, e.value)
			}
		}
		return s, s.collect(inner)
	}
	if !slices.ContainsFunc(list, isTensor) {
		return nil, badf("the file holds no state dict: no tensors at the top, nor under one of %s; the keys there are %s; %s",
			strings.Join(stateKeys, ", "), showKeys(list), resave)
	}
	return s, s.collect(list)
}

func isTensor(e entry) bool {
	_, ok := e.value.(*torchTensor)
	return ok
}

// collect takes the tensors of a state dict.
func (s *stateDict) collect(list []entry) error {
	for _, e := range list {
		name, ok := e.key.(string)
		if !ok {
			return badf("the state dict has a key that is no string; %s", resave)
		}
		switch v := e.value.(type) {
		case *torchTensor:
			s.names = append(s.names, strings.TrimPrefix(name, "module."))
			s.tensors = append(s.tensors, v)
		case nil:
		default:
			if !s.keepScalar(name, e.value) {
				return badf("the entry %s of the state dict is no tensor; %s", show(name), resave)
			}
		}
	}
	return nil
}

// keepScalar keeps numbers, strings and booleans as metadata.
func (s *stateDict) keepScalar(name string, v any) bool {
	str, ok := scalar(v)
	ok = ok && utf8.ValidString(name) && utf8.ValidString(str)
	if ok {
		s.metadata[name] = str
	}
	return ok
}

// scalar prints a Python scalar so that it can be parsed back.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case int:
		return strconv.Itoa(v), true
	case bool:
		return strconv.FormatBool(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case *big.Int:
		return v.String(), true
	}
	return "", false
}

func scalarOr(v any, other string) string {
	if s, ok := scalar(v); ok {
		return s
	}
	return other
}

// showKeys lists the first keys of a dict for an error message.
func showKeys(list []entry) string {
	const limit = 8
	var keys []string
	for i, e := range list {
		if i == limit {
			keys = append(keys, "...")
			break
		}
		keys = append(keys, show(scalarOr(e.key, "?")))
	}
	if len(keys) == 0 {
		return "none"
	}
	return strings.Join(keys, ", ")
}
