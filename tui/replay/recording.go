package replay

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/report"
)

// A recording is a file that can be read from anywhere.
type recording struct {
	file *os.File
	size int64
	from *ledger.Reader // has read the header line
	cfg  report.RunConfig
	at   ledger.Place // after the header line
}

// otherwise says of what a recording may have become what it is, by its first bytes.
var otherwise = []struct{ begins, is string }{
	{"\x1f\x8b", "it is compressed with gzip, so gunzip it first"},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd, so unzstd it first"},
	{"\xfd7zXZ", "it is compressed with xz, so unxz it first"},
	{"PK\x03\x04", "it is a ZIP archive, so unzip it first"},
	{"\xef\xbb\xbf", "it begins with a byte order mark, which some editor has put there"},
	{"\xff\xfe", "it is UTF-16, and recordings are UTF-8"},
	{"\xfe\xff", "it is UTF-16, and recordings are UTF-8"},
}

// longestMagic is the greatest length of the bytes to go by.
const longestMagic = 5

// ErrContradicts: the recording can be read, and is not what a client has told of.
var ErrContradicts = errors.New("cannot be true where they stand, such as the end of a call that has not begun, and are left out: " +
	"lines are missing, doubled, altered or out of order")

// Contradictions returns an ErrContradicts where books that a recording was fed to have left
// out events, else nil.
func Contradictions(books *ledger.Snapshot) error {
	if n := books.Traffic.Ignored; n > 0 {
		return fmt.Errorf("%d of its events %w", n, ErrContradicts)
	}
	return nil
}

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
	r.from, r.cfg, err = readHeader(io.NewSectionReader(file, 0, r.size))
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	r.at = r.from.Place()
	return r, nil
}

// readHeader reads the header line of a recording, as [ledger.NewReader] does. Its error says more
// if there is none.
func readHeader(r io.Reader) (*ledger.Reader, report.RunConfig, error) {
	in := bufio.NewReader(r)
	begin, _ := in.Peek(longestMagic) // what is wrong with reading is wrong below, too
	from, err := ledger.NewReader(in)
	switch {
	case err == nil:
		cfg, err := report.ConfigOf(from.Header())
		return from, cfg, err
	case !errors.Is(err, ledger.ErrNotRecording):
	case len(begin) == 0:
		err = fmt.Errorf("%w: it is empty", err)
	default:
		for _, other := range otherwise {
			if strings.HasPrefix(string(begin), other.begins) {
				err = fmt.Errorf("%w: %s", err, other.is)
				break
			}
		}
	}
	return nil, report.RunConfig{}, err
}

// Sum feeds a whole recording to a, without any of the Player's ado, as [ledger.Replay]
// does. It returns the run's config, nil if there was not even a header line.
func Sum(r io.Reader, a ledger.Applier) (*report.RunConfig, error) {
	from, cfg, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	for {
		e, err := from.Next()
		switch {
		case err == io.EOF:
			return &cfg, nil
		case err != nil:
			return &cfg, err
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
