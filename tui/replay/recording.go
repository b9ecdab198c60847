package replay

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"

	"rpcscope/amqprpc/ledger"
)

// A recording is a file that can be read from anywhere.
type recording struct {
	file *os.File
	size int64
	from *ledger.Reader // has read the header line
	at   ledger.Place   // after it
}

// gzipMagic is what a gzip file begins with (RFC 1952, 2.3.1).
const gzipMagic = "\x1f\x8b"

// openRecording opens a recording and reads its header line.
func openRecording(path string) (*recording, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular(): // and nothing could be sought in it
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	r := &recording{file: file, size: info.Size()}
	r.from, err = Header(io.NewSectionReader(file, 0, r.size))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.at = r.from.Place()
	return r, nil
}

// Header reads the header line of a recording, as [ledger.NewReader] does, and says more of
// what is none. It wants to read the first bytes twice.
func Header(r io.ReadSeeker) (*ledger.Reader, error) {
	from, err := ledger.NewReader(r)
	if !errors.Is(err, ledger.ErrNotRecording) {
		return from, err
	}
	begin := make([]byte, len(gzipMagic))
	if _, seekErr := r.Seek(0, io.SeekStart); seekErr != nil {
		return nil, err
	}
	switch n, _ := io.ReadFull(r, begin); {
	case n == 0:
		return nil, fmt.Errorf("%w: the file is empty", err)
	case string(begin) == gzipMagic:
		return nil, fmt.Errorf("%w: it is compressed with gzip, so gunzip it first", err)
	}
	return nil, err
}

// begin is a checkpoint before the first event.
func (r *recording) begin() checkpoint {
	return checkpoint{books: ledger.New(ledger.Config{}), place: r.at}
}

// open returns a cursor at a checkpoint, whose books become the cursor's.
func (r *recording) open(at checkpoint) *cursor {
	in := r.from.Resume(io.NewSectionReader(r.file, at.place.Offset, math.MaxInt64-at.place.Offset), at.place)
	c := &cursor{checkpoint: at, in: in}
	c.read()
	return c
}
