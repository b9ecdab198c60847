package ledger

import (
	"fmt"

	"rpcscope/amqprpc"
)

// Calls counts calls. Sent = Completed + Failed + InFlight.
type Calls struct {
	Sent      uint64 `json:"sent"`
	Completed uint64 `json:"completed"`
	Failed    uint64 `json:"failed"`
	InFlight  uint64 `json:"in_flight"`
	// Wrong is the number of completed calls that count as answered wrong, see [EventWrong].
	// JSON leaves out 0.
	Wrong uint64 `json:"wrong,omitempty"`
}

// A WrongAnswer is an answer that the caller did not expect.
type WrongAnswer struct {
	ID   string
	Text string // why it is wrong
}

// maxWrongs is the number of wrong answers in a [Snapshot].
const maxWrongs = 8

// Failures counts failed calls by outcome.
type Failures struct {
	Timeout        uint64 `json:"timeout"`
	Canceled       uint64 `json:"canceled"`
	Unroutable     uint64 `json:"unroutable"`
	Rejected       uint64 `json:"rejected"`
	Expired        uint64 `json:"expired"`
	Remote         uint64 `json:"remote"`
	ConnectionLost uint64 `json:"connection_lost"`
	Closed         uint64 `json:"closed"`
}

// of returns the counter of an outcome, or nil if it is not a failure.
func (f *Failures) of(o amqprpc.Outcome) *uint64 {
	switch o {
	case amqprpc.Timeout:
		return &f.Timeout
	case amqprpc.Canceled:
		return &f.Canceled
	case amqprpc.Unroutable:
		return &f.Unroutable
	case amqprpc.Rejected:
		return &f.Rejected
	case amqprpc.Expired:
		return &f.Expired
	case amqprpc.Remote:
		return &f.Remote
	case amqprpc.ConnectionLost:
		return &f.ConnectionLost
	case amqprpc.Closed:
		return &f.Closed
	}
	return nil
}

// Of returns the number of calls that failed with the given outcome.
func (f Failures) Of(o amqprpc.Outcome) uint64 {
	if n := f.of(o); n != nil {
		return *n
	}
	return 0
}

// Replies counts replies by class. Received is their sum.
type Replies struct {
	Received   uint64 `json:"received"`
	Answers    uint64 `json:"answers"`
	Duplicates uint64 `json:"duplicates"`
	Late       uint64 `json:"late"`
	Unknown    uint64 `json:"unknown"`
}

func repliesByClass(n *[nClasses]uint64) Replies {
	r := Replies{
		Answers: n[amqprpc.Answer], Duplicates: n[amqprpc.Duplicate], Late: n[amqprpc.Late], Unknown: n[amqprpc.Unknown],
	}
	r.Received = r.Answers + r.Duplicates + r.Late + r.Unknown
	return r
}

// Orphaned returns Late + Unknown.
func (r Replies) Orphaned() uint64 { return r.Late + r.Unknown }

// Traffic counts events that the laws do not mention.
type Traffic struct {
	Published, Confirmed, Returned, Nacked uint64 // requests, by attempt
	Retries                                uint64
	Ignored                                uint64 // events that cannot be true, see the package's documentation
}

// Broken returns an error that names the first conservation law that s breaks. It returns nil if all
// hold, as they always must.
func (s *Snapshot) Broken() error {
	c, r := s.Calls, s.Replies
	switch {
	case c.Sent != c.Completed+c.Failed+c.InFlight:
		return fmt.Errorf("ledger: sent %d != completed %d + failed %d + in flight %d", c.Sent, c.Completed, c.Failed, c.InFlight)
	case c.Wrong > c.Completed:
		return fmt.Errorf("ledger: wrong %d > completed %d", c.Wrong, c.Completed)
	case r.Received != r.Answers+r.Duplicates+r.Late+r.Unknown:
		return fmt.Errorf("ledger: received %d != answers %d + duplicates %d + late %d + unknown %d",
			r.Received, r.Answers, r.Duplicates, r.Late, r.Unknown)
	case r.Answers != c.Completed+s.Failures.Remote:
		return fmt.Errorf("ledger: answers %d != completed %d + failed[remote] %d", r.Answers, c.Completed, s.Failures.Remote)
	}
	return nil
}
