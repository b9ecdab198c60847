package ledger

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rpcscope/amqprpc"
)

// A line is one line of a recording: an event. Its keys are part of the format: see the package's
// documentation. Times and durations are in nanoseconds, times since the start of the recording.
type line struct {
	Time       int64           `json:"t"`
	Kind       text            `json:"k"`
	ID         text            `json:"id,omitzero"`
	Attempt    int             `json:"a,omitzero"`
	Epoch      int             `json:"ep,omitzero"`
	Intended   lineTime        `json:"in,omitzero"`
	Deadline   lineTime        `json:"dl,omitzero"`
	Class      amqprpc.Class   `json:"c,omitzero"`
	Outcome    amqprpc.Outcome `json:"o,omitzero"`
	Since      int64           `json:"si,omitzero"`
	AnsweredBy text            `json:"by,omitzero"`
	Code       int             `json:"co,omitzero"`
	Text       text            `json:"x,omitzero"`
	Delay      int64           `json:"d,omitzero"`
	Connection *connectionLine `json:"cn,omitzero"`
	Message    *messageLine    `json:"m,omitzero"`

	message messageLine // set makes Message point to it
}

// A lineTime is a time in a line, or noTime.
type lineTime int64

// IsZero reports whether the line leaves out the time.
func (t lineTime) IsZero() bool { return t == noTime }

type connectionLine struct {
	Address text `json:"ad,omitzero"`
	Product text `json:"pr,omitzero"`
	Version text `json:"ve,omitzero"`
	Queue   text `json:"qu,omitzero"`
}

type messageLine struct {
	Exchange        text        `json:"ex,omitzero"`
	RoutingKey      text        `json:"rk,omitzero"`
	ContentType     text        `json:"ct,omitzero"`
	ContentEncoding text        `json:"ce,omitzero"`
	CorrelationID   *text       `json:"ci,omitzero"` // nil if it is the event's
	ReplyTo         text        `json:"rt,omitzero"`
	Expiration      text        `json:"xp,omitzero"`
	MessageID       text        `json:"mi,omitzero"`
	Type            text        `json:"ty,omitzero"`
	UserID          text        `json:"ui,omitzero"`
	AppID           text        `json:"ai,omitzero"`
	DeliveryMode    uint8       `json:"dm,omitzero"`
	Priority        uint8       `json:"pr,omitzero"`
	Timestamp       *int64      `json:"ts,omitzero"` // in Unix seconds
	Redelivered     bool        `json:"rd,omitzero"`
	Headers         headersLine `json:"h,omitzero"`
	HeadersTotal    int         `json:"hn,omitzero"` // 0 if all are in Headers
	Text            text        `json:"b,omitzero"`  // the body if it is UTF-8
	Binary          []byte      `json:"b64,omitzero"`
	BodyLen         int         `json:"n,omitzero"` // 0 if all of the body is here
}

// set makes l the line of e, which happened at the offset at.
func (l *line) set(e *Entry, at int64, c *clock) {
	*l = line{
		Time: at, Kind: text(kindName(e.Kind)), ID: text(prefix(e.ID, maxShort)), Attempt: e.Attempt, Epoch: e.Epoch,
		Class: e.Class, Outcome: e.Outcome,
		Since: int64(e.Since), AnsweredBy: text(prefix(e.AnsweredBy, maxShort)), Code: e.Code,
		Text: text(prefix(e.Text, maxText)), Delay: int64(e.Delay),
		Intended: lineTime(c.offset(e.Intended)), Deadline: lineTime(c.offset(e.Deadline)),
	}
	if i := e.Connection; i != nil {
		l.Connection = &connectionLine{
			Address: text(prefix(i.Address, maxShort)), Product: text(prefix(i.Product, maxShort)),
			Version: text(prefix(i.Version, maxShort)), Queue: text(prefix(i.Queue, maxShort)),
		}
	}
	if e.message != nil {
		l.Message = &l.message
		l.Message.set(e.message, string(l.ID))
	}
}

func (l *messageLine) set(m *Message, id string) {
	*l = messageLine{
		Exchange: text(m.Exchange), RoutingKey: text(m.RoutingKey), ContentType: text(m.ContentType),
		ContentEncoding: text(m.ContentEncoding), ReplyTo: text(m.ReplyTo), Expiration: text(m.Expiration),
		MessageID: text(m.MessageID), Type: text(m.Type), UserID: text(m.UserID), AppID: text(m.AppID),
		DeliveryMode: m.DeliveryMode, Priority: m.Priority, Redelivered: m.Redelivered,
	}
	if m.CorrelationID != id {
		l.CorrelationID = (*text)(&m.CorrelationID)
	}
	if !m.Timestamp.IsZero() {
		l.Timestamp = new(m.Timestamp.Unix())
	}
	if len(m.Headers) > 0 {
		l.Headers = m.Headers
	}
	if m.HeadersTotal != len(m.Headers) {
		l.HeadersTotal = m.HeadersTotal
	}
	if utf8.Valid(m.Body) {
		l.Text = text(m.Body)
	} else {
		l.Binary = m.Body
	}
	if m.BodyLen != len(m.Body) {
		l.BodyLen = m.BodyLen
	}
}

