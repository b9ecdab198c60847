package pool

import (
	"cmp"
	"time"
)

// A State is what a server is doing.
type State int

const (
	Starting State = iota // the process runs and has not printed its ready line
	Running               // it has
	Stopping              // it was asked to end, and drains
	Stopped               // it ended on request, or by itself with status 0
	Killed                // the pool killed it
	Crashed               // it ended otherwise
)

// String returns the state in lower case.
func (s State) String() string {
	return [...]string{"starting", "running", "stopping", "stopped", "killed", "crashed"}[s]
}

// Alive reports whether there is a process.
func (s State) Alive() bool { return s <= Stopping }

// MarshalText returns the state's name.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// A Status describes a server at one moment.
type Status struct {
	Name string `json:"name"`
	// AppID is the server's --name and the app_id of its replies. It is unique among programs.
	AppID string   `json:"app_id"`
	PID   int      `json:"pid"` // of the last process
	State State    `json:"state"`
	Args  []string `json:"args"` // without those of the Config
	// Started and Ended are the last process's; Ended is zero while it is alive.
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	// Reason is how the last process ended, for example "exit status 1" or "signal: killed".
	// If it crashed, the last line of its output follows, unless that is the ready line.
	Reason string `json:"reason,omitempty"`
	// Restarts counts the processes after the first.
	Restarts int `json:"restarts"`
	// CPU is the user and system time of all processes that have ended.
	CPU time.Duration `json:"cpu_ns"`

	// WasReady reports whether the last process has printed its ready line, and Requested
	// whether Stop, Kill or Restart ended it.
	WasReady, Requested bool `json:"-"`
}

// Answers reports whether replies with this app_id are the server's.
func (s *Status) Answers(appID string) bool { return cmp.Or(s.AppID, s.Name) == appID }
