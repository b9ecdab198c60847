package ledger

import (
	"encoding/base64"
	"io"
	"strconv"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"rpcscope/amqprpc"
)

// recordBuffer is how much is written at once.
const recordBuffer = 64 << 10

// A Recorder writes what it observes as a recording. It is an [amqprpc.Observer] and
// keeps nothing but a buffer.
//
// About once in 64 KiB, Observe writes to the underlying writer, and waits for it, in the
// way of every call: give it a file, not a network. Events of no known kind, class or
// outcome are left out.
type Recorder struct {
	mu      sync.Mutex
	w       io.Writer
	header  HeaderLine
	begun   bool // the header line is in the buffer
	closed  bool
	events  int64
	err     error
	clock   clock
	buf     []byte
	entry   Entry
	msg     []byte
	headers headerWriter
}

var _ amqprpc.Observer = (*Recorder)(nil)

// NewRecorder returns a Recorder that writes to w. Of header it takes By and Config.
func NewRecorder(w io.Writer, header HeaderLine) *Recorder {
	return &Recorder{w: w, header: header, buf: make([]byte, 0, recordBuffer+recordBuffer/4)}
}

// Observe records e. Errors of the writer are kept for [Recorder.Err] and end the
// recording.
func (r *Recorder) Observe(e amqprpc.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.err != nil {
		return
	}
	if kindName(e.Kind) == "" || int(e.Class) >= nClasses || int(e.Outcome) >= nOutcomes {
		return
	}
	r.entry = Entry{Event: e}
	r.entry.Event.Message = nil
	if e.Message != nil {
		r.msg = appendMessage(r.msg[:0], e.Message, MaxBodyBytes, MaxHeaderBytes, &r.headers)
		r.entry.msg = r.msg
	}
	at := r.clock.event(e.Time)
	r.begin()
	r.buf = appendLine(r.buf, &r.entry, at, &r.clock)
	r.events++
	if len(r.buf) >= recordBuffer {
		r.flush()
	}
}

func (r *Recorder) begin() {
	if r.begun || r.err != nil {
		return
	}
	r.begun = true
	r.buf = append(r.buf, `{"format":"`+recordingFormat+`","version":`...)
	r.buf = strconv.AppendInt(r.buf, recordingVersion, 10)
	r.buf = r.clock.wall.AppendFormat(append(r.buf, `,"start":"`...), time.RFC3339Nano)
	r.buf = append(r.buf, '"')
	r.buf = appendString(r.buf, `,"by":`, r.header.By)
	r.buf = append(r.buf, `,"config":`...)
	if len(r.header.Config) == 0 {
		r.buf = append(r.buf, "{}"...)
	}
	r.buf = append(append(r.buf, r.header.Config...), "}\n"...)
}

func (r *Recorder) flush() {
	if r.err == nil && len(r.buf) > 0 {
		_, r.err = r.w.Write(r.buf)
	}
	r.buf = r.buf[:0]
}

// Flush writes what is buffered and returns the first error there was.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.begin()
		r.flush()
	}
	return r.err
}

// Err returns the first error of the writer.
func (r *Recorder) Err() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

// Events returns how many events have been recorded. If there was an error, not all of them
// have been written.
func (r *Recorder) Events() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}

// Close writes what is buffered and returns the first error there was. It does not
// close the writer. What is observed later is lost.
func (r *Recorder) Close() error {
	err := r.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	return err
}

// appendLine appends the line of e, newline included. See recording.go for the keys.
func appendLine(b []byte, e *Entry, at int64, c *clock) []byte {
	b = append(b, `{"t":`...)
	b = strconv.AppendInt(b, at, 10)
	b = append(b, `,"k":"`...)
	b = append(b, kindName(e.Kind)...)
	b = append(b, '"')
	b = appendString(b, `,"id":`, e.ID[:min(len(e.ID), maxShort)])
	b = appendInt(b, `,"a":`, int64(e.Attempt))
	b = appendInt(b, `,"ep":`, int64(e.Epoch))
	b = appendTime(b, `,"in":`, e.Intended, c)
	b = appendTime(b, `,"dl":`, e.Deadline, c)
	if e.Class != amqprpc.NoClass {
		b = appendString(b, `,"c":`, e.Class.String())
	}
	if e.Outcome != amqprpc.InFlight {
		b = appendString(b, `,"o":`, e.Outcome.String())
	}
	b = appendInt(b, `,"si":`, int64(e.Since))
	b = appendString(b, `,"by":`, e.AnsweredBy[:min(len(e.AnsweredBy), maxShort)])
	b = appendInt(b, `,"co":`, int64(e.Code))
	b = appendString(b, `,"x":`, e.Text[:min(len(e.Text), maxText)])
	b = appendInt(b, `,"d":`, int64(e.Delay))
	if i := e.Connection; i != nil {
		b = append(b, `,"cn":{`...)
		start := len(b)
		b = appendString(b, `,"ad":`, i.Address[:min(len(i.Address), maxShort)])
		b = appendString(b, `,"pr":`, i.Product[:min(len(i.Product), maxShort)])
		b = appendString(b, `,"ve":`, i.Version[:min(len(i.Version), maxShort)])
		b = appendString(b, `,"qu":`, i.Queue[:min(len(i.Queue), maxShort)])
		b = append(dropComma(b, start), '}')
	}
	if e.msg != nil {
		b = appendMessageJSON(b, e)
	}
	return append(b, '}', '\n')
}

