package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// A Reader reads a recording, event by event. It holds one line at a time.
type Reader struct {
	in     *bufio.Reader
	header HeaderLine
	line   int
	offset int64 // of the line
	next   int64 // of the one after it
	err    error
	parser parser
}

// NewReader reads the header line. Its error is a *[RecordingError].
func NewReader(r io.Reader) (*Reader, error) {
	rd := &Reader{in: bufio.NewReaderSize(r, maxLine)}
	line, err := rd.read()
	var h HeaderLine
	switch {
	case err == io.EOF, errors.Is(err, ErrLineTooLong):
		return nil, rd.fail(ErrNotRecording)
	case err != nil && err != ErrCutOff:
		return nil, rd.fail(err)
	}
	// The format comes first: other versions may have other types for the rest.
	var id struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if json.Unmarshal(line, &id) != nil || id.Format != recordingFormat || id.Version < 1 {
		if err == ErrCutOff && bytes.HasPrefix(line, []byte(`{"format":"`+recordingFormat+`"`)) {
			return nil, rd.fail(ErrCutOff)
		}
		return nil, rd.fail(ErrNotRecording)
	}
	if id.Version > recordingVersion {
		return nil, rd.fail(ErrNewerVersion)
	}
	if err := json.Unmarshal(line, &h); err != nil {
		return nil, rd.fail(errors.Join(ErrSyntax, err))
	}
	h.Start = h.Start.UTC()
	rd.header = h
	rd.parser.start = h.Start
	return rd, nil
}

// A Place is where a [Reader] is in its recording: before a line.
type Place struct {
	Line   int   // from 1
	Offset int64 // in bytes
}

// Place returns where the next event is read from.
func (r *Reader) Place() Place { return Place{Line: r.line + 1, Offset: r.next} }

// Resume returns another Reader of the same recording, which goes on at a place where r
// has been. in begins there: at the offset of that place.
func (r *Reader) Resume(in io.Reader, at Place) *Reader {
	return &Reader{
		in: bufio.NewReaderSize(in, maxLine), header: r.header, line: at.Line - 1, next: at.Offset,
		parser: parser{start: r.header.Start},
	}
}

// Header returns the header line.
func (r *Reader) Header() HeaderLine { return r.header }

// Next returns the next event, which is good until the next call of Next, though its
// strings are good for ever. At the end the error is io.EOF, else a *[RecordingError];
// once there was an error, there is nothing more.
func (r *Reader) Next() (*Entry, error) {
	for r.err == nil {
		line, err := r.read()
		if err != nil && err != ErrCutOff {
			if err != io.EOF {
				err = r.fail(err)
			}
			r.err = err
			break
		}
		if len(bytes.TrimSpace(line)) == 0 && err == nil {
			continue
		}
		e, bad := r.parser.parse(line)
		if bad == nil {
			return e, nil // a last line without its newline may well be whole
		}
		if err == ErrCutOff {
			bad = ErrCutOff
		}
		r.err = r.fail(bad)
	}
	return nil, r.err
}

// read returns the next line without its newline, with ErrCutOff where it had none.
func (r *Reader) read() ([]byte, error) {
	r.line++
	r.offset = r.next
	line, err := r.in.ReadSlice('\n')
	r.next += int64(len(line))
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case err == bufio.ErrBufferFull:
		return nil, ErrLineTooLong
	case err == io.EOF && len(line) > 0:
		return line, ErrCutOff
	}
	return nil, err
}

func (r *Reader) fail(err error) error {
	return &RecordingError{Line: r.line, Offset: r.offset, Err: err}
}
