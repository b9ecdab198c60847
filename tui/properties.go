package tui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// Bounds for the width of the column of names. The longest property is "content_encoding".
const minNameWidth, maxNameWidth = 18, 28

// A propertyList is a text of named values, w cells wide.
type propertyList struct {
	*text.Styles
	w, nameWidth int
	lines        []text.Line
}

// add writes a name, a value that may be from elsewhere, and a note of ours, in as many lines as they take.
func (p *propertyList) add(name, value, note string) {
	width := p.nameWidth
	if p.w < 2*width { // the values need the room
		width = 2
		p.lines = append(p.lines, text.Line{p.Label.Span(text.Escape(name, p.w))})
		name = ""
	}
	for _, part := range text.Fold(text.Escape(value, 1<<20), max(p.w-width, 1)) {
		p.lines = append(p.lines, text.Line{p.Label.Span(text.Left(text.Escape(name, width-1), width)), p.Plain.Span(part)})
		name = ""
	}
	if note == "" {
		return
	}
	gap := "  "
	if value == "" {
		gap = ""
	}
	last := &p.lines[len(p.lines)-1]
	if last.Width()+text.Width(gap+note) <= p.w {
		*last = append(*last, p.Faint.Span(gap+note))
		return
	}
	for _, part := range text.Wrap(note, max(p.w-width, 1)) {
		p.lines = append(p.lines, text.Line{text.Gap(width), p.Faint.Span(part)})
	}
}

// addWords writes a text of ours.
func (p *propertyList) addWords(s string) {
	for _, part := range text.Wrap(s, p.w) {
		p.lines = append(p.lines, text.Line{p.Faint.Span(part)})
	}
}

// properties lists a message: its address, properties, headers and body.
func properties(st *text.Styles, e *explain.Evidence, event, w int) []text.Line {
	if w <= 0 {
		return nil
	}
	p := &propertyList{Styles: st, w: w, nameWidth: minNameWidth}
	if event < 0 {
		p.addWords("No message is remembered: none was published, or there was no room for it.")
		return p.lines
	}
	m := e.Message(event)
	for i := range m.Headers {
		p.nameWidth = max(p.nameWidth, min(2+text.Width(text.Escape(m.Headers[i].Key, maxNameWidth))+2, maxNameWidth))
	}
	if m.Exchange == "" {
		p.add("exchange", "", "(default)")
	} else {
		p.add("exchange", m.Exchange, "")
	}
	p.add("routing key", m.RoutingKey, "")
	if e.Events[event].Kind == amqprpc.EventReply {
		redelivered := "no"
		if m.Redelivered {
			redelivered = "yes"
		}
		p.add("redelivered", redelivered, "this reply, not its request")
	}
	p.addBasic(m)
	p.addHeaders(e, m)
	p.addBody(m)
	return p.lines
}

// addBasic lists the basic properties in the order of AMQP, and the names of those that are not set.
func (p *propertyList) addBasic(m *ledger.Message) {
	var mode, priority, timestamp, byHand string
	modeName := "no such mode"
	if m.DeliveryMode != 0 {
		mode = strconv.Itoa(int(m.DeliveryMode))
	}
	switch m.DeliveryMode {
	case 1:
		modeName = "transient"
	case 2:
		modeName = "persistent"
	}
	if m.Priority != 0 {
		priority = strconv.Itoa(int(m.Priority))
	}
	if !m.Timestamp.IsZero() {
		timestamp = m.Timestamp.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	if m.AppID == lab.InjectorName {
		byHand = "sent by hand from this program"
	}
	var unset []string
	for _, property := range []struct{ name, value, note string }{
		{"content_type", m.ContentType, ""},
		{"content_encoding", m.ContentEncoding, ""},
		{"headers", "", ""}, // listed below
		{"delivery_mode", mode, modeName},
		{"priority", priority, ""},
		{"correlation_id", m.CorrelationID, ""},
		{"reply_to", m.ReplyTo, ""},
		{"expiration", m.Expiration, expirationNote(m.Expiration)},
		{"message_id", m.MessageID, ""},
		{"timestamp", timestamp, ""},
		{"type", m.Type, ""},
		{"user_id", m.UserID, ""},
		{"app_id", m.AppID, byHand},
	} {
		switch {
		case property.value != "":
			p.add(property.name, property.value, property.note)
		case property.name != "headers" || !hasHeaders(m):
			unset = append(unset, property.name)
		}
	}
	p.addWords("(unset: " + strings.Join(append(unset, "cluster_id (obsolete)"), ", ") + ")")
}

func hasHeaders(m *ledger.Message) bool { return m.HeadersTotal > 0 || len(m.Headers) > 0 }

func expirationNote(s string) string {
	ms, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return "not a number of ms"
	}
	return "ms, " + text.Millis(float64(ms))
}

