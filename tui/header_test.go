package tui

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// snapshotOf returns a snapshot of a story without trouble.
func snapshotOf(s *story, bars int) *lab.Snapshot {
	return &lab.Snapshot{
		Ledger: s.ledger.Snapshot(ledger.Query{Now: at(s.now), Seconds: secondsOf(15 * time.Minute), Bars: bars, LogBars: true, Failed: 20}),
		Queue:  lab.Queue{Name: "rpc_queue", Known: true, Ready: 3, Consumers: 2, At: at(s.now)},
		Load:   lab.Load{Concurrency: 64, Fib: "30", Timeout: 5 * time.Second, Seed: 42},
		Pool: []pool.Status{
			{Name: "fib-1", PID: 4121, State: pool.Running, Started: epoch},
			{Name: "fib-2", PID: 4122, State: pool.Running, Started: at(20 * time.Second)},
		},
		Marks: []lab.Mark{
			{Time: epoch, Server: "fib-1", Joined: true}, {Time: at(20 * time.Second), Server: "fib-2", Joined: true},
		},
	}
}

const standIn = "In-process broker (localhost:5672: connection refused). Run rpcscope demo --url amqp://user:password@host/ to use a RabbitMQ of yours."

// ledgers has the ledgers of the snapshots.
var ledgers = make(map[*lab.Snapshot]*ledger.Ledger)

// snapshots are the snapshots of the golden files.
var snapshots = sync.OnceValue(func() map[string]*lab.Snapshot {
	all := make(map[string]*lab.Snapshot)
	busy := func(s *story) {
		s.complete(5000, 0, "fib-1")
		s.complete(9000, 0, "fib-1", "fib-2")
	}
	tell := func(name string, f func(*story), then func(*lab.Snapshot)) {
		s := newStory()
		f(s)
		snap := snapshotOf(s, 60)
		then(snap)
		all[name], ledgers[snap] = snap, s.ledger
	}

	all["zero"] = &lab.Snapshot{}
	tell("healthy", busy, func(*lab.Snapshot) {})
	tell("empty", func(*story) {}, func(l *lab.Snapshot) {
		l.Pool, l.Marks, l.Queue.Consumers, l.Queue.Ready, l.Load.Waiting = nil, nil, 0, 0, true
	})
	tell("mixed", func(s *story) {
		busy(s)
		for range 300 {
			s.complete(7, 0, "fib-1", "elsewhere")
			s.fail(s.send(0), amqprpc.Timeout, 0)
			s.reply(amqprpc.Duplicate, amqprpc.Completed, "00000001-0000-4000-8000-000000000000", "fib-1", 0)
		}
		s.reply(amqprpc.Unknown, amqprpc.InFlight, "who", lab.InjectorName, 0)
		s.complete(1500, 40*time.Millisecond, "fib-1", "elsewhere")
	}, func(l *lab.Snapshot) {
		now := l.Ledger.Now
		l.Fault = "crash-before-ack=0.02"
		l.Ledger.Calls.Wrong = 9
		l.Marks = append(l.Marks, lab.Mark{Time: now.Add(-12 * time.Second), Server: "fib-2"})
		l.Pool[1].State, l.Pool[1].Ended = pool.Killed, now.Add(-12*time.Second)
		l.Pool = append(l.Pool,
			pool.Status{Name: "fib-3", PID: 4123, State: pool.Crashed, Ended: now.Add(-40 * time.Second), Reason: `signal: killed: "` + hostile + `"`},
			pool.Status{Name: "fib-4", PID: 4124, State: pool.Stopping, Restarts: 2},
			pool.Status{Name: "fib-5", PID: 4125, State: pool.Stopped, Ended: now.Add(-3 * time.Minute)},
			pool.Status{Name: "fib-6", PID: 4126, State: pool.Stopped, Ended: now.Add(-4 * time.Minute)},
			pool.Status{Name: "fib-7", PID: 4127, State: pool.Starting})
	})
	tell("paused", busy, func(l *lab.Snapshot) { l.Load.Paused, l.Frozen = true, true })
	tell("open", busy, func(l *lab.Snapshot) {
		l.Load.Rate, l.Load.Progress = 200, load.Progress{Backlog: 12}
	})
	tell("lost", func(s *story) {
		busy(s)
		s.tell(amqprpc.Event{Kind: amqprpc.EventDisconnected, Epoch: 1, Text: "EOF"})
		s.tell(amqprpc.Event{Kind: amqprpc.EventReconnecting, Attempt: 1, Delay: 5 * time.Second})
		s.now += 3 * time.Second
	}, func(l *lab.Snapshot) { l.Queue.Known = false })
	tell("blocked", func(s *story) {
		busy(s)
		s.tell(amqprpc.Event{Kind: amqprpc.EventBlocked, Epoch: 1, Text: "low on memory"})
		s.now += 12 * time.Second
	}, func(*lab.Snapshot) {})
	tell("in-process", func(s *story) {
		s.connect(broker.Product, broker.Version, "127.0.0.1:40123")
		busy(s)
	}, func(l *lab.Snapshot) { l.StandIn = standIn })
	tell("hostile", func(s *story) {
		s.connect(hostile, hostile, hostile)
		s.complete(900, 0, hostile, "", strings.Repeat("長", 5000), "한국어 서버")
	}, func(l *lab.Snapshot) {
		l.Queue.Name, l.Load.Fib, l.Fault = hostile, hostile, strings.Repeat(hostile, 100)
		l.Pool = []pool.Status{{Name: hostile, State: pool.Running}, {Name: "\xff", State: pool.Crashed, Reason: hostile}}
		l.Marks = []lab.Mark{{Time: l.Ledger.Now, Server: hostile, Joined: true}, {Time: epoch, Server: "\x1b[31m"}}
	})
	tell("crowd", func(s *story) {
		var names []string
		for i := range 70 {
			names = append(names, fmt.Sprintf("worker%d", i))
		}
		s.complete(3000, 0, names...)
	}, func(*lab.Snapshot) {})
	return all
})

