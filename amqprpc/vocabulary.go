package amqprpc

import "fmt"

// An Outcome says how a call ended. Every call ends in exactly one; until then
// it is [InFlight].
type Outcome uint8

// The outcomes of a call. Everything after [Completed] is a failure.
const (
	// InFlight: the call has not ended yet.
	InFlight Outcome = iota
	// Completed: the server's answer arrived and was not an error.
	Completed
	// Timeout: the deadline passed first.
	Timeout
	// Canceled: the caller's context was canceled first.
	Canceled
	// Unroutable: the broker returned the request, because no queue took it
	// (basic.return, 312 NO_ROUTE).
	Unroutable
	// Rejected: the broker refused responsibility for the request (basic.nack),
	// or it was dead-lettered for another reason than its age.
	Rejected
	// Expired: the request was dropped from the request queue because it grew too
	// old there. A client learns of it only where somebody forwards dead-lettered
	// requests to their reply_to; elsewhere the same call ends as Timeout.
	Expired
	// Remote: the server answered with an error.
	Remote
	// ConnectionLost: the connection that the request went out on, and with it
	// the callback queue, was lost before a reply came.
	ConnectionLost
	// Closed: the client was closed.
	Closed

	outcomes = iota // how many there are
)

var outcomeNames = [outcomes]string{
	"in_flight", "completed", "timeout", "canceled", "unroutable",
	"rejected", "expired", "remote", "connection_lost", "closed",
}

// String returns the outcome's name as it stands in JSON: "completed",
// "connection_lost", ...
func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// Failed reports whether the call ended without a result.
func (o Outcome) Failed() bool { return o > Completed }

// Failures lists the outcomes that are failures, in the order of their
// declaration.
func Failures() []Outcome {
	var all []Outcome
	for o := Timeout; o < outcomes; o++ {
		all = append(all, o)
	}
	return all
}

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads what [Outcome.MarshalText] wrote.
func (o *Outcome) UnmarshalText(text []byte) error {
	i, err := index(outcomeNames[:], string(text), "outcome")
	*o = Outcome(i)
	return err
}

// A Class says what a reply was. Every message that arrives on the callback
// queue has exactly one.
type Class uint8

// The classes of replies. Late and unknown replies are called orphaned: no call
// was waiting for them and none was answered by them.
const (
	// NoClass: the event at hand is not about a reply.
	NoClass Class = iota
	// Answer: the first reply to a call that was waiting for it.
	Answer
	// Duplicate: the call already had its answer.
	Duplicate
	// Late: the call had ended without an answer.
	Late
	// Unknown: no such call, no correlation ID, or one no longer remembered.
	Unknown

	classes = iota
)

var classNames = [classes]string{"", "answer", "duplicate", "late", "unknown"}

// String returns the class's name as it stands in JSON: "answer", "late", ...
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return fmt.Sprintf("class(%d)", uint8(c))
}

// Orphaned reports whether the reply was late or unknown.
func (c Class) Orphaned() bool { return c == Late || c == Unknown }

// MarshalText writes the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what [Class.MarshalText] wrote.
func (c *Class) UnmarshalText(text []byte) error {
	i, err := index(classNames[:], string(text), "reply class")
	*c = Class(i)
	return err
}

// index finds name in names. The zero index is returned with an error.
func index(names []string, name, what string) (int, error) {
	for i, n := range names {
		if n == name {
			return i, nil
		}
	}
	if len(name) > 40 {
		name = name[:40]
	}
	return 0, fmt.Errorf("amqprpc: no such %s: %q", what, name)
}
