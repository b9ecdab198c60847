package explain

import (
	"bytes"
	"strings"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// contradiction describes the first two replies whose bodies differ.
func (e *Evidence) contradiction() string {
	for i := range e.replies {
		for j := range i {
			a, b := &e.replies[j], &e.replies[i]
			if a.deadLetter || b.deadLetter || e.ID == "" { // replies without an ID belong to different calls
				continue
			}
			if differ, _ := contradict(a, b); differ {
				return difference(a, b)
			}
		}
	}
	return ""
}

// contradict reports whether two replies differ. known is false if too little of a body is remembered to tell.
func contradict(a, b *Reply) (differ, known bool) {
	x, y := a.msg, b.msg
	n := min(len(x.Body), len(y.Body))
	switch {
	case x.BodyLen != y.BodyLen, !bytes.Equal(x.Body[:n], y.Body[:n]), a.errorCode() != b.errorCode():
		return true, true
	}
	return false, n >= x.BodyLen
}

// difference says how two replies differ.
func difference(a, b *Reply) string {
	x, y := a.bodyNoun(), b.bodyNoun()
	if x != y {
		return "The answers differ: " + x + " and " + y + "."
	}
	n, least := 0, min(len(a.msg.Body), len(b.msg.Body))
	for n < least && a.msg.Body[n] == b.msg.Body[n] {
		n++
	}
	if n < least {
		return "The answers differ from byte " + text.Count(n+1) + " on; both begin with " + x + "."
	}
	return "The answers differ: both begin with " + x + ", but one has " + text.Plural(a.msg.BodyLen, "byte", "bytes") +
		" and the other " + text.Count(b.msg.BodyLen) + "."
}

// body returns the body of a reply as the object of "answered".
func (r *Reply) body() string {
	switch m := r.msg; {
	case r.errorCode() != "":
		return r.errorText()
	case m.BodyLen == 0:
		return "with an empty body"
	case len(m.Body) == 0:
		return text.Plural(m.BodyLen, "byte", "bytes")
	default:
		return text.Body(string(m.Body), m.BodyLen, bodyWidth)
	}
}

func (r *Reply) bodyNoun() string {
	if r.msg.BodyLen == 0 && r.errorCode() == "" {
		return "an empty body"
	}
	return r.body()
}

// errorCode returns the code of an error reply, or "" if r is none.
func (r *Reply) errorCode() string {
	h, ok := r.msg.Header(amqprpc.HeaderError)
	switch {
	case !ok && r.msg.Type != amqprpc.TypeError:
		return ""
	case h.Value == "" || len(h.Value) > 64 || strings.Trim(h.Value, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "":
		return amqprpc.CodeUnknown
	}
	return h.Value
}

// errorText returns the code and the message of an error reply.
func (r *Reply) errorText() string {
	code := r.errorCode()
	if code == "" {
		code = amqprpc.CodeUnknown
	}
	if message := strings.TrimSuffix(text.Escape(string(r.msg.Body), 100), "."); message != "" {
		return code + ": " + message
	}
	return code
}

func (r *Reply) kind() string {
	if code := r.errorCode(); code != "" {
		return "error reply (" + code + ")"
	}
	return "reply"
}