// paintFrames draws frames of one height side by side.
func paintFrames(st *text.Styles, h int, frames ...text.Frame) string {
	return strings.Join(text.Grid{{Height: h, Frames: frames}}.Draw(st, nil), "\n") + "\n"
}

// goldenPanel compares a panel with golden files.
func goldenPanel(t *testing.T, name string, draw func(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame) {
	t.Helper()
	for _, snap := range []string{"empty", "healthy", "mixed", "paused", "hostile"} {
		var plain, colour strings.Builder
		for _, size := range [][2]int{{24, 6}, {38, 12}, {60, 12}} {
			w, h := size[0], size[1]
			fmt.Fprintf(&plain, "%d x %d\n%s", w, h, paintFrames(styled(false), h, draw(styled(false), snapshots()[snap], w, h)))
			fmt.Fprintf(&colour, "%d x %d\n%s", w, h, paintFrames(styled(true), h, draw(styled(true), snapshots()[snap], w, h)))
		}
		golden(t, name+"-"+snap, plain.String())
		golden(t, name+"-"+snap+"-colour", colour.String())
		if ansi.Strip(colour.String()) != plain.String() {
			t.Errorf("%s: colour changes more than colour", snap)
		}
	}
}

// sweepPanel draws a panel at many sizes and checks that it fits.
func sweepPanel(t *testing.T, draw func(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame) {
	t.Helper()
	st := styled(false)
	for name, snap := range snapshots() {
		seen := make(map[string]bool)
		for w := -1; w <= 160; w += 1 + w/28*9 {
			for h := -1; h <= 40; h += 1 + h/9*9 {
				f := draw(st, snap, w, h)
				if f.Width != max(w, 0) || len(f.Body) > max(h, 0) {
					t.Fatalf("%s at %d x %d: %d cells, %d rows", name, w, h, f.Width, len(f.Body))
				}
				for _, l := range f.Body {
					if l.Width() > max(w, 0) {
						t.Fatalf("%s at %d x %d: %d cells: %v", name, w, h, l.Width(), l)
					}
					if s := l.Render(); !seen[s] { // most rows are the same at every height
						seen[s] = true
						harmless(t, s, w)
					}
				}
				sound(t, joinedBody(f))
				harmless(t, f.Title.Render(), max(w-4, 0))
			}
		}
	}
}

// joinedBody returns the body of a frame as text.
func joinedBody(f text.Frame) string {
	var b strings.Builder
	for _, l := range f.Body {
		b.WriteString(l.Render() + "\n")
	}
	return b.String()
}

func TestHeaderGolden(t *testing.T) {
	for name, snap := range snapshots() {
		var plain, colour strings.Builder
		for _, w := range []int{40, 80, 120, 160} {
			for _, l := range headerLines(styled(false), snap, w) {
				plain.WriteString(l.Render() + "\n")
			}
			for _, l := range headerLines(styled(true), snap, w) {
				colour.WriteString(l.Render() + "\n")
			}
		}
		golden(t, "header-"+name, plain.String())
		golden(t, "header-"+name+"-colour", colour.String())
		if ansi.Strip(colour.String()) != plain.String() {
			t.Errorf("%s: colour changes more than colour", name)
		}
	}
}

func TestHeaderFits(t *testing.T) {
	for name, snap := range snapshots() {
		for w := -1; w <= 200; w += 1 + w/100 {
			lines := headerLines(styled(false), snap, w)
			if len(lines) != 2 {
				t.Fatalf("%s at %d: %d lines", name, w, len(lines))
			}
			for _, l := range lines {
				harmless(t, l.Render(), w)
			}
		}
	}
}

func TestHeaderSays(t *testing.T) {
	with := func(name string, f func(*lab.Snapshot)) *lab.Snapshot {
		snap := *snapshots()[name]
		f(&snap)
		return &snap
	}
	for _, c := range []struct {
		name string
		snap *lab.Snapshot
		w    int
		yes  []string
		no   []string
	}{
		{"all of it", snapshots()["healthy"], 140, []string{"rpcscope  RabbitMQ 4.2.1  localhost:5672  rpc_queue 3 ready, 2 consumers  callback amq.gen-JzTY2", "● connected 42s",
			"closed loop 64  fib(30)  timeout 5 s  seed 42", "sent 14,000  completed 14,000  failed 0  in flight 0", "/s"}, []string{"PAUSED", "FROZEN", "WAITING", "WRONG"}},
		{"80 cells", snapshots()["healthy"], 80, []string{"rpc_queue 3 ready, 2 consumers", "● connected 42s", "completed 14,000", "/s"}, []string{"callback", "seed"}},
		{"connecting", snapshots()["zero"], 80, []string{"○ connecting"}, []string{"connected"}},
		{"lost", snapshots()["lost"], 120, []string{"○ reconnecting, lost 3s ago, next try in 2s"}, []string{"ready", "● connected"}},
		{"trying", with("lost", func(l *lab.Snapshot) { l.Ledger.Connection.NextTry = l.Ledger.Now }), 120, []string{"lost 3s ago, trying now"}, nil},
		{"denied", with("lost", func(l *lab.Snapshot) { l.Ledger.Connection.Denied = true }), 80, []string{"✗ permission missing, next try in 2s"}, []string{"connecting"}},
		{"denied, connected", with("healthy", func(l *lab.Snapshot) { l.Ledger.Connection.Denied = true }), 80, []string{"✗ permission missing"}, []string{"● connected", "next try"}},
		{"blocked", snapshots()["blocked"], 120, []string{"■ blocked by an alarm for 12s"}, []string{"● connected"}},
		{"paused and frozen", snapshots()["paused"], 120, []string{"PAUSED", "FROZEN at 15:04:47"}, nil},
		{"paused and frozen, little room", snapshots()["paused"], 80, []string{"PAUSED", "FROZEN", "completed 14,000", "/s"}, nil},
		{"waiting", snapshots()["empty"], 120, []string{"WAITING for a server", "rpc_queue 0 ready, no consumers"}, nil},
		{"missing", with("empty", func(l *lab.Snapshot) { l.Queue.Missing = true }), 120, []string{"rpc_queue is missing"}, []string{"ready"}},
		{"mute", with("empty", func(l *lab.Snapshot) { l.Queue.Known, l.Queue.Err = false, "no" }), 120, []string{"rpc_queue not known"}, nil},
		{"exclusive", with("empty", func(l *lab.Snapshot) { l.Queue.Exclusive = true }), 120, []string{"rpc_queue exclusive to another connection"}, []string{"ready", "no consumers"}},
		{"one consumer", with("healthy", func(l *lab.Snapshot) { l.Queue.Consumers = 1 }), 120, []string{"1 consumer "}, nil},
		{"open", snapshots()["open"], 120, []string{"200/s open, backlog 12"}, []string{"closed"}},
		{"wrong", snapshots()["mixed"], 120, []string{"9 WRONG", "failed 300"}, nil},
		{"broken", with("healthy", func(l *lab.Snapshot) { l.Err = errors.New("x") }), 80, []string{"✗ internal error"}, []string{"connected"}},
		{"in-process", snapshots()["in-process"], 140, []string{"rpcscope  in-process broker 0.1.0  127.0.0.1:40123  rpc_queue 3 ready, 2 consumers  callback amq.gen-JzTY2"}, nil},
		{"in-process, 120 cells", snapshots()["in-process"], 120, []string{" rpcscope  in-process broker 0.1.0  rpc_queue 3 ready, 2 consumers  callback amq.gen-JzTY2"}, nil},
		{"in-process, 80 cells", snapshots()["in-process"], 80, []string{" in-process broker 0.1.0  rpc_queue 3 ready, 2 consumers "}, []string{"callback"}},
		{"in-process, whatever happens", with("in-process", func(l *lab.Snapshot) {
			l.Queue.Name, l.Queue.Ready = strings.Repeat("queue", 50), 12345678
			l.Ledger.Connection.Blocked, l.Ledger.Connection.BlockedSince = true, epoch.Add(-100*time.Hour)
		}), 80, []string{" in-process", "blocked"}, nil},
		{"hostile", snapshots()["hostile"], 160, []string{`\x1b]0;owned`}, []string{"\x1b"}},
		{"narrow", snapshots()["lost"], 24, []string{"○ reconnecting"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines := headerLines(styled(false), c.snap, c.w)
			says(t, lines[0].Render()+"\n"+lines[1].Render(), c.yes, c.no)
			if got := lines[0].Width(); got != c.w-1 {
				t.Errorf("the state ends at cell %d of %d", got, c.w)
			}
		})
	}
}

// says fails the test if a text lacks one of yes or has one of no.
func says(t *testing.T, text string, yes, no []string) {
	t.Helper()
	for _, s := range yes {
		if !strings.Contains(text, s) {
			t.Errorf("%q is missing from\n%s", s, text)
		}
	}
	for _, s := range no {
		if strings.Contains(text, s) {
			t.Errorf("%q is in\n%s", s, text)
		}
	}
}

// The panels of a screen of 120x40.
func BenchmarkPanels(b *testing.B) {
	st, snap := styled(true), snapshots()["mixed"]
	var servers serverList
	for name, draw := range map[string]func(){
		"header":     func() { headerLines(st, snap, 120) },
		"throughput": func() { throughputPanel(st, snap, time.Minute, 38, 12) },
		"latency":    func() { latencyPanel(st, snap, 38, 12) },
		"servers":    func() { servers.panel(st, snap, true, 40, 12) },
		"advice":     func() { explain.Advise(snap) },
		"painted": func() {
			paintFrames(st, 12, throughputPanel(st, snap, time.Minute, 38, 12), latencyPanel(st, snap, 38, 12), servers.panel(st, snap, true, 40, 12))
		},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				draw()
			}
		})
	}
}
