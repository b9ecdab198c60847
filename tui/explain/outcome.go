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

// endedWords returns the participle for "the call had".
func endedWords(o amqprpc.Outcome) string {
	switch o {
	case amqprpc.Timeout:
		return "timed out"
	case amqprpc.Canceled:
		return "been canceled"
	case amqprpc.Expired:
		return "expired"
	case amqprpc.Unroutable:
		return "been returned as unroutable"
	case amqprpc.Rejected:
		return "been rejected"
	case amqprpc.ConnectionLost:
		return "lost its connection"
	case amqprpc.Closed:
		return "ended with its client"
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
