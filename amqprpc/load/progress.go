package load

import (
	"fmt"
	"time"
)

// A Phase is where a [Load] is in its life. Phases come in the order of their
// declaration; WarmUp is left out where there is none.
type Phase uint8

// The phases of a load.
const (
	// Ready: Run has not been called.
	Ready Phase = iota
	// WarmUp: calls are made that do not count, or the last of them have not ended.
	WarmUp
	// Measuring: calls are started.
	Measuring
	// Draining: no more calls are started, the last ones have not ended.
	Draining
	// Done: Run is over.
	Done
)

// String returns "ready", "warm-up", "measuring", "draining" or "done".
func (p Phase) String() string {
	names := [...]string{"ready", "warm-up", "measuring", "draining", "done"}
	if int(p) < len(names) {
		return names[p]
	}
	return fmt.Sprintf("phase(%d)", uint8(p))
}

// A Progress is a consistent picture of a load at one moment. Its numbers are
// those of the present phase (Measuring, Draining and Done are one in this
// respect): a warm-up counts its own.
type Progress struct {
	Phase  Phase
	Paused bool

	// Count and Duration are what ends the phase; 0 where it is something else. In
	// a warm-up, Duration is the warm-up's.
	Count    int64
	Duration time.Duration
	// Elapsed is how long the phase has lasted, pauses left out.
	Elapsed time.Duration

	// Started = Completed + Failed + Outstanding.
	Started, Completed, Failed, Outstanding int64
	// Wrong is how many of Completed failed Plan.Check.
	Wrong int64
	// Backlog is how many calls of an open model are due and have not started.
	Backlog int64

	// Concurrency and Rate (per second; 0 in a closed loop) as last set.
	Concurrency int
	Rate        float64
}

// Fraction returns how much of the phase is over, from 0 to 1: of the count or of
// the duration, whichever is further. A phase without an end stays at 0. With a
// count it is the calls that have ended which matter.
func (p Progress) Fraction() float64 {
	if p.Phase == Done {
		return 1
	}
	var f float64
	if p.Count > 0 {
		f = float64(p.Completed+p.Failed) / float64(p.Count)
	}
	if p.Duration > 0 {
		f = max(f, float64(p.Elapsed)/float64(p.Duration))
	}
	return min(f, 1)
}

// Remaining estimates the time until the phase is over, pauses left out, as if it
// went on as it has gone so far. It returns false where that cannot be told: the
// phase has no end, or nothing has happened yet.
func (p Progress) Remaining() (time.Duration, bool) {
	var least time.Duration
	known := false
	if p.Duration > 0 {
		least, known = max(p.Duration-p.Elapsed, 0), true
	}
	if ended := p.Completed + p.Failed; p.Count > 0 && ended > 0 {
		left := time.Duration(float64(p.Elapsed) / float64(ended) * float64(p.Count-ended))
		if !known || left < least {
			least, known = left, true
		}
	}
	return least, known
}

// firstErrors is how many errors of each kind a [Result] keeps.
const firstErrors = 8

// A Result says what became of the calls that count. Started = Completed + Failed.
type Result struct {
	Started   int64
	Completed int64
	Failed    int64
	// Refused is how many of Failed never began, since the Caller refused them
	// (amqprpc.ErrTooManyInFlight, ErrInvalidRequest or ErrClosed, and no *CallError): a
	// client's events do not tell of them.
	Refused int64
	// Wrong is how many of Completed failed Plan.Check.
	Wrong int64
	// Missed is how many calls of an open model were meant to start and did not
	// before the run ended, since too many were outstanding or it was stopped.
	Missed int64
	// InWarmUp says that the run was ended in its warm-up, so that no call counts.
	InWarmUp bool
	// Behind is how long after it was meant to start the last call of an open model
	// began: where it is long, the rate was not kept.
	Behind time.Duration

	// Elapsed is the time from the beginning to the end of the last call, pauses
	// left out; Sending is the part of it in which calls were started.
	Elapsed, Sending time.Duration

	// Failures and Wrongs are the errors of the first few calls that failed or were
	// wrong, each with the number of its call.
	Failures, Wrongs []error
}
