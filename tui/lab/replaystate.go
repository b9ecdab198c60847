package lab

import "time"

// A Replay is the state of a recording that tui/replay plays, in its [Snapshot]. Its texts may quote
// messages: escape them before you show them.
type Replay struct {
	File string
	// Position and Duration count from the first event, Duration to the last one that is indexed.
	Position, Duration time.Duration
	// Event is how many events are before Position, Events how many are indexed.
	Event, Events int
	Last          string // describes the last event

	Playing bool
	Speed   float64 // of the recorded time; 0 is as fast as possible
	Seeking string  // the target of a search, or ""
	Found   *Found  // the result of the last search, if it was a call or a reply

	// Indexed is the part of the recording that has been read, from 0 to 1.
	Indexed float64
	// Incidents has the incidents of equal periods, each as long as Part, from the first event on.
	Incidents []Incident
	Part      time.Duration
	// Damage says why and at which line the recording ends early, or is "".
	Damage string
}

// Found is a call or a discarded reply that was searched for in a recording.
type Found struct {
	ID  string
	Seq uint64 // of a discarded reply; 0 for a call
}

// An Incident is a kind of event to search for in a recording, or a set of kinds.
type Incident uint8

// The incidents.
const (
	DuplicateReply Incident = 1 << iota
	OrphanedReply           // late or unknown
	FailedCall              // or a wrong answer
)
