package checkpoint

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// metadataKey is the one name in a safetensors header that is no tensor.
const metadataKey = "__metadata__"

// header is the JSON part of a safetensors file, in the order of the file.
type header struct {
	metadata map[string]string
	tensors  []headerTensor
}

type headerTensor struct {
	name       string
	dtype      DType
	shape      []int
	begin, end int64 // of the data, relative to its start
}

// headerParser walks the JSON token by token: unlike json.Unmarshal it sees the
// order of names and duplicates, and it never descends deeper than the format.
type headerParser struct{ *json.Decoder }

// parseHeader reads the JSON of a safetensors file. Padding with white space
// may follow the object.
func parseHeader(b []byte) (*header, error) {
	if len(b) == 0 || b[0] != '{' {
		return nil, badf("the header does not start with '{': not a safetensors file")
	}
	if !utf8.Valid(b) {
		return nil, badf("the header is not valid UTF-8; the file is damaged")
	}
	p := headerParser{json.NewDecoder(bytes.NewReader(b))}
	p.UseNumber()
	h := &header{metadata: map[string]string{}}
	seen := map[string]bool{}
	err := p.object(func(name string) error {
		if seen[name] {
			return badf("the header names %s twice; the file is damaged", show(name))
		}
		seen[name] = true
		if name == metadataKey {
			return p.metadata(h.metadata)
		}
		t, err := p.tensor(name)
		h.tensors = append(h.tensors, t)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimRight(b[p.InputOffset():], " \t\r\n")) > 0 {
		return nil, badf("the header goes on after its JSON object; the file is damaged")
	}
	return h, nil
}

// object reads an object and calls field after each key.
func (p headerParser) object(field func(key string) error) error {
	if err := p.delim('{'); err != nil {
		return err
	}
	for p.More() {
		key, err := p.string()
		if err != nil {
			return err
		}
		if err := field(key); err != nil {
			return err
		}
	}
	return p.delim('}')
}

func (p headerParser) metadata(into map[string]string) error {
	return p.object(func(key string) error {
		if _, dup := into[key]; dup {
			return badf("the metadata name %s twice; the file is damaged", show(key))
		}
		v, err := p.string()
		into[key] = v
		return err
	})
}

// tensor reads the object that describes one tensor: its three fields, each
// once, and no other.
func (p headerParser) tensor(name string) (headerTensor, error) {
	t := headerTensor{name: name}
	seen := map[string]bool{}
	err := p.object(func(key string) error {
		if seen[key] {
			return badf("tensor %s has the field %s twice; the file is damaged", show(name), show(key))
		}
		seen[key] = true
		switch key {
		case "dtype":
			s, err := p.string()
			t.dtype = DType(s)
			if err == nil && t.dtype.Size() == 0 {
				return badf("tensor %s has the data type %s, which is not supported", show(name), show(s))
			}
			return err
		case "shape":
			v, err := p.naturals(name)
			for _, d := range v {
				t.shape = append(t.shape, int(d))
			}
			return err
		case "data_offsets":
			v, err := p.naturals(name)
			if err == nil && len(v) != 2 {
				return badf("tensor %s has %d data offsets, not 2; the file is damaged", show(name), len(v))
			}
			if err == nil {
				t.begin, t.end = v[0], v[1]
			}
			return err
		}
		return badf("tensor %s has the unknown field %s", show(name), show(key))
	})
	if err == nil && len(seen) != 3 {
		return t, badf("tensor %s lacks one of dtype, shape and data_offsets; the file is damaged", show(name))
	}
	if t.shape == nil {
		t.shape = []int{}
	}
	return t, err
}

// naturals reads an array of integers that are not negative.
func (p headerParser) naturals(name string) ([]int64, error) {
	if err := p.delim('['); err != nil {
		return nil, err
	}
	var v []int64
	for p.More() {
		tok, err := p.token()
		if err != nil {
			return nil, err
		}
		num, _ := tok.(json.Number)
		n, err := strconv.ParseUint(string(num), 10, strconv.IntSize-1)
		if err != nil {
			return nil, badf("tensor %s has a shape or offset that is no natural number in range; the file is damaged", show(name))
		}
		v = append(v, int64(n))
	}
	return v, p.delim(']')
}

func (p headerParser) string() (string, error) {
	tok, err := p.token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", badf("the header has something other than a string at byte %d; the file is damaged", p.InputOffset())
	}
	return s, nil
}

func (p headerParser) delim(want json.Delim) error {
	tok, err := p.token()
	if err != nil {
		return err
	}
	if tok != want {
		return badf("the header lacks a %q at byte %d; the file is damaged", rune(want), p.InputOffset())
	}
	return nil
}

func (p headerParser) token() (json.Token, error) {
	tok, err := p.Token()
	if err != nil {
		return nil, &FormatError{Reason: "the header is not valid JSON; the file is damaged", Err: err}
	}
	return tok, nil
}
