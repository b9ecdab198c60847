package replay

import (
	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// An event is the part of a recorded event that the player shows and searches for.
type event struct {
	kind    amqprpc.EventKind
	class   amqprpc.Class
	outcome amqprpc.Outcome
	id      string
}

// words describes the event.
func (e event) words() string {
	words := e.kind.String()
	switch e.kind {
	case amqprpc.EventReply:
		words = e.class.String()
		if e.class == amqprpc.Answer && e.outcome != amqprpc.Completed {
			words += " (" + e.outcome.String() + ")"
		}
	case ledger.EventWrong:
		words = "wrong answer"
	case ledger.EventReset:
		words = "reset"
	case amqprpc.EventFailed:
		words += " (" + e.outcome.String() + ")"
	case amqprpc.NoEvent:
		return ""
	}
	if e.id != "" {
		words += " " + e.id
	}
	return words
}

// incident returns the kind of incident that the event is, or 0.
func (e event) incident() lab.Incident {
	switch {
	case e.kind == amqprpc.EventFailed, e.kind == ledger.EventWrong:
		return lab.FailedCall
	case e.kind != amqprpc.EventReply:
		return 0
	case e.class == amqprpc.Duplicate:
		return lab.DuplicateReply
	case e.class == amqprpc.Late, e.class == amqprpc.Unknown:
		return lab.OrphanedReply
	case e.outcome == amqprpc.Remote:
		return lab.FailedCall
	}
	return 0
}

// incidentNames has the names of the incidents, for people.
var incidentNames = map[lab.Incident]string{
	lab.DuplicateReply: "duplicate", lab.OrphanedReply: "orphan", lab.FailedCall: "failure",
}
