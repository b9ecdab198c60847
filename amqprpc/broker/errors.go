package broker

import (
	"strconv"

	"rpcscope/amqprpc/internal/wire"
)

// about sets the method that an exception is about.
func about(e *wire.Error, m wire.Method) *wire.Error {
	e.Class, e.Method = wire.ID(m)
	return e
}

// printable makes text of a client safe for error messages and logs: control characters and invalid UTF-8 are escaped, and
// it is cut at 128 bytes.
func printable(s string) string {
	const max = 128
	if len(s) > max {
		s = s[:max] + "..."
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
