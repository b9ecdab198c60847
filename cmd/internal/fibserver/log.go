package fibserver

import "rpcscope/amqprpc"

// The events of fibserver itself. The others are amqprpc's.
const (
	logStarted  = "started"
	logDraining = "draining"
	logDrained  = "drained"
)

// counts returns the counts of a server as attributes.
func counts(s amqprpc.ServerStats) []any {
	// The counts are not taken at the same moment.
	running := max(0, s.Requests-s.Answered-s.Errors-s.Replayed-s.Refused-s.Expired)
	return []any{
		"requests", s.Requests, "running", running, "answered", s.Answered, "errors", s.Errors, "panics", s.Panics, "redelivered", s.Redelivered,
		"expired", s.Expired, "refused", s.Refused, "undeliverable", s.Undeliverable, "nacked", s.Nacked, "replayed", s.Replayed,
		"given_back", s.Requeued, "reconnects", s.Reconnects,
	}
}
