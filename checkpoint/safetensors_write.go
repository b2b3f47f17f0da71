package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"gradgrad/internal/atomicfile"
)

// Write writes f as a safetensors file that replaces path in one step: it is
// written under a temporary name in the same directory, synced and renamed.
// On an error the old file, if any, is as it was. The directory must exist.
func Write(path string, f *File) error { return replace(path, f.Encode) }

// replace gives path the content that write produces, or leaves it as it is.
func replace(path string, write func(io.Writer) error) error {
	err := atomicfile.WriteTo(path, write)
	var format *FormatError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &format):
		return inFile(path, format)
	}
	return fmt.Errorf("checkpoint %w", err)
}

// Encode writes f as a safetensors file. The same content gives the same bytes.
//
// The header lists the tensors in the order of f.Tensors, which is the order
// that reading restores. The data are laid out from the widest element type to
// the narrowest, so that each tensor is aligned for its type and readers that
// map the file can use it in place.
func (f *File) Encode(w io.Writer) error {
	if err := f.check(); err != nil {
		return err
	}
	order := make([]int, len(f.Tensors))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return f.Tensors[b].DType.Size() - f.Tensors[a].DType.Size()
	})
	head, err := f.header(order)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	for _, i := range order {
		if _, err := w.Write(f.Tensors[i].Data); err != nil {
			return err
		}
	}
	return nil
}

// check verifies what a reader would refuse.
func (f *File) check() error {
	seen := make(map[string]bool, len(f.Tensors))
	for i := range f.Tensors {
		t := &f.Tensors[i]
		switch {
		case t.Name == metadataKey:
			return badf("a tensor cannot be named %s: safetensors keeps that name for strings", metadataKey)
		case !utf8.ValidString(t.Name):
			return badf("the tensor name %s is not valid UTF-8", show(t.Name))
		case seen[t.Name]:
			return badf("two tensors are named %s", show(t.Name))
		}
		seen[t.Name] = true
		if err := t.check(); err != nil {
			return err
		}
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return badf("the metadata %s are not valid UTF-8", show(k))
		}
	}
	return nil
}

// header returns the length and the JSON header for data laid out in order,
// padded with spaces so that the data start at a multiple of 8 bytes.
func (f *File) header(order []int) ([]byte, error) {
	begin := make([]int, len(f.Tensors))
	at := 0
	for _, i := range order {
		begin[i] = at
		at += len(f.Tensors[i].Data)
	}
	b := bytes.NewBuffer(make([]byte, 8, 1024))
	b.WriteByte('{')
	sep := ""
	if len(f.Metadata) > 0 {
		b.WriteString(`"` + metadataKey + `":{`)
		for _, k := range slices.Sorted(maps.Keys(f.Metadata)) {
			b.WriteString(sep)
			writeJSON(b, k)
			b.WriteByte(':')
			writeJSON(b, f.Metadata[k])
			sep = ","
		}
		b.WriteByte('}')
		sep = ","
	}
	for i, t := range f.Tensors {
		b.WriteString(sep)
		writeJSON(b, t.Name)
		b.WriteByte(':')
		writeJSON(b, struct {
			DType   DType  `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType, append([]int{}, t.Shape...), [2]int{begin[i], begin[i] + len(t.Data)}})
		sep = ","
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	head := b.Bytes()
	if len(head)-8 > maxHeader {
		return nil, badf("the names, shapes and metadata take %d bytes, more than the %d that safetensors allows", len(head)-8, maxHeader)
	}
	binary.LittleEndian.PutUint64(head, uint64(len(head)-8))
	return head, nil
}

// writeJSON appends a value whose encoding cannot fail.
func writeJSON(b *bytes.Buffer, v any) {
	enc, err := json.Marshal(v)
	if err != nil {
		panic(err) // only strings and integers come here
	}
	b.Write(enc)
}
