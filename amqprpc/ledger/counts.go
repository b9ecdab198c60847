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

// of returns the counter of a failure.
func (f *Failures) of(o amqprpc.Outcome) *uint64 {
	return [...]*uint64{
		&f.Timeout, &f.Canceled, &f.Unroutable, &f.Rejected, &f.Expired, &f.Remote, &f.ConnectionLost, &f.Closed,
	}[o-amqprpc.Timeout]
}

// Of returns the number of calls that failed with the given outcome, one of [amqprpc.Failures].
func (f Failures) Of(o amqprpc.Outcome) uint64 { return *f.of(o) }

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

// Broken returns an error if s breaks a conservation law. It returns nil if all hold, as they always must.
func (s *Snapshot) Broken() error {
	c, r := s.Calls, s.Replies
	if c.Sent == c.Completed+c.Failed+c.InFlight && c.Wrong <= c.Completed &&
		r.Received == r.Answers+r.Duplicates+r.Late+r.Unknown && r.Answers == c.Completed+s.Failures.Remote {
		return nil
	}
	return fmt.Errorf("ledger: the numbers contradict each other: %+v, %+v, %d remote", c, r, s.Failures.Remote)
}
