package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
)

// A Reader reads a recording, event by event. It holds one line at a time.
type Reader struct {
	in     *bufio.Reader
	header HeaderLine
	line   int
	offset int64 // of the line
	next   int64 // of the line after it
	err    error

	// The current event.
	text    line
	entry   Entry
	message Message
}

// NewReader reads the header line. Its error is a *[RecordingError].
func NewReader(r io.Reader) (*Reader, error) {
	rd := &Reader{in: bufio.NewReaderSize(r, maxLine)}
	line, err := rd.read()
	switch {
	case err == io.EOF, errors.Is(err, ErrLineTooLong):
		return nil, rd.fail(ErrNotRecording)
	case err != nil && err != ErrCutOff:
		return nil, rd.fail(err)
	}
	// Check the version first: other versions may have other types for the rest.
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
	if err := json.Unmarshal(line, &rd.header, format); err != nil {
		return nil, rd.fail(syntaxError(err))
	}
	rd.header.Start = rd.header.Start.UTC()
	return rd, nil
}

// A Place is a place in a recording, before a line.
type Place struct {
	Line   int   // from 1
	Offset int64 // in bytes
}

// Place returns the place of the next event.
func (r *Reader) Place() Place { return Place{Line: r.line + 1, Offset: r.next} }

// Resume returns another Reader of the same recording. It continues at a place that r returned; in
// begins at the offset of that place.
func (r *Reader) Resume(in io.Reader, at Place) *Reader {
	return &Reader{in: bufio.NewReaderSize(in, maxLine), header: r.header, line: at.Line - 1, next: at.Offset}
}

// Header returns the header line.
func (r *Reader) Header() HeaderLine { return r.header }

// Next returns the next event, which is valid until the next call of Next. At the end of the recording the error is io.EOF, otherwise a
// *[RecordingError]. After an error, Next returns the same error again.
func (r *Reader) Next() (*Entry, error) {
	for r.err == nil {
		text, err := r.read()
		if err != nil && err != ErrCutOff {
			if err != io.EOF {
				err = r.fail(err)
			}
			r.err = err
			break
		}
		if len(bytes.TrimSpace(text)) == 0 && err == nil {
			continue
		}
		bad := r.parse(text)
		if bad == nil {
			return &r.entry, nil // the last line may be whole without its newline
		}
		if err == ErrCutOff {
			bad = ErrCutOff
		}
		r.err = r.fail(bad)
	}
	return nil, r.err
}

// ApplyAll applies the events to l, up to the end of the recording or up to the damage, and returns their
// number.
func (r *Reader) ApplyAll(l *Ledger) (n int, err error) {
	for ; ; n++ {
		e, err := r.Next()
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
		l.Apply(e)
	}
}

// syntaxError returns an ErrSyntax with the text of a JSON error, without the name of a library.
func syntaxError(err error) error {
	return fmt.Errorf("%w: %s", ErrSyntax, strings.TrimPrefix(strings.TrimPrefix(err.Error(), "jsontext: "), "json: "))
}

func (r *Reader) parse(text []byte) error {
	r.text = line{Intended: noTime, Deadline: noTime}
	err := json.Unmarshal(text, &r.text, format)
	if err == nil {
		err = r.text.entry(&r.entry, &r.message, r.header.Start)
	}
	if err != nil {
		return syntaxError(err)
	}
	return nil
}

// read returns the next line without its newline, with ErrCutOff if it has none.
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