// addHeaders lists the headers with their types, and the times in x-rpc.
func (p *propertyList) addHeaders(e *explain.Evidence, m *ledger.Message) {
	if !hasHeaders(m) {
		return
	}
	p.lines = append(p.lines, text.Line{p.Label.Span(text.Left("headers", p.nameWidth)), p.Plain.Span(text.Count(m.HeadersTotal))})
	for _, h := range m.Headers {
		note := h.Type
		if h.Cut {
			note += ", cut"
		}
		p.add("  "+h.Key, h.Value, note)
	}
	meta, _ := m.Meta()
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"deadline", meta.Deadline}, {"received", meta.Received}, {"replied", meta.Replied}} {
		if t.at.IsZero() {
			continue
		}
		note := "by x-rpc"
		if e.Ours {
			note += ", " + text.Offset(t.at.Sub(e.Sent))
		}
		p.add("  "+t.name, t.at.UTC().Format("2006-01-02 15:04:05.000000 UTC"), note)
	}
	if more := m.HeadersTotal - len(m.Headers); more > 0 {
		p.addWords(text.Plural(more, "more header is", "more headers are") + " not remembered")
	}
}

// addBody writes a body as text, or else as a hex dump.
func (p *propertyList) addBody(m *ledger.Message) {
	size := text.Plural(m.BodyLen, "byte", "bytes")
	switch {
	case m.BodyLen == 0:
		p.add("body", "", "empty")
		return
	case len(m.Body) == 0:
		p.add("body", "", size+", not remembered")
		return
	case len(m.Body) < m.BodyLen:
		size = "the first " + text.Count(len(m.Body)) + " of " + size
	}
	s := text.TrimPartialRune(string(m.Body), m.BodyLen)
	if !text.IsText(s) {
		p.add("body", "", size+", not text")
		p.addDump(m.Body)
		return
	}
	p.add("body", "", size)
	for l := range strings.Lines(s) {
		l = strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r")
		for _, part := range text.Fold(text.Escape(l, 1<<20), max(p.w-2, 1)) {
			p.lines = append(p.lines, text.Line{text.Gap(2), p.Plain.Span(part)})
		}
	}
}

// addDump writes bytes as hexadecimal numbers and as characters.
func (p *propertyList) addDump(b []byte) {
	each := 16
	for each > 1 && 2+4+2+3*each+1+each > p.w {
		each /= 2
	}
	for at := 0; at < len(b); at += each {
		row := b[at:min(at+each, len(b))]
		var chars strings.Builder
		for _, c := range row {
			if c < ' ' || c > '~' {
				c = '.'
			}
			chars.WriteByte(c)
		}
		p.lines = append(p.lines, text.Line{
			p.Faint.Span(fmt.Sprintf("  %04x  ", at)), p.Plain.Span(text.Left(fmt.Sprintf("% x ", row), 3*each+1)), p.Faint.Span(chars.String()),
		})
	}
}

// window returns the lines from top on that fit in so many rows. If not all do, its last line counts the others.
func window(st *text.Styles, all []text.Line, top, rows int) []text.Line {
	if rows <= 0 {
		return nil
	}
	if len(all) <= rows {
		return all
	}
	rows--
	top = min(max(top, 0), len(all)-rows)
	var words []string
	if top > 0 {
		words = append(words, "↑ "+text.Plural(top, "line", "lines")+" above")
	}
	if more := len(all) - rows - top; more > 0 {
		words = append(words, "↓ "+text.Plural(more, "more line", "more lines"))
	}
	out := append([]text.Line(nil), all[top:top+rows]...)
	return append(out, text.Line{st.Faint.Span(strings.Join(words, " · "))})
}
