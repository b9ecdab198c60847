package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The package's documentation describes the format.
const (
	recordingFormat  = "rpcscope recording"
	recordingVersion = 1
)

// maxLine is the maximum length of a line, in bytes. The longest line that a [Recorder] writes is about
// half as long.
const maxLine = 256 << 10

// A HeaderLine is the first line of a recording. It has nothing to do with AMQP's headers.
type HeaderLine struct {
	Format  string    `json:"format"`      // set by the Recorder
	Version int       `json:"version"`     // set by the Recorder
	Start   time.Time `json:"start"`       // set by the Recorder: the time of the first event
	By      string    `json:"by,omitzero"` // the program that wrote it
	// Config is the configuration of the run.
	Config json.RawMessage `json:"config"`
}

// The kinds of damage that a [RecordingError] can wrap, besides an I/O error.
var (
	// ErrNotRecording: the first line is not the header of a recording.
	ErrNotRecording = errors.New("not an rpcscope recording")
	// ErrNewerVersion: a newer rpcscope wrote it.
	ErrNewerVersion = fmt.Errorf("a newer version of recordings than %d, the newest known here", recordingVersion)
	// ErrCutOff: the last line is incomplete.
	ErrCutOff = errors.New("the recording is cut off here")
	// ErrLineTooLong: no recorder writes such a line.
	ErrLineTooLong = fmt.Errorf("line longer than %d bytes", maxLine)
	// ErrSyntax: the line is not JSON, or not the JSON of an event.
	ErrSyntax = errors.New("damaged line")
)

// A RecordingError tells from which line on a recording cannot be read. The events of the lines before
// are good.
type RecordingError struct {
	Line   int   // from 1
	Offset int64 // of the beginning of the line, in bytes
	Err    error
}

// Error names the line.
func (e *RecordingError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *RecordingError) Unwrap() error { return e.Err }

// Replay applies the events of a recording to l and returns their number. If the error is a
// *[RecordingError], it has applied the events before the damage.
func Replay(r io.Reader, l *Ledger) (HeaderLine, int, error) {
	rd, err := NewReader(r)
	if err != nil {
		return HeaderLine{}, 0, err
	}
	n, err := rd.ApplyAll(l)
	return rd.Header(), n, err
}
