package broker

import (
	"errors"
	"fmt"
	"strconv"

	"rpcscope/amqprpc/broker/internal/wire"
)

const basicClass = 60

// exception makes what the broker answers to what it cannot do: the reply code, and
// RabbitMQ's kind of text, its name first.
func exception(code uint16, format string, args ...any) *wire.Error {
	return &wire.Error{Code: code, Text: wire.CodeName(code) + " - " + fmt.Sprintf(format, args...)}
}

// about says which method an exception is about.
func about(e *wire.Error, m wire.Method) *wire.Error {
	e.Class, e.Method = m.ID()
	return e
}

// printable makes text of a client fit for an error message and a log: control characters and what is not
// UTF-8 are escaped, and it is cut at 128 bytes.
func printable(s string) string {
	const most = 128
	if len(s) > most {
		s = s[:most] + "..."
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// replyText is an exception's text as it fits into a short string.
func replyText(e *wire.Error) string {
	const most = 255
	if len(e.Text) > most {
		return e.Text[:most]
	}
	return e.Text
}

// asException makes an exception of what the codec complains about.
func asException(err error) *wire.Error {
	var e *wire.Error
	if errors.As(err, &e) {
		return e
	}
	return exception(wire.SyntaxError, "%s", printable(err.Error()))
}
