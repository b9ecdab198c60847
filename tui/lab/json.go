package lab

import (
	"io"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/report"
)

// WriteJSON writes a snapshot as one JSON object on one line, without secrets. Control characters
// and those that change the direction of text are escaped: the line may go to a terminal.
//
// The keys are those of [report.RunSummary] and these:
//
//	"time":"2026-01-02T15:04:05.678Z","frozen":false,
//	"connection":{"connected":true,"since":"…","address":"localhost:5672","callback_queue":"amq.gen-JzTY2…",
//	  "epochs":1,"reason":"","blocked":false,"blocked_reason":""},
//	"queue":{"name":"rpc_queue","known":true,"missing":false,"ready":3,"consumers":2,"error":""},
//	"in_flight":[{"id":"7f3a91c2-…","request":"30","outcome":"in_flight","attempt":1,"age_ms":41.2}],
//	"completed":[{"id":"1b22e0aa-…","request":"30","outcome":"completed","attempt":1,"service_ms":38.1,
//	  "server":"fib-1","body":"832040","replies":1}],
//	"failed":[{"id":"c0de51de-…","request":"30","outcome":"timeout","attempt":1,"age_ms":5000.2}],
//	"duplicates":[{"id":"9c01d7fe-…","class":"duplicate","nth":2,"outcome":"completed","since_ms":1200.4,
//	  "server":"fib-2","answered_by":"fib-1","redelivered":true,"body":"832040"}],
//	"orphaned":[{"id":"44aa02be-…","class":"late","nth":1,"outcome":"timeout","since_ms":312.0,"server":"fib-1",
//	  "redelivered":false,"body":"832040"}],
//	"pool":[{"name":"fib-1","pid":4121,"state":"running","args":["--seed=1"],"started":"…","restarts":0}]
//
// A completed row with a wrong answer has "wrong":true. age_ms counts from the first publish;
// service_ms, from there to the answer, is in completed rows and in failed ones with outcome "remote".
// request and body are the beginnings of the bodies. Empty keys of a row are left out, except for
// numbers of ms and those that are false here. "calls" has the number of calls in flight.
func WriteJSON(w io.Writer, s Snapshot, cfg report.RunConfig) error {
	b := &s.Ledger
	c := b.Connection
	return report.PrintJSON(w, snapshotJSON{
		RunSummary: report.Summarize(b, cfg), Time: b.Now, Frozen: s.Frozen,
		Connection: connectionJSON{
			Connected: c.Connected, Since: c.Since, Address: c.Info.Address, Callback: c.Info.Queue, Epochs: c.Epochs,
			Reason: c.Reason, Blocked: c.Blocked, BlockedReason: c.BlockedReason,
		},
		Queue:    s.Queue,
		InFlight: callRows(b.InFlight), Completed: callRows(b.Completed), Failed: callRows(b.Failed),
		Duplicates: strayRows(b.Duplicates), Orphaned: strayRows(b.Orphans),
		Pool: append([]pool.Status{}, s.Pool...),
	})
}

type snapshotJSON struct {
	report.RunSummary
	Time       time.Time      `json:"time"`
	Frozen     bool           `json:"frozen"`
	Connection connectionJSON `json:"connection"`
	Queue      Queue          `json:"queue"`
	InFlight   []callJSON     `json:"in_flight"`
	Completed  []callJSON     `json:"completed"`
	Failed     []callJSON     `json:"failed"`
	Duplicates []strayJSON    `json:"duplicates"`
	Orphaned   []strayJSON    `json:"orphaned"`
	Pool       []pool.Status  `json:"pool"`
}

type connectionJSON struct {
	Connected     bool      `json:"connected"`
	Since         time.Time `json:"since"` // of the connection, or of its loss
	Address       string    `json:"address"`
	Callback      string    `json:"callback_queue"`
	Epochs        int       `json:"epochs"`
	Reason        string    `json:"reason"`
	Blocked       bool      `json:"blocked"`
	BlockedReason string    `json:"blocked_reason"`
}

type callJSON struct {
	ID      string          `json:"id"`
	Request string          `json:"request,omitempty"`
	Outcome amqprpc.Outcome `json:"outcome"`
	Attempt int             `json:"attempt,omitempty"`
	Age     *float64        `json:"age_ms,omitempty"`
	Service *float64        `json:"service_ms,omitempty"`
	Server  string          `json:"server,omitempty"`
	Body    string          `json:"body,omitempty"`
	Replies int             `json:"replies,omitempty"`
	Wrong   bool            `json:"wrong,omitempty"`
}

type strayJSON struct {
	ID          string          `json:"id"`
	Class       amqprpc.Class   `json:"class"`
	Nth         int             `json:"nth,omitempty"`
	Outcome     amqprpc.Outcome `json:"outcome,omitzero"`
	Since       *float64        `json:"since_ms,omitempty"`
	Server      string          `json:"server,omitempty"`
	AnsweredBy  string          `json:"answered_by,omitempty"`
	Redelivered bool            `json:"redelivered"`
	Error       string          `json:"error,omitempty"`
	Body        string          `json:"body,omitempty"`
}

func callRows(calls []ledger.Call) []callJSON {
	all := make([]callJSON, len(calls))
	for i, c := range calls {
		all[i] = callJSON{
			ID: c.ID, Request: c.Request, Outcome: c.Outcome, Attempt: c.Attempt,
			Server: c.Server, Body: c.Answer, Replies: c.Replies, Wrong: c.Wrong,
		}
		if c.Outcome == amqprpc.Completed || c.Outcome == amqprpc.Remote {
			all[i].Service = milliseconds(c.Age)
		} else {
			all[i].Age = milliseconds(c.Age)
		}
	}
	return all
}

func strayRows(in []ledger.Stray) []strayJSON {
	all := make([]strayJSON, len(in))
	for i, s := range in {
		all[i] = strayJSON{
			ID: s.ID, Class: s.Class, Nth: s.Nth, Outcome: s.Outcome, Server: s.Server, AnsweredBy: s.AnsweredBy,
			Redelivered: s.Redelivered, Error: s.Error, Body: s.Body,
		}
		if s.Class != amqprpc.Unknown {
			all[i].Since = milliseconds(s.Since)
		}
	}
	return all
}

func milliseconds(d time.Duration) *float64 {
	ms := float64(d.Microseconds()) / 1000
	return &ms
}
