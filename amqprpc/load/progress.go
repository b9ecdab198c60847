package load

import "time"

// A Phase is the phase that a [Load] is in. Phases follow each other in the order of the constants. WarmUp is
// skipped if there is no warm-up.
type Phase uint8

// The phases of a load.
const (
	Ready     Phase = iota // Run has not been called
	WarmUp                 // calls are made that do not count
	Measuring              // calls are started
	Draining               // no more calls are started, some have not ended
	Done                   // Run has returned
)

// String returns "ready", "warm-up", "measuring", "draining" or "done".
func (p Phase) String() string {
	return [...]string{"ready", "warm-up", "measuring", "draining", "done"}[p]
}

// A Progress is a consistent snapshot of a load. Its numbers are those of the present phase, and Measuring, Draining
// and Done count as one.
type Progress struct {
	Phase  Phase
	Paused bool

	// Count and Duration end the phase if they are not 0. In a warm-up Duration is Plan.Warmup.
	Count    int64
	Duration time.Duration
	// Elapsed is the time that the phase has lasted, without pauses.
	Elapsed time.Duration

	// Started = Completed + Failed + Outstanding.
	Started, Completed, Failed, Outstanding int64
	// Wrong is the number of completed calls that failed Plan.Check.
	Wrong int64
	// Backlog is the number of calls of an open model that are due and have not started.
	Backlog int64

	// Concurrency and Rate (per second, 0 in a closed loop) are the values that were set last.
	Concurrency int
	Rate        float64
}

// Fraction returns the part of the phase that is over, from 0 to 1: of the calls or of the duration, whichever is
// more. It returns 0 for a phase without an end.
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

// Remaining estimates the time until the phase is over, without pauses. It returns false if the phase has no end or
// no call has ended.
func (p Progress) Remaining() (time.Duration, bool) {
	var remaining time.Duration
	known := false
	if p.Duration > 0 {
		remaining, known = max(p.Duration-p.Elapsed, 0), true
	}
	if ended := p.Completed + p.Failed; p.Count > 0 && ended > 0 {
		left := time.Duration(float64(p.Elapsed) / float64(ended) * float64(p.Count-ended))
		if !known || left < remaining {
			remaining, known = left, true
		}
	}
	return remaining, known
}

// maxWrongs is the number of errors that a [Result] keeps.
const maxWrongs = 8

// A Result is the outcome of the calls that count. Started = Completed + Failed.
type Result struct {
	Started   int64
	Completed int64
	Failed    int64
	// Wrong is the number of completed calls that failed Plan.Check.
	Wrong int64
	// Missed is the number of calls of an open model that were due and had not started when the run ended.
	Missed int64
	// InWarmUp reports that the run ended in its warm-up, so that no call counts.
	InWarmUp bool
	// Behind is the delay with which the last call of an open model started.
	Behind time.Duration

	// Elapsed is the time from the beginning to the end of the last call, without pauses, and Sending the part of it
	// in which calls were started.
	Elapsed, Sending time.Duration

	// Wrongs are the errors of the first few wrong answers, each with the number of its call.
	Wrongs []error
}
