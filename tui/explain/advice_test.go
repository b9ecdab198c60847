package explain

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

const (
	hostile    = "\x1b]0;owned\x07\x1b[2J\u202efib\u200b\n\xff\u009b31m" + "e\u0301\u0301\u0301\u0301\u0301"
	standIn    = "In-process broker (localhost:5672: connection refused). Run rpcscope demo --url amqp://user:password@host/ to use a RabbitMQ of yours."
	deniedText = `user "ann" lacks the write permission on exchange "amq.default" in virtual host "/": ` +
		`rabbitmqctl set_permissions -p / ann CONFIGURE WRITE READ, with a WRITE that matches "amq.default"`
)

// snapshot returns a lab in the named state.
func snapshot(name string) *lab.Snapshot {
	now := at(42 * time.Second)
	s := &lab.Snapshot{
		Ledger: ledger.Snapshot{
			Now: now, Calls: ledger.Calls{Sent: 14_000, Completed: 14_000}, Seconds: []ledger.Second{{Completed: 300}, {Completed: 300}},
			Connection: ledger.Connection{Connected: true, Since: epoch, Info: amqprpc.ConnectionInfo{Address: "localhost:5672"}},
		},
		Queue: lab.Queue{Name: "rpc_queue", Known: true, Ready: 3, Consumers: 2, At: now},
		Load:  lab.Load{Concurrency: 64, Fib: "30", Timeout: 5 * time.Second},
		Pool:  []pool.Status{{Name: "fib-1", State: pool.Running}, {Name: "fib-2", State: pool.Running}},
	}
	c := &s.Ledger.Connection
	switch name {
	case "empty":
		s.Pool, s.Queue.Consumers, s.Queue.Ready, s.Load.Waiting = nil, 0, 0, true
		s.Ledger.Calls, s.Ledger.Seconds = ledger.Calls{}, nil
	case "discarded":
		s.Ledger.Replies = ledger.Replies{Duplicates: 300, Unknown: 1}
	case "frozen":
		s.Load.Paused, s.Frozen = true, true
	case "lost":
		*c = ledger.Connection{Since: now.Add(-3 * time.Second), Reason: "EOF", NextTry: now.Add(2 * time.Second)}
		s.Queue.Known = false
	case "blocked":
		c.Blocked, c.BlockedReason = true, "low on memory"
	case "in-process":
		c.Info.Address, s.StandIn = "127.0.0.1:40123", standIn
	}
	return s
}

// adviceText returns the advice with its level.
func adviceText(snap *lab.Snapshot) string {
	a := Advise(snap)
	if a.Text == "" {
		return ""
	}
	return []string{lab.Info: "  ", lab.Success: "+ ", lab.Failure: "! "}[a.Level] + a.Text + "\n"
}

