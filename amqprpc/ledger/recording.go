package ledger

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// A recording is NDJSON: a header line, then one event a line, with short keys:
//
//	{"format":"rpcscope recording","version":1,"start":"2026-01-02T15:04:05.678Z","config":{...}}
//	{"t":0,"k":"sent","id":"7f3a...","a":1,"in":0,"dl":5000000000}
//	{"t":41023,"k":"published","id":"7f3a...","a":1,"ep":1,"m":{"rk":"rpc_queue","rt":"amq.gen-...","b":"30"}}
//	{"t":3104921,"k":"reply","id":"7f3a...","c":"answer","o":"completed","m":{"ai":"fib-1","b":"832040"}}
//
// Times are nanoseconds since "start". A key that would be zero or empty is left out.
//
//	t time   k kind   id   a attempt   ep epoch   in intended   dl deadline   c class   o outcome
//	si since (ns)   by answered by   co code   x text   d delay (ns)   cn connection   m message
//
// of the connection: ad address, pr product, ve version, qu queue; and of a message:
//
//	ex exchange   rk routing key   ct content type   ce content encoding   dm delivery mode
//	pr priority   ci correlation ID, where it is not the event's   rt reply to   xp expiration
//	mi message ID   ts timestamp (unix s)   ty type   ui user ID   ai app ID   rd redelivered
//	h headers, each [key, type, text] or, where the text is cut, [key, type, text, true]
//	hn how many there were, if more   b body, or b64 where it is not UTF-8
//	n the whole body's length, if more
//
// The type of a header is AMQP's letter for it. Strings are UTF-8; a byte that is not is
// written as the lone surrogate \udc80 to \udcff (as Python's surrogateescape does).
// C1 control characters are escaped too, so that a recording can be shown on a terminal.
// Within a version, a reader ignores keys that it does not know.
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
	By      string    `json:"by,omitempty"`
	Config  RunConfig `json:"config"`
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
