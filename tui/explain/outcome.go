package explain

import (
	"strings"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// Outcome returns the name of an outcome: connection lost.
func Outcome(o amqprpc.Outcome) string {
	return text.Escape(strings.ReplaceAll(o.String(), "_", " "), nameWidth)
}

// Ended returns how a call ended, after "the call had".
func Ended(o amqprpc.Outcome) string {
	if words, ok := map[amqprpc.Outcome]string{
		amqprpc.Timeout:        "timed out",
		amqprpc.Canceled:       "been canceled",
		amqprpc.Expired:        "expired",
		amqprpc.Unroutable:     "been returned as unroutable",
		amqprpc.Rejected:       "been rejected",
		amqprpc.ConnectionLost: "lost its connection",
		amqprpc.Closed:         "ended with its client",
	}[o]; ok {
		return words
	}
	return "ended"
}

// capital returns s with a capital letter.
func capital(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