func TestAdviseSays(t *testing.T) {
	with := func(name string, f func(*lab.Snapshot)) *lab.Snapshot {
		snap := snapshot(name)
		f(snap)
		return snap
	}
	// seconds is a healthy screen whose last seconds were so.
	seconds := func(now ledger.Second, f func(*lab.Snapshot)) *lab.Snapshot {
		return with("healthy", func(l *lab.Snapshot) {
			l.Ledger.Seconds = []ledger.Second{now, {}, {}}
			f(l)
		})
	}
	crowd := func(l *lab.Snapshot) { l.Queue.Ready = 312 }
	none := func(*lab.Snapshot) {}
	hanging := ledger.Second{Failed: 90, TimedOut: 90}
	const paused = "  The load is paused. Press space to resume it, or c to make one call.\n"
	for _, c := range []struct {
		name string
		snap *lab.Snapshot
		want string
	}{
		{"nothing known", &lab.Snapshot{}, "! There is no connection yet. Calls wait for it until their deadline.\n"},
		{"no broker", &lab.Snapshot{Ledger: ledger.Snapshot{Connection: ledger.Connection{Reason: "connection refused."}}},
			"! There is no connection yet: connection refused. Calls wait for it until their deadline.\n"},
		{"lost", snapshot("lost"), "! The connection was lost 3s ago: EOF. The next try is in 2s, and until then calls fail at their own deadline.\n"},
		{"trying", with("lost", func(l *lab.Snapshot) { l.Ledger.Connection.NextTry = time.Time{} }),
			"! The connection was lost 3s ago: EOF. It is being tried again now, and until then calls fail at their own deadline.\n"},
		{"denied", with("lost", func(l *lab.Snapshot) { l.Ledger.Connection.Lost, l.Ledger.Connection.Denied = deniedText, true }),
			"! The broker closes the connection over each call: " + deniedText + ".\n"},
		{"denied, connected", with("healthy", func(l *lab.Snapshot) { l.Ledger.Connection.Lost, l.Ledger.Connection.Denied = deniedText, true }),
			"! The broker closes the connection over each call: " + deniedText + ".\n"},
		{"blocked", snapshot("blocked"), "! The broker has raised an alarm and takes no requests: low on memory. They wait in the client; clear the alarm on the broker to continue.\n"},
		{"silent", seconds(ledger.Second{Completed: 9}, func(l *lab.Snapshot) {
			l.Queue.At, l.Queue.Err = l.Ledger.Now.Add(-7*time.Second), "no answer within 3s"
		}),
			"! The broker has not answered for 7s: it hangs, or the network to it does. Calls wait until their deadline.\n"},
		{"back from ctrl+z", seconds(ledger.Second{}, func(l *lab.Snapshot) { l.Queue.At, l.Ledger.Calls.InFlight = l.Ledger.Now.Add(-time.Hour), 8 }), ""},
		{"missing", with("empty", func(l *lab.Snapshot) { l.Queue.Missing = true }),
			"! There is no queue rpc_queue, so calls are unroutable. Press s to start a server, which declares it.\n"},
		{"missing, starting", with("empty", func(l *lab.Snapshot) { l.Queue.Missing, l.Pool = true, []pool.Status{{State: pool.Starting}} }),
			"! There is no queue rpc_queue yet: the server that is starting declares it.\n"},
		{"no consumers", with("empty", func(l *lab.Snapshot) { l.Load.Waiting = false }),
			"! Nobody consumes from rpc_queue: calls wait in it and time out. Press s to start a server.\n"},
		{"waiting", snapshot("empty"), "! Nobody consumes from rpc_queue, and the load waits for a server. Press s to start a server, or run fibserver in another terminal.\n"},
		{"waiting, starting", with("empty", func(l *lab.Snapshot) { l.Pool = []pool.Status{{State: pool.Starting}} }), "! Nobody consumes from rpc_queue yet: a server is starting.\n"},
		{"waiting, unknown", with("empty", func(l *lab.Snapshot) { l.Queue.Known = false }), "  The load starts as soon as a server consumes from rpc_queue.\n"},
		{"waiting and paused", with("empty", func(l *lab.Snapshot) { l.Load.Paused = true }),
			"! Nobody consumes from rpc_queue, and the load waits for a server. Press s to start a server, or run fibserver in another terminal.\n"},
		{"paused", with("discarded", func(l *lab.Snapshot) {
			l.Load, l.Fault, l.Ledger.Seconds, l.Ledger.Calls.Wrong = lab.Load{Paused: true}, "", []ledger.Second{{}}, 0
		}),
			paused},
		{"frozen", snapshot("frozen"), "  Frozen at 15:04:47. Press f to go live.\n"},
		{"healthy, of somebody else", with("healthy", func(l *lab.Snapshot) { l.Load.Custom = true }), // whose servers cannot be started here
			"+ All is well, and no reply had to be discarded. Press d to send a second reply, or u to send one with an unknown ID.\n"},
		{"discarded, of somebody else", with("healthy", func(l *lab.Snapshot) { l.Load.Custom, l.Ledger.Replies.Duplicates, l.Pool = true, 1, nil }),
			"  Press enter on a duplicate or an orphan to see its whole story. Then try D to drop the connection.\n"},
		{"healthy", snapshot("healthy"), "+ All is well, and no reply had to be discarded. Press d to send a second reply, u to send one with an unknown ID, or x for a fault in the next server.\n"},
		{"in-process", snapshot("in-process"), "  " + standIn + "\n"},
		{"in-process, with duplicates", with("in-process", func(l *lab.Snapshot) { l.Ledger.Replies.Duplicates = 1 }), "  Press enter on a duplicate or an orphan to see its whole story. Then try x, a fault for the next server, K to kill one, or D to drop the connection.\n"},
		{"in-process, paused", with("in-process", func(l *lab.Snapshot) { l.Load.Paused = true }), paused},
		{"in-process, waiting", with("in-process", func(l *lab.Snapshot) {
			l.Ledger.Seconds = nil
			l.Queue.Consumers, l.Load.Waiting, l.Pool = 0, true, nil
		}),
			"! Nobody consumes from rpc_queue, and the load waits for a server. Press s to start a server, or run fibserver --url amqp://127.0.0.1:40123/ in another terminal.\n"},
		{"waiting and paused, unknown", with("empty", func(l *lab.Snapshot) { l.Queue.Known, l.Load.Paused = false, true }), paused},
		{"fault", with("healthy", func(l *lab.Snapshot) { l.Fault = "duplicate=1" }), "  The next server will have the fault duplicate=1. Press s to start it.\n"},
		{"begun", with("healthy", func(l *lab.Snapshot) { l.Ledger.Seconds = nil; l.Ledger.Calls = ledger.Calls{Sent: 1, InFlight: 1} }), ""},
		{"a few failed", seconds(ledger.Second{Completed: 50, Failed: 2, TimedOut: 2}, none), ""},
		{"too few servers", seconds(ledger.Second{Completed: 50, Failed: 90, TimedOut: 90}, crowd),
			"! Most calls time out, and 312 wait in the queue: too few servers for this load. Press s to start another one, or - to reduce the load.\n"},
		{"too few servers, of somebody else", seconds(ledger.Second{Completed: 50, Failed: 90, TimedOut: 90}, func(l *lab.Snapshot) { crowd(l); l.Load.Custom = true }),
			"! Most calls time out, and 312 wait in the queue: too few servers for this load. Start another one, or press - to reduce the load.\n"},
		{"too few servers, all late", seconds(ledger.Second{Failed: 90, TimedOut: 90, Late: 7}, crowd),
			"! Most calls time out, and 312 wait in the queue: too few servers for this load. Press s to start another one, or - to reduce the load.\n"},
		{"some late, since calls wait for servers", seconds(ledger.Second{Completed: 50, Failed: 9, TimedOut: 9, Late: 7}, func(l *lab.Snapshot) { l.Queue.Ready = 192 }),
			"! Some replies come too late: their calls have timed out, and 192 wait in the queue for a server. Press s to start another one, or - to reduce the load.\n"},
		{"hanging, crowded", seconds(hanging, crowd),
			"! Calls time out, 312 wait in the queue, and no reply comes: the servers hang, or are very slow. Press enter on a call to see how far it came, or s to start another server.\n"},
		{"late", seconds(ledger.Second{Completed: 50, Failed: 60, TimedOut: 60, Late: 60}, none),
			"! Some replies come too late: their calls have timed out. Press t for a longer timeout, or - to reduce the load.\n"},
		{"hanging", seconds(hanging, none),
			"! Most calls time out, although the queue has 2 consumers. Press enter on one to see how far it came, or s to start another server.\n"},
		{"hanging, the queue unknown", seconds(hanging, func(l *lab.Snapshot) { l.Queue = lab.Queue{Name: "rpc_queue"} }),
			"! Most calls time out. Press enter on one to see how far it came.\n"},
		{"errors", seconds(ledger.Second{Failed: 60, Remote: 59, TimedOut: 1}, none),
			"! The servers answer most calls with an error. Press enter on a failed call to see which.\n"},
		{"some errors", seconds(ledger.Second{Completed: 40, Failed: 60, Remote: 30, TimedOut: 30}, none), ""},
		{"errors now, timeouts before", seconds(ledger.Second{Failed: 60, Remote: 60}, func(l *lab.Snapshot) { l.Ledger.Failures.Timeout = 1000 }),
			"! The servers answer most calls with an error. Press enter on a failed call to see which.\n"},
		{"backlog", seconds(ledger.Second{Completed: 60}, func(l *lab.Snapshot) { l.Load.Rate, l.Load.Progress = 200, load.Progress{Backlog: 1300} }),
			"! 1,300 calls are due and have not started. Press - for a lower rate.\n"},
		{"backlog, since calls wait for servers", seconds(ledger.Second{Completed: 60}, func(l *lab.Snapshot) { crowd(l); l.Load.Rate, l.Load.Progress = 200, load.Progress{Backlog: 1300} }),
			"! 1,300 calls are due and have not started. Press - for a lower rate, or s to start another server.\n"},
		{"no answer for long", seconds(ledger.Second{}, func(l *lab.Snapshot) { l.Ledger.Calls.InFlight = 8 }), ""}, // which is not well
		{"wrong", seconds(ledger.Second{Completed: 60}, func(l *lab.Snapshot) { l.Ledger.Calls.Wrong = 1 }),
			"! 1 answer was not the right number: some server computes something else.\n"},
		{"wrong, and now nobody serves", seconds(ledger.Second{}, func(l *lab.Snapshot) { l.Ledger.Calls.Wrong, l.Queue.Consumers, l.Pool = 1, 0, nil }),
			"! Nobody consumes from rpc_queue: calls wait in it and time out. Press s to start a server.\n"},
		{"unexpected", seconds(ledger.Second{Completed: 60}, func(l *lab.Snapshot) { l.Ledger.Calls.Wrong, l.Load.Custom = 2, true }),
			"! 2 answers were not what is expected (--expect).\n"},
		{"answered, though nobody consumes", with("healthy", func(l *lab.Snapshot) { l.Queue.Consumers = 0; l.Ledger.Replies.Duplicates = 1; l.Pool = nil }),
			"  Press enter on a duplicate or an orphan to see its whole story. Then try x, a fault for the next server, or D to drop the connection.\n"},
		{"broken", with("healthy", func(l *lab.Snapshot) { l.Err = errors.New("index out of range") }),
			"! Internal error: index out of range. The session has stopped; press q to quit.\n"},
	} {
		if got := adviceText(c.snap); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// Text from elsewhere is escaped and bounded.
func TestAdviseEscapes(t *testing.T) {
	long := strings.Repeat(hostile, 500)
	for _, snap := range []*lab.Snapshot{
		{Err: errors.New(long)},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Reason: long}}},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Since: epoch, Reason: long}}},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Connected: true, Blocked: true, BlockedReason: long}}},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Connected: true}}, Queue: lab.Queue{Name: long, Known: true}, Fault: long},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Connected: true}}, StandIn: long},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Connected: true, Since: epoch, Lost: long, Denied: true}}},
		{Ledger: ledger.Snapshot{Connection: ledger.Connection{Connected: true}}, Queue: lab.Queue{Name: long}, Fault: long, Load: lab.Load{Waiting: true}},
	} {
		switch a := Advise(snap); {
		case a.Text == "":
			t.Errorf("nothing said of %+v", snap)
		case text.Escape(a.Text, 320) != a.Text:
			t.Errorf("not escaped, or too long: %q", a.Text)
		}
	}
}

