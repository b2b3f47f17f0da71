package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// RunFile is the name of the checkpoint in a run directory.
const RunFile = "checkpoint.safetensors"

// Open reads the checkpoint at path, whatever its format: safetensors, or
// PyTorch's .pt, .pth and .pth.tar (see ImportPyTorch, which ctx can stop). A
// directory stands for the file checkpoint.safetensors in it.
func Open(ctx context.Context, path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, openError(path, err)
	}
	if info.IsDir() {
		in := filepath.Join(path, RunFile)
		if _, err := os.Stat(in); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("checkpoint %s: the directory has no %s, so it is no run directory or the run has not saved yet: %w", path, RunFile, fs.ErrNotExist)
		}
		path = in
	}
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	file, err := decodeAny(ctx, f, size)
	return file, inFile(path, err)
}

// decodeAny reads a checkpoint of any supported format.
func decodeAny(ctx context.Context, r io.ReaderAt, size int64) (*File, error) {
	head, err := sniff(r, size)
	if err != nil {
		return nil, err
	}
	switch formatOf(head) {
	case formatSafetensors:
		return Decode(r, size)
	case formatZip, formatLegacy:
		return decodePyTorch(ctx, r, size, head)
	}
	return nil, notACheckpoint(head)
}

// sniff returns the start of the file, enough to tell its format.
func sniff(r io.ReaderAt, size int64) ([]byte, error) {
	head := make([]byte, min(size, 512))
	return head, readAt(r, head, 0)
}

type format int

const (
	formatUnknown format = iota
	formatSafetensors
	formatZip
	formatLegacy
)

// formatOf tells the format by the first bytes. A safetensors header of 128
// bytes starts with 0x80 as a pickle does, so its '{' is looked for first; no
// PyTorch file has one there.
func formatOf(head []byte) format {
	switch {
	case len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) <= maxHeader:
		return formatSafetensors
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return formatZip
	case len(head) > 0 && head[0] == 0x80:
		return formatLegacy
	}
	return formatUnknown
}

// notACheckpoint names what users take for a checkpoint by mistake.
func notACheckpoint(head []byte) error {
	has := func(at int, magic string) bool {
		return len(head) >= at && bytes.HasPrefix(head[at:], []byte(magic))
	}
	lower := bytes.ToLower(bytes.TrimSpace(head))
	switch {
	case len(head) == 0:
		return badf("the file is empty; copy or download it again")
	case has(257, "ustar"):
		return badf("this is a tar archive; PyTorch before 0.1.10 wrote such checkpoints, which are not supported: load it in a later PyTorch and save it again")
	case has(0, "\x1f\x8b"), has(0, "\x28\xb5\x2f\xfd"), has(0, "BZh"), has(0, "\xfd7zXZ"):
		return badf("this is a compressed file; unpack it first")
	case has(0, "version https://git-lfs"):
		return badf("this is a Git LFS pointer, not the file itself; run git lfs pull")
	case bytes.HasPrefix(lower, []byte("<!doctype")), bytes.HasPrefix(lower, []byte("<html")):
		return badf("this is a web page, not a checkpoint; download the file itself")
	case has(0, "PK\x05\x06"):
		return badf("this is an empty zip archive; copy or download it again")
	}
	return badf("the first bytes are neither those of safetensors nor of a PyTorch file (.pt, .pth, .pth.tar): not a checkpoint, or damaged")
}
