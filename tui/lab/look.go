package lab

import (
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
)

// A Query says how much a [Look] shows.
type Query struct {
	// Books is what is asked of the ledger; Books.Now is when.
	Ledger ledger.Query
	// Notes is how many of the last notes.
	Notes int
}

// A Look is all there is to see at one moment. It shares no memory with the lab.
type Snapshot struct {
	Ledger ledger.Snapshot
	Queue  Queue
	Load   Load
	// Pool are the servers that were started here, in that order: the ones that have
	// ended too.
	Pool []pool.Status
	// Starting is how many servers are being started and not yet in Pool.
	Starting int
	// Beside says why to ask before a server is started, as [Lab.Alone] does; "" if there is
	// no reason that is known.
	StartWarning string
	// Fault is what the next server, and that alone, will do wrong, as --fault reads it; "" is nothing.
	Fault string
	// Marks are when servers came and went, oldest first, as far back as the ledger's
	// rates go and at most [MostMarks].
	Marks []Mark
	// Notes are the last notes, oldest first.
	Notes []Note
	// StandIn is [Config.StandIn].
	StandIn string
	// Frozen says that this is a picture of the past: Books.Now is its time.
	Frozen bool
	// Replay is the state of the recording that this is a picture of; nil for a lab.
	Replay *Replay
	// Err says why the lab cannot go on: something in it has panicked.
	Err error
}

// Queue is the state of the request queue, as the broker told it last.
type Queue struct {
	Name string
	// Known says that the broker has been asked and has answered since the last
	// connect.
	Known bool
	// Missing says that there is no such queue: calls are unroutable.
	Missing bool
	// Exclusive says that it belongs to another connection, whose server may well consume from
	// it. Nothing else is known of it.
	Exclusive bool
	Ready     int // messages waiting in the queue
	Consumers int
	Others    int       // consumers that are not servers of the lab; after a reconnect those before
	At        time.Time // when the broker said so
	Err       string    // why it did not answer, when asked last
}

// Nobody says that nobody consumes from the queue, as far as is known.
func (q *Queue) Unserved() bool { return q.Known && !q.Exclusive && q.Consumers == 0 }

// Load is the state of the load.
type Load struct {
	Concurrency int     // calls in flight of a closed loop; of an open model the limit, 0 for none
	Rate        float64 // calls per second; 0 in a closed loop
	Fib         string  // of a Service the range of {n}, "" where there is none in its body
	Custom      bool    // a [Service] is asked, not fib
	Body        string  // the template of its bodies, which may be ""
	Timeout     time.Duration
	Seed        uint64
	// Paused says that it is paused, PausedBy why the lab has paused it: "" if somebody else has.
	Paused   bool
	PausedBy string
	// Waiting says that it has not begun, because nobody consumes from the queue: it begins
	// when a server does, or the broker cannot say.
	Waiting bool
	// Progress is the present load's: it begins anew where the model changes.
	Progress load.Progress
}

// MostMarks is how many marks are kept.
const MaxMarks = 64

// A Mark is a change in who serves, for a chart to show.
type Mark struct {
	Time   time.Time
	Server string
	Joined bool // else it went
}

// MostNotes is how many notes are kept.
const MaxNotes = 512

// A Note is one line about something that was done, or happened, and what came of it.
// Its text may quote what others wrote: escape it before it is shown.
type Note struct {
	Seq   uint64 // from 1; a note that is rewritten keeps it
	Time  time.Time
	Level Level
	Text  string
	// ID is the correlation ID that it is about, "" for none.
	ID string
}

// A Mood says how to take a note.
type Level uint8

// The moods.
const (
	Info    Level = iota
	Success       // it worked
	Failure       // it did not, or something broke
)
