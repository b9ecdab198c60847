package ledger

import (
	"strconv"

	"rpcscope/amqprpc"
)

// Meta returns the content of the header x-rpc; ok is false if there is none. Recordings of earlier
// versions hold a header for each of its fields instead.
func (m *Message) Meta() (meta amqprpc.Meta, ok bool) {
	return metaOf(func(key string) (string, bool) {
		h, ok := m.Header(key)
		return h.Value, ok
	})
}

func metaOf(header func(key string) (string, bool)) (meta amqprpc.Meta, ok bool) {
	if value, ok := header(amqprpc.HeaderRPC); ok {
		return amqprpc.ParseMeta(value), true
	}
	text := "" // as in x-rpc
	for _, f := range []string{"deadline", "attempt", "received", "replied", "redelivered", "replayed"} {
		value, present := header("x-rpc-" + f)
		ok = ok || present
		if value == "true" {
			text += f + ";"
		} else if _, err := strconv.ParseInt(value, 10, 64); err == nil {
			text += f + "=" + value + ";"
		}
	}
	return amqprpc.ParseMeta(text), ok
}

// storedRedelivered reports whether a stored reply says that its request had been delivered before.
func storedRedelivered(msg []byte) bool {
	meta, _ := metaOf(func(key string) (string, bool) {
		value := storedHeader(msg, key)
		return string(value), value != nil
	})
	return meta.Redelivered
}
