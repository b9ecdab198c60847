package tui

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

func focusedServers(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame {
	return new(serverList).panel(st, snap, true, w, h)
}

func TestServersGolden(t *testing.T) { goldenPanel(t, "servers", focusedServers) }

func TestServersFit(t *testing.T) {
	sweepPanel(t, focusedServers)
	down := serverList{}
	sweepPanel(t, func(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame {
		down.move(snap, 3)
		return down.panel(st, snap, h%2 == 0, w, h)
	})
}

func serversText(snap *lab.Snapshot, w, h int) string {
	st := styled(false)
	return paintFrames(st, h, focusedServers(st, snap, w, h))
}

func TestServersSay(t *testing.T) {
	with := func(name string, f func(*lab.Snapshot)) *lab.Snapshot {
		snap := *snapshots()[name]
		f(&snap)
		return &snap
	}
	for _, c := range []struct {
		name string
		snap *lab.Snapshot
		w, h int
		yes  []string
		no   []string
	}{
		{"two", snapshots()["healthy"], 60, 6, []string{"Servers  2 running", "  fib-1 █", "▸ fib-2 █", "/s", "pid 4121", "pid 4122"}, []string{"not ours", "No server"}},
		{"two, narrow", snapshots()["healthy"], 24, 6, []string{"fib-1", "fib-2", "█", "/s"}, []string{"pid"}},
		{"share", snapshots()["healthy"], 100, 6, []string{"50.0 %"}, nil},
		{"paused", snapshots()["paused"], 60, 6, []string{"67.9 %", "32.1 %"}, []string{"/s"}},
		{"mixed", snapshots()["mixed"], 100, 12, []string{"next: crash-before-ack=0.02", "fib-7", "starting, pid 4127", "elsewhere", "not ours", "killed 12s ago", "crashed 40s ago: signal: killed",
			"stopping, pid 4124", "stopped 3m00s ago", "300 dup.", "1 reply that you sent"}, []string{"fib-6", "\x1b", "4m00s"}},
		{"mixed, narrow", snapshots()["mixed"], 24, 12, []string{"crashed: signa…", "stopping", "by ha…", "1 reply"}, nil},
		{"nobody", snapshots()["empty"], 80, 4, []string{"No server. Press s to start one here, or run fibserver in another terminal.", "0 running"}, nil},
		{"nobody for another queue", with("empty", func(l *lab.Snapshot) { l.Queue.Name = "q" }), 80, 4, []string{"run fibserver --queue q in another"}, nil},
		{"starting", with("empty", func(l *lab.Snapshot) { l.Pool = []pool.Status{{Name: "fib-1", PID: 4121, State: pool.Starting}} }), 80, 4, []string{"fib-1", "starting, pid 4121"}, []string{"No server"}},
		{"one of somebody else", with("empty", func(l *lab.Snapshot) { l.Queue.Consumers = 1 }), 90, 4, []string{"1 consumer waits for requests in another program"}, []string{"No server"}},
		{"all dead", with("empty", func(l *lab.Snapshot) {
			l.Pool = []pool.Status{{Name: "fib-1", State: pool.Killed, Ended: l.Ledger.Now.Add(-2 * time.Second)}}
		}), 90, 4, []string{"fib-1 killed 2s ago", "No server. Press s"}, nil},
		{"those of another screen", with("healthy", func(l *lab.Snapshot) {
			l.Pool = slices.Clone(l.Pool)
			for i := range l.Pool {
				l.Pool[i].State, l.Pool[i].Ended = pool.Killed, l.Ledger.Now.Add(-2*time.Second)
				l.Pool[i].AppID = l.Pool[i].Name + ".4100@here"
			}
			l.Queue.Others = 2
		}), 100, 8, []string{"Servers  0 running here, 2 elsewhere", "fib-1 █", "fib-2 █", "not ours", "fib-1 killed 2s ago", "fib-2 killed 2s ago"}, []string{"No server"}},
		{"none but one without a name", with("empty", func(l *lab.Snapshot) {
			l.Queue.Consumers, l.Queue.Others, l.Ledger.Servers = 3, 3, []ledger.Server{{Replies: 9, Answers: 9, Rate: 9, Share: 1}}
		}), 80, 4, []string{"0 running here, 3 elsewhere", "(no name)"}, nil},
		{"crowd", snapshots()["crowd"], 60, 6, []string{"of 67"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) { says(t, serversText(c.snap, c.w, c.h), c.yes, c.no) })
	}
}

// Running servers come first in the order of their starts, then those of others, then ended ones, the newest first, and replies
// sent by hand last.
func TestServersOrder(t *testing.T) {
	var names []string
	for _, e := range serverEntries(snapshots()["mixed"], serverKey{}) {
		names = append(names, e.label(20))
	}
	if got, want := strings.Join(names, " "), "fib-1 fib-4 fib-7 elsewhere fib-2 fib-3 fib-5 (by hand)"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestServersSelected(t *testing.T) {
	snap := snapshots()["mixed"]
	s := new(serverList)
	is := func(want string, ours bool) {
		t.Helper()
		name, status, isPool := s.selected(snap)
		if name != want || isPool != ours || isPool && status.Name != want || !isPool && status.Name != "" {
			t.Errorf("selected %q (%+v, %v), want %q, %v", name, status, isPool, want, ours)
		}
	}
	is("fib-1", true) // the newest one that runs
	s.move(snap, 1)
	is("fib-4", true)
	s.move(snap, 1)
	is("fib-7", true)
	s.move(snap, 1)
	is("elsewhere", false)
	s.move(snap, 1)
	is("fib-2", true)
	s.move(snap, 100)
	is(lab.InjectorName, false)
	s.move(snap, -100)
	is("fib-1", true)
	s.move(snap, 100)
	s.move(snap, -1)
	is("fib-5", true)

	// The cursor stays with a server that is about to leave the list: a key must not
	// act on another one of a sudden.
	later := *snap
	later.Pool = append([]pool.Status(nil), snap.Pool...)
	later.Pool[3].State, later.Pool[3].Ended = pool.Killed, snap.Ledger.Now
	snap = &later
	is("fib-5", true)

	snap = &lab.Snapshot{}
	is("", false)
	s.move(snap, 1)
	is("", false)
	snap = snapshots()["healthy"]
	is("fib-2", true)
}

// The cursor is always visible while servers come and go.
func TestServersCursorIsSeen(t *testing.T) {
	st := styled(false)
	rapid.Check(t, func(t *rapid.T) {
		s := new(serverList)
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			snap := &lab.Snapshot{}
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 20), 0, 12, rapid.ID[int]).Draw(t, "pool") {
				snap.Pool = append(snap.Pool, pool.Status{
					Name: "fib-" + strings.Repeat("i", n), State: pool.State(rapid.IntRange(0, 5).Draw(t, "state")),
				})
			}
			for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 20), 0, 12, rapid.ID[int]).Draw(t, "others") {
				snap.Ledger.Servers = append(snap.Ledger.Servers, ledger.Server{Name: "fib-" + strings.Repeat("i", n), Rate: float64(n), Share: 0.1})
			}
			s.move(snap, rapid.IntRange(-5, 5).Draw(t, "delta"))
			h := rapid.IntRange(1, 12).Draw(t, "h")
			f := s.panel(st, snap, true, 60, h)
			marks := 0
			for _, l := range f.Body {
				if words := l.Render(); strings.HasPrefix(words, "▸ ") {
					marks++
					if name, _, _ := s.selected(snap); !strings.HasPrefix(words, "▸ "+text.Escape(name, 15)) {
						t.Fatalf("%q is marked, %q is selected", words, name)
					}
				}
			}
			if name, _, _ := s.selected(snap); name != "" != (marks == 1) || marks > 1 {
				t.Fatalf("%d marks for %q in\n%s", marks, name, joinedBody(f))
			}
		}
	})
}

// The length of a bar follows the rate.
func TestServersBars(t *testing.T) {
	snap := &lab.Snapshot{Ledger: ledger.Snapshot{Servers: []ledger.Server{
		{Name: "a", Rate: 100, Share: 0.2}, {Name: "b", Rate: 50, Share: 0.8}, {Name: "c", Share: 0},
	}}}
	length := func(row int) int {
		return strings.Count(new(serverList).panel(styled(false), snap, false, 50, 5).Body[row].Render(), "█")
	}
	if a, b, c := length(0), length(1), length(2); a < 10 || b < a/2 || b > a/2+1 || c != 0 {
		t.Errorf("bars of %d, %d and %d cells for 100, 50 and 0 per second", a, b, c)
	}
	snap.Load.Paused = true
	if a, b := length(0), length(1); b < 10 || a < b/4-1 || a > b/4+1 {
		t.Errorf("bars of %d and %d cells for 20 %% and 80 %% of all", a, b)
	}
}
