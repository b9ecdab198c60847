package ledger

import (
	"bytes"
	"io"
	"sync"

	"github.com/go-json-experiment/json"

	"rpcscope/amqprpc"
)

// recordBuffer is the number of bytes that a [Recorder] writes at once.
const recordBuffer = 64 << 10

// A Recorder writes the events that it observes as a recording. It is an [amqprpc.Observer] and keeps
// nothing but a buffer.
//
// About once in 64 KiB, Observe writes to the underlying writer, and every call waits for that: give it
// a file, not a network. It leaves out events of an unknown kind, class or outcome.
type Recorder struct {
	mu     sync.Mutex
	w      io.Writer
	header HeaderLine
	begun  bool // the header line is in the buffer
	closed bool
	events int64
	err    error
	clock  clock
	buf    bytes.Buffer

	// Scratch space of Observe.
	message Message
	line    line
}

var _ amqprpc.Observer = (*Recorder)(nil)

// NewRecorder returns a Recorder that writes to w. It uses By and Config of the header.
func NewRecorder(w io.Writer, header HeaderLine) *Recorder {
	r := &Recorder{w: w, header: header}
	r.buf.Grow(recordBuffer + recordBuffer/4)
	return r
}

// Observe records e. An error of the writer ends the recording, see [Recorder.Flush].
func (r *Recorder) Observe(e amqprpc.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.err != nil {
		return
	}
	if kindName(e.Kind) == "" || int(e.Class) >= nClasses || int(e.Outcome) >= nOutcomes {
		return
	}
	entry := Entry{Event: e}
	if e.Message != nil {
		r.message.keep(e.Message, MaxBodyBytes, MaxHeaderBytes)
		entry.message = &r.message
	}
	at := r.clock.event(e.Time)
	r.begin()
	r.line.set(&entry, at, &r.clock)
	r.write(&r.line)
	r.events++
	if r.buf.Len() >= recordBuffer {
		r.flush()
	}
}

// begin writes the header line, once.
func (r *Recorder) begin() {
	if r.begun || r.err != nil {
		return
	}
	r.begun = true
	h := &r.header
	h.Format, h.Version, h.Start = recordingFormat, recordingVersion, r.clock.wall
	if len(h.Config) == 0 {
		h.Config = []byte("{}")
	}
	r.write(h)
}

func (r *Recorder) write(line any) {
	if err := json.MarshalWrite(&r.buf, line, format); err != nil {
		r.err = err
		return
	}
	r.buf.WriteByte('\n')
}

func (r *Recorder) flush() {
	if r.err == nil && r.buf.Len() > 0 {
		_, r.err = r.w.Write(r.buf.Bytes())
	}
	r.buf.Reset()
}

// Flush writes the buffer and returns the first error of the writer.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.begin()
		r.flush()
	}
	return r.err
}

// Events returns the number of events recorded. After an error, some of them have not been written.
func (r *Recorder) Events() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}

// Close writes the buffer and returns the first error of the writer, which it does not close. It
// ignores later events.
func (r *Recorder) Close() error {
	err := r.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return err
}