// propKeys are the keys of a message's properties, with what comes before them.
var propKeys = [nProps]string{
	pExchange: `,"ex":`, pRoutingKey: `,"rk":`, pContentType: `,"ct":`, pContentEncoding: `,"ce":`,
	pCorrelationID: `,"ci":`, pReplyTo: `,"rt":`, pExpiration: `,"xp":`, pMessageID: `,"mi":`,
	pType: `,"ty":`, pUserID: `,"ui":`, pAppID: `,"ai":`,
}

func appendMessageJSON(b []byte, e *Entry) []byte {
	r := parseRaw(e.msg)
	b = append(b, `,"m":{`...)
	start := len(b)
	for i, p := range r.props {
		switch {
		case i == pCorrelationID && string(p) == e.ID:
		case i == pCorrelationID && len(p) == 0:
			b = append(b, `,"ci":""`...)
		default:
			b = appendString(b, propKeys[i], p)
		}
	}
	b = appendInt(b, `,"dm":`, int64(r.mode))
	b = appendInt(b, `,"pr":`, int64(r.priority))
	if r.timestamp != noTime {
		b = append(b, `,"ts":`...)
		b = strconv.AppendInt(b, r.timestamp, 10)
	}
	if r.redelivered {
		b = append(b, `,"rd":true`...)
	}
	if len(r.headers) > 0 {
		b = append(b, `,"h":`...)
		sep, kept := byte('['), 0
		eachHeader(r.headers, func(key []byte, typ byte, cut bool, value []byte) bool {
			b = append(b, sep, '[')
			sep = ','
			b = appendQuoted(b, key)
			b = append(b, ',', '"', typ, '"', ',')
			b = appendQuoted(b, value)
			if cut {
				b = append(b, ",true"...)
			}
			b = append(b, ']')
			kept++
			return true
		})
		b = append(b, ']')
		if r.headersTotal != kept {
			b = appendInt(b, `,"hn":`, int64(r.headersTotal))
		}
	} else {
		b = appendInt(b, `,"hn":`, int64(r.headersTotal))
	}
	switch {
	case len(r.body) == 0:
	case utf8.Valid(r.body):
		b = appendString(b, `,"b":`, r.body)
	default:
		b = append(b, `,"b64":"`...)
		b = base64.StdEncoding.AppendEncode(b, r.body)
		b = append(b, '"')
	}
	if r.bodyLen != len(r.body) {
		b = appendInt(b, `,"n":`, int64(r.bodyLen))
	}
	return append(dropComma(b, start), '}')
}

// dropComma removes the comma before the first member of an object.
func dropComma(b []byte, start int) []byte {
	if len(b) > start {
		b = append(b[:start], b[start+1:]...)
	}
	return b
}

func appendInt(b []byte, key string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), n, 10)
}

func appendTime(b []byte, key string, t time.Time, c *clock) []byte {
	if t.IsZero() {
		return b
	}
	return strconv.AppendInt(append(b, key...), c.offset(t), 10)
}

func appendString[S string | []byte](b []byte, key string, s S) []byte {
	if len(s) == 0 {
		return b
	}
	return appendQuoted(append(b, key...), s)
}

// plain marks the bytes that stand for themselves in a JSON string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < 0x7f; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// drives reports whether a terminal does more with r than to show it: control characters
// (DEL and the C1 controls too, of which U+009B begins an escape sequence), and what
// changes the direction of text. All of them are below U+10000.
func drives(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// appendQuoted appends s as a JSON string that loses nothing, see recording.go, and does
// nothing to a terminal.
func appendQuoted[S string | []byte](b []byte, s S) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		size, escape := 1, rune(c)
		if c >= utf8.RuneSelf {
			var r rune
			r, size = utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			switch {
			case r == utf8.RuneError && size == 1:
				escape = 0xdc00 | rune(c)
			case drives(r):
				escape = r
			default:
				i += size
				continue
			}
		}
		b = append(b, s[from:i]...)
		switch escape {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, '\\', 'u', digits[escape>>12&15], digits[escape>>8&15], digits[escape>>4&15], digits[escape&15])
		}
		i += size
		from = i
	}
	b = append(b, s[from:]...)
	return append(b, '"')
}
