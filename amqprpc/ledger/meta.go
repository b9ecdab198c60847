package ledger

import (
	"strconv"

	"rpcscope/amqprpc"
)

// Meta returns the content of the header x-rpc; ok is false if there is none. Recordings of earlier
// versions hold a header for each of its fields instead.
func (m *Message) Meta() (meta amqprpc.Meta, ok bool) {
	if h, ok := m.Header(amqprpc.HeaderRPC); ok {
		return amqprpc.ParseMeta(h.Value), true
	}
	text := "" // in the form of x-rpc
	for _, field := range []string{"deadline", "attempt", "received", "replied", "redelivered", "replayed"} {
		h, present := m.Header("x-rpc-" + field)
		ok = ok || present
		if h.Value == "true" {
			text += field + ";"
		} else if _, err := strconv.ParseInt(h.Value, 10, 64); err == nil {
			text += field + "=" + h.Value + ";"
		}
	}
	return amqprpc.ParseMeta(text), ok
}
