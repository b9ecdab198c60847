package amqprpc

import "fmt"

// An Outcome is how a call ended. Every call ends in exactly one; until then it is [InFlight].
type Outcome uint8

// The outcomes of a call. Everything after [Completed] is a failure.
const (
	InFlight   Outcome = iota // the call has not ended yet
	Completed                 // the server's answer arrived and was not an error
	Timeout                   // the deadline passed first
	Canceled                  // the caller's context was canceled first
	Unroutable                // the broker returned the request: no queue took it (basic.return, 312 NO_ROUTE)
	// Rejected: the broker refused responsibility for the request (basic.nack), or it was dead-lettered for another
	// reason than its age.
	Rejected
	// Expired: the request was dropped from the request queue because it grew too old there. A client learns of it
	// only if dead-lettered requests are forwarded to their reply_to; otherwise the call ends as Timeout.
	Expired
	Remote         // the server answered with an error
	ConnectionLost // the connection of the request, and with it the callback queue, was lost before a reply came
	Closed         // the client was closed

	outcomes = iota // how many there are
)

var outcomeNames = [outcomes]string{
	"in_flight", "completed", "timeout", "canceled", "unroutable",
	"rejected", "expired", "remote", "connection_lost", "closed",
}

// String returns the outcome's name in JSON: "completed", "connection_lost", ...
func (o Outcome) String() string { return nameOf(outcomeNames[:], uint8(o), "outcome") }

// Failed reports whether the call ended without a result.
func (o Outcome) Failed() bool { return o > Completed }

// Failures lists the outcomes that are failures, in the order of their declaration.
func Failures() []Outcome {
	var all []Outcome
	for o := Timeout; o < outcomes; o++ {
		all = append(all, o)
	}
	return all
}

// MarshalText writes the outcome's name.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads an outcome's name.
func (o *Outcome) UnmarshalText(text []byte) error {
	return parseName(o, outcomeNames[:], text, "outcome")
}

// A Class is the kind of a reply. Every message that arrives on the callback queue has exactly one.
type Class uint8

// The classes of replies. Late and unknown replies are called orphaned: no call was waiting for them and none was
// answered by them.
const (
	NoClass   Class = iota // the event is not about a reply
	Answer                 // the first reply to a call that was waiting for it
	Duplicate              // the call already had its answer
	Late                   // the call had ended without an answer
	Unknown                // no such call, no correlation ID, or one no longer remembered
)

var classNames = [...]string{"", "answer", "duplicate", "late", "unknown"}

// String returns the class's name in JSON: "answer", "late", ...
func (c Class) String() string { return nameOf(classNames[:], uint8(c), "class") }

// Orphaned reports whether the reply was late or unknown.
func (c Class) Orphaned() bool { return c == Late || c == Unknown }

// MarshalText writes the class's name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads a class's name.
func (c *Class) UnmarshalText(text []byte) error {
	return parseName(c, classNames[:], text, "reply class")
}

func nameOf(names []string, i uint8, kind string) string {
	if int(i) < len(names) {
		return names[i]
	}
	return fmt.Sprintf("%s(%d)", kind, i)
}

// parseName sets *v to the index of the name, and to 0 with an error.
func parseName[T ~uint8](v *T, names []string, text []byte, kind string) error {
	for i, n := range names {
		if n == string(text) {
			*v = T(i)
			return nil
		}
	}
	*v = 0
	return fmt.Errorf("amqprpc: no such %s: %.40q", kind, text)
}
