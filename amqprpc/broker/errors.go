package broker

import (
	"errors"
	"strconv"

	"rpcscope/amqprpc/internal/wire"
)

// exception makes what the broker answers to what it cannot do: the reply code, and
// RabbitMQ's kind of text, its name first.
func exception(code uint16, format string, args ...any) *wire.Error {
	return wire.Errorf(code, format, args...)
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

// asException makes an exception of what the codec complains about.
func asException(err error) *wire.Error {
	var e *wire.Error
	if errors.As(err, &e) {
		return e
	}
	return exception(wire.SyntaxError, "%s", printable(err.Error()))
}
