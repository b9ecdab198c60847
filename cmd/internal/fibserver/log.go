package fibserver

import "rpcscope/amqprpc"

// The events of fibserver's own; the others are amqprpc's.
const (
	logStarted  = "started"
	logDraining = "draining"
	logDrained  = "drained"
)

// counts are what a server has done so far, as attributes.
func counts(s amqprpc.ServerStats) []any {
	// The counts are taken one after the other while requests go on.
	running := max(0, s.Requests-s.Answered-s.Errors-s.Replayed-s.Refused-s.Expired)
	return []any{
		"requests", s.Requests, "running", running, "answered", s.Answered, "errors", s.Errors, "panics", s.Panics, "redelivered", s.Redelivered,
		"expired", s.Expired, "refused", s.Refused, "undeliverable", s.Undeliverable, "nacked", s.Nacked, "replayed", s.Replayed,
		"given_back", s.Requeued, "reconnects", s.Reconnects,
	}
}
