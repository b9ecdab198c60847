package ledger

import "rpcscope/amqprpc"

// An Entry is one event as a ledger or a recording holds it: a bounded copy. Fields that the
// event's kind does not set are zero.
type Entry struct {
	// The field Message of the embedded Event is nil: see the method Message.
	amqprpc.Event

	message *Message
}

// Message returns the message of the event, or nil if it has none.
func (e *Entry) Message() *Message { return e.message }
