package lab

import "time"

// A Replay is the state of a recording that is played, in a [Look] of one. Its texts may
// quote what others wrote: escape them before they are shown.
type Replay struct {
	// File is the recording's name.
	File string
	// Position is the time that is shown, and Duration that of the last event, both since
	// the first event. Until Indexed is 1, Duration is as far as the recording is known.
	Position, Duration time.Duration
	// Event is how many events have happened by then, Events how many are known.
	Event, Events int
	// Last is the event that happened last, in a few words.
	Last string

	Playing bool
	Speed   float64 // of the recorded time; 0 is as fast as possible
	// Seeking says what is being looked for, "" for nothing.
	Seeking string
	// Found is what was looked for last, if it was a call or a reply and is there; else nil.
	Found *Found

	// Indexed is how much of the recording is known, from 0 to 1.
	Indexed float64
	// Incidents are those of equal parts of the time, each as long as Part, from the first
	// event to the last one that is known.
	Incidents []Incident
	Part      time.Duration
	// Damage says why the recording cannot be read to its end, and in which line, once
	// that is known; "" where it can.
	Damage string
}

// Found is a call that was looked for in a recording, or a discarded reply.
type Found struct {
	ID  string
	Seq uint64 // of a discarded reply; 0 for a call
}

// An Incident is what one looks for in a recording; a set of them where they are summed up.
type Incident uint8

// The incidents.
const (
	DuplicateReply Incident = 1 << iota
	OrphanedReply           // late or unknown
	FailedCall              // with an error reply, too, or answered wrong
)
