package lab

import (
	"slices"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
)

// A Query says how much a [Snapshot] holds.
type Query struct {
	Ledger ledger.Query
	Notes  int // at most so many of the last notes
}

// A Snapshot is the state of a lab at one moment. It shares no memory with the lab.
type Snapshot struct {
	Ledger ledger.Snapshot
	Queue  Queue
	Load   Load
	// Pool has the servers that the lab has started, in that order, ended ones included.
	Pool []pool.Status
	// StartWarning is the error of [Lab.CheckStart] as far as is known, or "".
	StartWarning string
	// Fault is the --fault list of the next server only, or "".
	Fault string
	// Marks has the last times at which servers joined and left, oldest first: at most [MaxMarks].
	Marks []Mark
	// Notes has the last notes, oldest first.
	Notes []Note
	// StandIn is [Config.StandIn].
	StandIn string
	// Frozen is set in the snapshots of a [Frozen] lab. Ledger.Now is its time.
	Frozen bool
	// Replay is the state of a recording that is played; nil for a lab.
	Replay *Replay
	// Err is set if the lab has panicked.
	Err error
}

// ServerStarting reports whether a server of the lab has not become ready yet.
func (s *Snapshot) ServerStarting() bool {
	return slices.ContainsFunc(s.Pool, func(p pool.Status) bool { return p.State == pool.Starting })
}

// A Queue is the state of the request queue when the broker was last asked.
type Queue struct {
	Name string `json:"name"`
	// Known is set if the broker has answered since the last connect.
	Known bool `json:"known"`
	// Missing is set if the queue does not exist. Calls are unroutable then.
	Missing bool `json:"missing"`
	// Exclusive is set if the queue belongs to another connection. Nothing else is known of it;
	// its owner may well consume from it.
	Exclusive bool      `json:"-"`
	Ready     int       `json:"ready"` // messages waiting in the queue
	Consumers int       `json:"consumers"`
	Others    int       `json:"-"`     // consumers that are not servers of the lab; after a reconnect, as before
	At        time.Time `json:"-"`     // of the answer
	Err       string    `json:"error"` // of the last question, or ""
}

// Unserved reports whether the queue is known to have no consumers.
func (q *Queue) Unserved() bool { return q.Known && !q.Exclusive && q.Consumers == 0 }

// A Load is the state of the load.
type Load struct {
	Concurrency int     // calls in flight of a closed loop; of an open model the limit, 0 for none
	Rate        float64 // calls per second of an open model, 0 in a closed loop
	Fib         string  // range of n; for a Service the range of {n}, or ""
	Custom      bool    // requests are for a [Service], not fib
	Body        string  // template of the Service, may be ""
	Timeout     time.Duration
	Seed        uint64
	// Paused is set while the load is paused. PausedBy says why the lab has paused it, or is "" if
	// the user has.
	Paused   bool
	PausedBy string
	// Waiting is set until the load starts, which needs a consumer or a broker that cannot say.
	Waiting bool
	// Progress is the current load's. It starts again if the model changes.
	Progress load.Progress
}

// MaxMarks is how many marks are kept.
const MaxMarks = 64

// A Mark is the time at which a server joined or left, for a chart.
type Mark struct {
	Time   time.Time
	Server string
	Joined bool
}

// MaxNotes is how many notes are kept.
const MaxNotes = 512

// A Note is one line about an action or an event and its result. Its text may quote messages:
// escape it before you show it.
type Note struct {
	Seq   uint64 // from 1; a note that is rewritten keeps it
	Time  time.Time
	Level Level
	Text  string
	ID    string // the correlation ID that it is about, or ""
}

// A Level is the kind of a note.
type Level uint8

// The levels.
const (
	Info Level = iota
	Success
	Failure
)
