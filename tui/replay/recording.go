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

// A recording is an open file.
type recording struct {
	file  *os.File
	size  int64
	from  *ledger.Reader // has read the header line
	cfg   report.RunConfig
	start ledger.Place // after the header line
}

// otherFormats has the first bytes of other formats that a recording may have been converted to.
var otherFormats = []struct{ magic, advice string }{
	{"\x1f\x8b", "it is compressed with gzip, so gunzip it first"},
	{"\x28\xb5\x2f\xfd", "it is compressed with zstd, so unzstd it first"},
	{"\xfd7zXZ", "it is compressed with xz, so unxz it first"},
	{"PK\x03\x04", "it is a ZIP archive, so unzip it first"},
	{"\xef\xbb\xbf", "it begins with a byte order mark, which some editor has put there"},
	{"\xff\xfe", "it is UTF-16, and recordings are UTF-8"},
	{"\xfe\xff", "it is UTF-16, and recordings are UTF-8"},
}

const maxMagic = 5 // bytes

// ErrContradicts: the recording can be read, but has events that no client can have reported.
var ErrContradicts = errors.New("cannot be true where they stand, such as the end of a call that has not begun, and are left out: " +
	"lines are missing, doubled, altered or out of order")

// Contradictions returns an ErrContradicts if a ledger has ignored events of a recording.
func Contradictions(s *ledger.Snapshot) error {
	if n := s.Traffic.Ignored; n > 0 {
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
	case !info.Mode().IsRegular(): // it cannot be read from anywhere
		return nil, fmt.Errorf("%s is not a regular file", path)
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
	r.start = r.from.Place()
	return r, nil
}

// readHeader reads the header line of a recording. If the file is known to be of another format, the error
// says so.
func readHeader(r io.Reader) (*ledger.Reader, report.RunConfig, error) {
	in := bufio.NewReader(r)
	begin, _ := in.Peek(maxMagic) // NewReader returns the error
	from, err := ledger.NewReader(in)
	switch {
	case err == nil:
		cfg, err := report.ConfigOf(from.Header())
		return from, cfg, err
	case !errors.Is(err, ledger.ErrNotRecording):
	case len(begin) == 0:
		err = fmt.Errorf("%w: it is empty", err)
	default:
		for _, other := range otherFormats {
			if strings.HasPrefix(string(begin), other.magic) {
				err = fmt.Errorf("%w: %s", err, other.advice)
				break
			}
		}
	}
	return nil, report.RunConfig{}, err
}

// Sum applies a whole recording to l, without a Player. It returns the configuration of the run, or nil
// if there was no header line.
func Sum(r io.Reader, l *ledger.Ledger) (*report.RunConfig, error) {
	from, cfg, err := readHeader(r)
	if err != nil {
		return nil, err
	}
	_, err = from.ApplyAll(l)
	return &cfg, err
}

// begin returns a checkpoint before the first event.
func (r *recording) begin() checkpoint {
	return checkpoint{state: ledger.New(ledger.Config{}), place: r.start}
}

// open returns a cursor at a checkpoint. It changes the state of the checkpoint.
func (r *recording) open(at checkpoint) *cursor {
	in := r.from.Resume(io.NewSectionReader(r.file, at.place.Offset, math.MaxInt64-at.place.Offset), at.place)
	c := &cursor{checkpoint: at, in: in}
	c.read()
	return c
}
