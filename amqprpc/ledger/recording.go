package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The format is described in the package's documentation.
const (
	recordingFormat  = "rpcscope recording"
	recordingVersion = 1
)

// maxLine is the greatest length of a line, in bytes. The longest that a [Recorder]
// writes is about half of it.
const maxLine = 256 << 10

// A HeaderLine is the first line of a recording. It has nothing to do with AMQP's
// headers.
type HeaderLine struct {
	Format  string    `json:"format"`  // set by the Recorder
	Version int       `json:"version"` // set by the Recorder
	Start   time.Time `json:"start"`   // set by the Recorder: the time of the first event
	By      string    `json:"by"`
	// Config is one line of JSON that says what the run was asked to do. It is written as it is.
	Config json.RawMessage `json:"config"`
}

// The kinds of damage that a [RecordingError] can wrap besides an I/O error.
var (
	// ErrNotRecording: the first line is no header of a recording.
	ErrNotRecording = errors.New("not an rpcscope recording")
	// ErrNewerVersion: a newer rpcscope wrote it.
	ErrNewerVersion = fmt.Errorf("a newer version of recordings than %d, the newest known here", recordingVersion)
	// ErrCutOff: the last line is not whole.
	ErrCutOff = errors.New("the recording is cut off here")
	// ErrLineTooLong: no recorder writes such a line.
	ErrLineTooLong = fmt.Errorf("line longer than %d bytes", maxLine)
	// ErrSyntax: the line is not JSON, or not the JSON of an event.
	ErrSyntax = errors.New("damaged line")
)

// A RecordingError says where a recording cannot be read further. The events of the
// lines before are good.
type RecordingError struct {
	Line   int   // from 1
	Offset int64 // of the beginning of the line, in bytes
	Err    error
}

// Error names the line.
func (e *RecordingError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns Err.
func (e *RecordingError) Unwrap() error { return e.Err }

// An Applier takes the events of a recording: a [Ledger], mostly.
type Applier interface{ Apply(*Entry) }

// Replay feeds a whole recording to a and returns how many events it held. Where the
// error is a *[RecordingError], the events before the damage have been fed.
func Replay(r io.Reader, a Applier) (HeaderLine, int, error) {
	rd, err := NewReader(r)
	if err != nil {
		return HeaderLine{}, 0, err
	}
	for n := 0; ; n++ {
		e, err := rd.Next()
		if err == io.EOF {
			return rd.Header(), n, nil
		}
		if err != nil {
			return rd.Header(), n, err
		}
		a.Apply(e)
	}
}
