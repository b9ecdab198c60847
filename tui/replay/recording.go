package replay

import (
	"bufio"
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
	case info.IsDir():
		return nil, fmt.Errorf("%s is a directory", path)
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
// what is none.
func Header(r io.Reader) (*ledger.Reader, error) {
	in := bufio.NewReader(r)
	begin, _ := in.Peek(len(gzipMagic)) // what is wrong with reading is wrong below, too
	from, err := ledger.NewReader(in)
	switch {
	case !errors.Is(err, ledger.ErrNotRecording):
		return from, err
	case len(begin) == 0:
		return nil, fmt.Errorf("%w: it is empty", err)
	case string(begin) == gzipMagic:
		return nil, fmt.Errorf("%w: it is compressed with gzip, so gunzip it first", err)
	}
	return nil, err
}

// Sum feeds a whole recording to a, without any of the Player's ado, as [ledger.Replay]
// does. Where header's Format is empty, there was not even a header line.
func Sum(r io.Reader, a ledger.Applier) (header ledger.HeaderLine, err error) {
	from, err := Header(r)
	if err != nil {
		return header, err
	}
	for {
		e, err := from.Next()
		switch {
		case err == io.EOF:
			return from.Header(), nil
		case err != nil:
			return from.Header(), err
		}
		a.Apply(e)
	}
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