// In any state, advice is in whole sentences and does not contradict itself.
func TestAdviseNeverContradictsItself(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		yes := func(name string) bool { return rapid.Bool().Draw(t, name) }
		n := func(name string) int { return rapid.SampledFrom([]int{0, 1, 100}).Draw(t, name) }
		snap := &lab.Snapshot{
			Queue: lab.Queue{Name: "q", Known: yes("known"), Missing: yes("missing"), Ready: n("ready"), Consumers: n("consumers")},
			Load: lab.Load{
				Rate: float64(n("rate")), Paused: yes("paused"), Waiting: yes("waiting"), Custom: yes("custom"),
				Progress: load.Progress{Backlog: 10 * int64(n("backlog"))},
			},
			Frozen: yes("frozen") && yes("frozen indeed"),
		}
		if yes("fault") {
			snap.Fault = "duplicate=1"
		}
		b := &snap.Ledger
		b.Calls.Wrong = uint64(n("wrong"))
		b.Connection = ledger.Connection{Connected: yes("connected"), Blocked: yes("blocked")}
		if b.Connection.Connected || yes("was connected") {
			b.Connection.Since = epoch
			b.Connection.Denied, b.Connection.Lost = yes("denied"), "user lacks the permission"
		}
		if yes("pool") {
			snap.Pool = []pool.Status{{Name: "fib-1", State: rapid.SampledFrom([]pool.State{pool.Starting, pool.Running, pool.Killed}).Draw(t, "state")}}
		}
		var now ledger.Second
		for range rapid.IntRange(1, 3).Draw(t, "seconds") {
			s := ledger.Second{Completed: n("completed"), TimedOut: n("timed out"), Remote: n("remote"), Late: n("late")}
			s.Failed = s.TimedOut + s.Remote + n("other failures")
			b.Seconds = append(b.Seconds, s)
			now.Completed += s.Completed
			now.Failed += s.Failed
			now.Late += s.Late
			now.TimedOut += s.TimedOut
			now.Remote += s.Remote
		}
		b.Calls.Completed, b.Calls.InFlight = uint64(n("all completed")), uint64(n("in flight"))
		b.Replies = ledger.Replies{Late: uint64(n("late")), Duplicates: uint64(n("duplicates"))}

		text := adviceText(snap)
		if a := Advise(snap).Text; a != "" && (!strings.HasSuffix(a, ".") || strings.Contains(a, "..") || strings.ToUpper(a[:1]) != a[:1]) {
			t.Fatalf("not a sentence: %q", a)
		}
		never := func(a, b string) {
			if strings.Contains(text, a) && strings.Contains(text, b) {
				t.Fatalf("both %q and %q:\n%s", a, b, text)
			}
		}
		never("There is no queue", "Nobody consumes")
		never("connection", "queue")
		never("alarm", "queue")
		never("a server is starting", "Press s to start a server")
		never("another server", "start a server")
		// Conditions of each advice.
		only := func(words string, so bool) {
			if strings.Contains(text, words) && !so {
				t.Fatalf("%q, and it is not so:\n%s", words, text)
			}
		}
		answered := false
		for _, s := range b.Seconds[max(len(b.Seconds)-2, 0):] {
			answered = answered || s.Completed > 0
		}
		crowded := snap.Queue.Known && snap.Queue.Ready > longQueue*max(snap.Queue.Consumers, 1)
		only("Press t for a longer timeout", now.Late > 0 && !crowded)
		only("wait in the queue", crowded && now.TimedOut+now.Late > 0)
		only("Most calls time out", 2*now.TimedOut > now.Completed+now.Failed)
		only("no reply comes", now.Completed+now.Late == 0)
		only("although the queue has", snap.Queue.Known)
		only("answer most calls with an error", 2*now.Remote > now.Completed+now.Failed)
		only("Nobody consumes", snap.Queue.Known && snap.Queue.Consumers == 0 && !answered)
		only("There is no queue", snap.Queue.Missing && !answered)
		only("has not answered", !answered)
		only("K to kill one", len(snap.Pool) > 0 && snap.Pool[0].State.Alive())
		for _, key := range []string{"Press s to start another", "Press s to start a server", "or s to start", "Press s to start it", "x, a fault", "or x for a fault"} {
			only(key, !snap.Load.Custom)
		}
		only("All is well", now.Failed == 0 && b.Calls.Wrong == 0 && b.Calls.Completed+uint64(now.Completed) > 0)
		only("The load starts", snap.Load.Waiting && !snap.Load.Paused)
		only("Press space", snap.Load.Paused && !snap.Frozen)
		if !b.Connection.Connected && !snap.Frozen && !strings.Contains(text, "connection") {
			t.Fatalf("not a word of the connection:\n%s", text)
		}
	})
}

// A broker that cannot be asked about the queue is mentioned with the reason, and is not an obstacle to calls.
func TestAdviseUnknownQueue(t *testing.T) {
	snap := snapshot("healthy")
	snap.Queue.Known, snap.Queue.Err = false, "NOT_ALLOWED - the maximum allowed user limit of (4)"
	want := "  It is unknown who consumes from rpc_queue: NOT_ALLOWED - the maximum allowed user limit of (4). "
	if got := adviceText(snap); !strings.HasPrefix(got, want+"Calls are made anyway.\n") || obstacle(snap) != "" {
		t.Errorf("%s; obstacle %s", got, obstacle(snap))
	}
	snap.Ledger.Seconds, snap.Load.Waiting = nil, true
	if got := adviceText(snap); !strings.HasPrefix(got, want+"Press space to start the load.\n") {
		t.Errorf("waiting: %s", got)
	}
	snap.Ledger.Now = snap.Ledger.Now.Add(time.Hour) // nobody says that it hangs
	if got := adviceText(snap); strings.Contains(got, "hangs") {
		t.Errorf("after an hour: %s", got)
	}
}
