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

// The width of the column of names: "content_encoding" and two spaces at least.
const leastNames, mostNames = 18, 28

// A leaf is a text of named values that is w cells wide, names of them for the names.
type leaf struct {
	*text.Styles
	w, names int
	lines    []text.Line
}

// value writes a name and what it stands for, which may be somebody else's, in as many
// lines as it takes. note is our own and comes after it.
func (p *leaf) value(name, value, note string) {
	names := p.names
	if p.w < 2*names { // a narrow column of values would be read by nobody
		names = 2
		p.lines = append(p.lines, text.Line{p.Label.Span(text.Escape(name, p.w))})
		name = ""
	}
	for i, part := range text.Fold(text.Escape(value, 1<<20), max(p.w-names, 1)) {
		l := text.Line{p.Label.Span(text.Left(text.Escape(name, names-1), names)), p.Plain.Span(part)}
		if i > 0 {
			l = text.Line{p.Plain.Span(text.Spaces(names)), p.Plain.Span(part)}
		}
		p.lines = append(p.lines, l)
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
	for _, part := range text.Wrap(note, max(p.w-names, 1)) {
		p.lines = append(p.lines, text.Line{p.Plain.Span(text.Spaces(names)), p.Faint.Span(part)})
	}
}

// words writes a text of our own.
func (p *leaf) words(s string, ink text.Ink) {
	for _, part := range text.Wrap(s, p.w) {
		p.lines = append(p.lines, text.Line{ink.Span(part)})
	}
}

// properties lists all that is known of a message.
func properties(st *text.Styles, e *explain.Evidence, event, w int) []text.Line {
	if w <= 0 {
		return nil
	}
	p := &leaf{Styles: st, w: w, names: leastNames}
	if event < 0 {
		p.words("No message is remembered: none was published, or there was no room for it.", st.Faint)
		return p.lines
	}
	m := e.Message(event)
	for i := range m.Headers {
		p.names = max(p.names, min(2+text.Width(text.Escape(m.Headers[i].Key, mostNames))+2, mostNames))
	}
	reply := e.Events[event].Kind == amqprpc.EventReply
	if m.Exchange == "" {
		p.value("exchange", "", "(default)")
	} else {
		p.value("exchange", m.Exchange, "")
	}
	p.value("routing key", m.RoutingKey, "")
	if reply {
		p.value("redelivered", yesNo(m.Redelivered), "this reply, not its request")
	}
	unset := basic(p, m)
	p.words("(unset: "+strings.Join(append(unset, "cluster_id, reserved and not read"), ", ")+")", st.Faint)
	headers(p, e, m)
	body(p, m)
	return p.lines
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// basic lists the basic properties that are set, headers apart, in AMQP's order, and
// returns the names of the others.
func basic(p *leaf, m *ledger.Message) (unset []string) {
	show := func(name, value, note string) {
		if value == "" {
			unset = append(unset, name)
			return
		}
		p.value(name, value, note)
	}
	number := func(n uint8) string {
		if n == 0 {
			return ""
		}
		return strconv.Itoa(int(n))
	}
	show("content_type", m.ContentType, "")
	show("content_encoding", m.ContentEncoding, "")
	if m.HeadersTotal == 0 && len(m.Headers) == 0 {
		unset = append(unset, "headers")
	}
	mode := map[uint8]string{1: "transient", 2: "persistent"}[m.DeliveryMode]
	if mode == "" {
		mode = "no such mode"
	}
	show("delivery_mode", number(m.DeliveryMode), mode)
	show("priority", number(m.Priority), "")
	show("correlation_id", m.CorrelationID, "")
	show("reply_to", m.ReplyTo, "")
	show("expiration", m.Expiration, expirationWords(m.Expiration))
	show("message_id", m.MessageID, "")
	when := ""
	if !m.Timestamp.IsZero() {
		when = m.Timestamp.UTC().Format("2006-01-02 15:04:05 UTC")
	}
	show("timestamp", when, "")
	show("type", m.Type, "")
	show("user_id", m.UserID, "")
	note := ""
	if m.AppID == lab.InjectorName {
		note = "sent by hand from this program"
	}
	show("app_id", m.AppID, note)
	return unset
}

// expirationWords reads an expiration, which is a number of ms as text.
func expirationWords(s string) string {
	ms, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return "not a number of ms"
	}
	return "ms, " + text.Millis(float64(ms))
}

// headers lists the headers, each with its type.
func headers(p *leaf, e *explain.Evidence, m *ledger.Message) {
	if m.HeadersTotal == 0 && len(m.Headers) == 0 {
		return
	}
	p.lines = append(p.lines, text.Line{p.Label.Span(text.Left("headers", p.names)), p.Plain.Span(text.Count(m.HeadersTotal))})
	for i := range m.Headers {
		h := &m.Headers[i]
		value, note := h.Value, h.Type
		if h.Cut {
			note += ", cut"
		}
		p.value("  "+h.Key, value, note)
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
		p.value("  "+t.name, t.at.UTC().Format("2006-01-02 15:04:05.000000 UTC"), note)
	}
	if more := m.HeadersTotal - len(m.Headers); more > 0 {
		p.words(text.Plural(more, "more header is", "more headers are")+" not remembered", p.Faint)
	}
}

// body shows a body as text, or as a hex dump where it is none.
func body(p *leaf, m *ledger.Message) {
	size := text.Plural(m.BodyLen, "byte", "bytes")
	switch {
	case m.BodyLen == 0:
		p.value("body", "", "empty")
		return
	case len(m.Body) == 0:
		p.value("body", "", size+", not remembered")
		return
	case len(m.Body) < m.BodyLen:
		size = "the first " + text.Count(len(m.Body)) + " of " + size
	}
	s, ok := asText(m)
	if !ok {
		p.value("body", "", size+", not text")
		p.dump(m.Body)
		return
	}
	p.value("body", "", size)
	for l := range strings.Lines(s) {
		l = strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r")
		for _, part := range text.Fold(text.Escape(l, 1<<20), max(p.w-2, 1)) {
			p.lines = append(p.lines, text.Line{p.Plain.Span("  "), p.Plain.Span(part)})
		}
	}
}

// asText returns the body where it is text.
func asText(m *ledger.Message) (string, bool) {
	s := text.TrimPartialRune(string(m.Body), m.BodyLen)
	return s, text.IsText(s)
}

// dump writes bytes as hexadecimal numbers and as characters.
func (p *leaf) dump(b []byte) {
	each := 16
	for each > 1 && 2+4+2+3*each+1+each > p.w {
		each /= 2
	}
	for at := 0; at < len(b); at += each {
		row := b[at:min(at+each, len(b))]
		var hexes, signs strings.Builder
		for _, c := range row {
			fmt.Fprintf(&hexes, "%02x ", c)
			if c < ' ' || c > '~' {
				c = '.'
			}
			signs.WriteByte(c)
		}
		p.lines = append(p.lines, text.Line{
			p.Faint.Span(fmt.Sprintf("  %04x  ", at)), p.Plain.Span(text.Left(hexes.String(), 3*each+1)), p.Faint.Span(signs.String()),
		})
	}
}

// window returns as many of the lines as there are rows, from the given one on, and says
// how many there are besides.
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