// entry sets e to the event of l, and m to its message, in a recording that begins at start.
func (l *line) entry(e *Entry, m *Message, start time.Time) error {
	kind, known := kinds[string(l.Kind)]
	if !known {
		return fmt.Errorf("no such kind of event: %q", l.Kind)
	}
	*e = Entry{Event: amqprpc.Event{
		Kind: kind, Class: l.Class, Outcome: l.Outcome, Time: start.Add(time.Duration(clampOffset(l.Time))),
		ID: prefix(string(l.ID), maxShort), Attempt: l.Attempt, Epoch: l.Epoch, Since: time.Duration(l.Since),
		AnsweredBy: prefix(string(l.AnsweredBy), maxShort), Code: l.Code, Text: prefix(string(l.Text), maxText),
		Delay: time.Duration(l.Delay),
	}}
	if l.Intended != noTime {
		e.Intended = start.Add(time.Duration(clampOffset(int64(l.Intended))))
	}
	if l.Deadline != noTime {
		e.Deadline = start.Add(time.Duration(clampOffset(int64(l.Deadline))))
	}
	if c := l.Connection; c != nil {
		e.Connection = &amqprpc.ConnectionInfo{
			Address: string(c.Address), Product: string(c.Product), Version: string(c.Version), Queue: string(c.Queue),
		}
	}
	if l.Message != nil {
		l.Message.message(m, e.ID)
		e.message = m
	}
	return nil
}

func (l *messageLine) message(m *Message, id string) {
	*m = Message{
		Message: amqprpc.Message{
			Exchange: string(l.Exchange), RoutingKey: string(l.RoutingKey), ContentType: string(l.ContentType),
			ContentEncoding: string(l.ContentEncoding), CorrelationID: id, ReplyTo: string(l.ReplyTo),
			Expiration: string(l.Expiration), MessageID: string(l.MessageID), Type: string(l.Type),
			UserID: string(l.UserID), AppID: string(l.AppID), DeliveryMode: l.DeliveryMode, Priority: l.Priority,
			Redelivered: l.Redelivered, Body: l.Binary,
		},
		Headers:      l.Headers,
		HeadersTotal: max(len(l.Headers), min(l.HeadersTotal, math.MaxInt32)),
	}
	if l.CorrelationID != nil {
		m.CorrelationID = string(*l.CorrelationID)
	}
	if l.Timestamp != nil {
		m.Timestamp = time.Unix(*l.Timestamp, 0).UTC()
	}
	if l.Text != "" {
		m.Body = []byte(l.Text)
	}
	m.BodyLen = max(len(m.Body), min(l.BodyLen, math.MaxInt32))
	m.cut(MaxBodyBytes, MaxHeaderBytes)
}

// headerLetters is the inverse of headerTypes.
var headerLetters = func() map[string]string {
	m := make(map[string]string)
	for letter, name := range headerTypes {
		m[name] = letter
	}
	return m
}()

// headersLine is an array of headers. Each is [key, type, value], or [key, type, value, true] if the
// value is cut.
type headersLine []Header

func (l headersLine) MarshalJSONTo(enc *jsontext.Encoder) error {
	err := enc.WriteToken(jsontext.BeginArray)
	for _, h := range l {
		err = errors.Join(err, enc.WriteToken(jsontext.BeginArray),
			text(h.Key).MarshalJSONTo(enc), text(headerLetters[h.Type]).MarshalJSONTo(enc), text(h.Value).MarshalJSONTo(enc))
		if h.Cut {
			err = errors.Join(err, enc.WriteToken(jsontext.True))
		}
		err = errors.Join(err, enc.WriteToken(jsontext.EndArray))
	}
	return errors.Join(err, enc.WriteToken(jsontext.EndArray))
}

func (l *headersLine) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return readArray(dec, func() error {
		var h Header
		var letter string
		i := 0
		err := readArray(dec, func() error {
			i++
			switch i {
			case 1:
				return (*text)(&h.Key).UnmarshalJSONFrom(dec)
			case 2:
				return (*text)(&letter).UnmarshalJSONFrom(dec)
			case 3:
				return (*text)(&h.Value).UnmarshalJSONFrom(dec)
			case 4:
				return json.UnmarshalDecode(dec, &h.Cut)
			}
			return dec.SkipValue()
		})
		if err != nil {
			return err
		}
		var known bool
		if h.Type, known = headerTypes[letter]; !known || i < 3 {
			return fmt.Errorf("no header has %d elements and the type %q", i, letter)
		}
		*l = append(*l, h)
		return nil
	})
}

// readArray reads an array; element reads one of its elements.
func readArray(dec *jsontext.Decoder, element func() error) error {
	if dec.PeekKind() != '[' {
		return errors.New("not an array")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}
