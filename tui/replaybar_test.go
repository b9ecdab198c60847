package tui

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/replay"
	"rpcscope/tui/report"
	"rpcscope/tui/text"
)

// A fakeReplay is a [Player] that records its calls.
type fakeReplay struct{ *fakeLab }

func (s *fakeReplay) Toggle()                 { s.did("toggle") }              //nolint:errcheck
func (s *fakeReplay) SetSpeed(x float64)      { s.did("speed %g", x) }         //nolint:errcheck
func (s *fakeReplay) Step(n int)              { s.did("step %d", n) }          //nolint:errcheck
func (s *fakeReplay) Seek(d time.Duration)    { s.did("seek %v", d) }          //nolint:errcheck
func (s *fakeReplay) SeekBegin()              { s.did("begin") }               //nolint:errcheck
func (s *fakeReplay) SeekEnd()                { s.did("end") }                 //nolint:errcheck
func (s *fakeReplay) Next(kind lab.Incident)  { s.did("next %d", kind) }       //nolint:errcheck
func (s *fakeReplay) GoTo(id string)          { s.did("go to %s", id) }        //nolint:errcheck
func (s *fakeReplay) Previous(k lab.Incident) { s.did("previous %d", int(k)) } //nolint:errcheck

// setFakeReplay returns a recording of which the last quarter has not been read.
func setFakeReplay() *fakeReplay {
	s, _ := setFakeLab()
	s.snap.Pool, s.snap.Notes, s.snap.Queue = nil, nil, lab.Queue{Name: "rpc_queue"}
	found := make([]lab.Incident, 100)
	found[10], found[20], found[30] = lab.DuplicateReply, lab.OrphanedReply, lab.FailedCall
	found[50] = lab.DuplicateReply | lab.FailedCall
	s.snap.Replay = &lab.Replay{
		File: "run.ndjson", Position: 42*time.Second + 7*time.Millisecond, Duration: 100 * time.Second,
		Event: 1234, Events: 5678, Last: "duplicate 00000007-0000-4000-8000-000000000000",
		Playing: true, Speed: 1, Indexed: 0.75, Incidents: found, Part: time.Second,
	}
	return &fakeReplay{s}
}

func TestReplayKeys(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want []string
	}{
		{[]string{" "}, []string{"toggle"}},
		{[]string{"+", "-", "m"}, []string{"speed 2", "speed 0.5", "speed 0"}},
		{[]string{".", ","}, []string{"step 1", "step -1"}},
		{[]string{">", "<", "}", "{"}, []string{"seek 1s", "seek -1s", "seek 10s", "seek -10s"}},
		{[]string{"0", "$"}, []string{"begin", "end"}},
		{[]string{"d", "u", "x"}, []string{"next 1", "next 2", "next 4"}},
		{[]string{"D", "U", "X"}, []string{"previous 1", "previous 2", "previous 4"}},
		{[]string{"enter", "."}, []string{"step 1"}}, // a story grows as one steps
		{[]string{"/", "d", "esc"}, nil},
	} {
		s := setFakeReplay()
		press(newScreen(t, s, 120, 40), c.keys...)
		if !slices.Equal(s.done, c.want) {
			t.Errorf("%q did %q, not %q", c.keys, s.done, c.want)
		}
	}
}

// A recording explains keys that only labs have.
func TestReplayRefuses(t *testing.T) {
	for _, key := range []string{"c", "b", "n", "l", "t", "s", "S", "K", "r", "f"} {
		s := setFakeReplay()
		m := newScreen(t, s, 120, 40)
		press(m, key)
		if len(s.done) > 0 || m.mode != browsing || m.frozen != nil || !strings.Contains(m.View(), "this is a recording, in which "+key) {
			t.Errorf("%s did %q, mode %d:\n%s", key, s.done, m.mode, m.View())
		}
	}
}

func TestSpeeds(t *testing.T) {
	for i, now := range speeds {
		if got, want := nextSpeed(now, 1), speeds[min(i+1, len(speeds)-1)]; got != want {
			t.Errorf("after %g comes %g, not %g", now, got, want)
		}
		if got, want := nextSpeed(now, -1), speeds[max(i-1, 0)]; got != want {
			t.Errorf("before %g comes %g, not %g", now, got, want)
		}
	}
	if got := nextSpeed(3.14, 1); got != 2 {
		t.Errorf("a speed that is none of them leads to %g", got)
	}
}

func TestReplayGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, colour := range []bool{false, true} {
			for name, change := range map[string]func(*lab.Replay){
				"playing": func(*lab.Replay) {},
				"damaged": func(r *lab.Replay) {
					r.Indexed, r.Damage, r.Playing = 1, "line 5680: damaged line: expected '}' at column 12", false
				},
				"end": func(r *lab.Replay) {
					r.Indexed, r.Playing, r.Position, r.Event, r.Speed = 1, false, r.Duration, r.Events, 0
				},
				"seeking": func(r *lab.Replay) { r.Seeking, r.Playing, r.Speed = "the next failure", false, 0.1 },
			} {
				s := setFakeReplay()
				change(s.snap.Replay)
				m := newModel(t.Context(), s, styled(colour), func(string) {})
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				suffix := ""
				if colour {
					suffix = "-colour"
				}
				golden(t, fmt.Sprintf("replay-%s-%dx%d%s", name, size[0], size[1], suffix), m.View())
			}
		}
	}
	m := newScreen(t, setFakeReplay(), 120, 40)
	press(m, "?")
	golden(t, "replay-help-120x40", m.View())
}

// At every size the lines of any recording fit and are escaped.
func TestReplaySizes(t *testing.T) {
	hostile := "\x1b]0;title\a\u202e漢字" + strings.Repeat("x", 300)
	for name, change := range map[string]func(*lab.Replay){
		"usual":   func(*lab.Replay) {},
		"zero":    func(r *lab.Replay) { *r = lab.Replay{} },
		"hostile": func(r *lab.Replay) { r.File, r.Last, r.Damage, r.Seeking = hostile, hostile, hostile, hostile },
		"endless": func(r *lab.Replay) {
			r.Position, r.Duration, r.Part, r.Event, r.Events = 1<<62, 1<<62, 1<<55, math.MaxInt, math.MaxInt
		},
		"impossible": func(r *lab.Replay) { r.Position, r.Duration, r.Indexed, r.Event = 1<<62, -5, 7, -3 },
	} {
		s := setFakeReplay()
		change(s.snap.Replay)
		m := newScreen(t, s, 120, 40)
		for w := 0; w < 200; w++ {
			for _, l := range replayLines(m.st, s.snap.Replay, w) {
				fits(t, l.Render(), w)
				if strings.ContainsAny(ansi.Strip(l.Render()), "\x1b\a\u202e") {
					t.Fatalf("%s: control characters in %q", name, l.Render())
				}
			}
			m.Update(tea.WindowSizeMsg{Width: w, Height: 24 + w%23})
			if lines := strings.Split(m.View(), "\n"); w >= minWidth && len(lines) != m.h {
				t.Fatalf("%s at %d: %d lines", name, w, len(lines))
			}
			fits(t, m.View(), w)
		}
	}
}

// recordStory records a run with all kinds of events.
func recordStory(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run.ndjson")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rec := ledger.NewRecorder(file, report.Header("a test", closedLoop))
	s := newStory()
	s.also = rec
	s.complete(30, 0, "fib-1", "fib-2")
	for i := range 20 {
		id := s.send(0)
		s.now += 400 * time.Millisecond
		switch i % 4 {
		case 0:
			s.fail(id, amqprpc.Timeout, 0)
			s.reply(amqprpc.Late, amqprpc.Timeout, id, "fib-1", 5*time.Millisecond)
		case 1:
			s.reply(amqprpc.Answer, amqprpc.Completed, id, "fib-1", 0)
			s.reply(amqprpc.Duplicate, amqprpc.Completed, id, "fib-2", 7*time.Millisecond)
		case 2:
			s.reply(amqprpc.Unknown, 0, "\x1b[2J", "somebody", 0)
		}
	}
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// After any keys at any time nothing panics, and the lines fit.
func TestReplayAnyKeys(t *testing.T) {
	p, err := replay.Open(recordStory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	keys := []string{
		" ", "+", "-", "m", ".", ",", ".", ",", ">", "<", "}", "{", "0", "$", "d", "D", "u", "U", "x", "X", "c", "K", "f",
		"enter", "esc", "tab", "shift+tab", "up", "down", "pgup", "pgdown", "home", "end", "z", "o", "[", "]", "v", "?", "q", "/", "F",
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newModel(context.Background(), p, styled(false), func(string) {})
		m.Update(tea.WindowSizeMsg{Width: rapid.IntRange(minWidth, 200).Draw(t, "w"), Height: rapid.IntRange(minHeight, 60).Draw(t, "h")})
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(keys), 1, 60).Draw(t, "keys") {
			press(m, k)
			m.Update(tickMsg(m.tickChain))
			if m.failure != nil {
				t.Fatal(m.failure)
			}
			if lines := strings.Split(m.View(), "\n"); len(lines) != m.h {
				t.Fatalf("%d lines, not %d", len(lines), m.h)
			}
			fits(t, m.View(), m.w)
			if strings.Contains(m.View(), "\x1b[2J") {
				t.Fatal("a message drives the terminal")
			}
		}
	})
}

// If the player goes back to before the call of the inspector, the inspector closes and a note says why.
func TestReplayBeforeAStory(t *testing.T) {
	p, err := replay.Open(recordStory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := newScreen(t, p, 120, 40)
	tick := func(what string, there func() bool) {
		t.Helper()
		for end := time.Now().Add(time.Minute); !there(); time.Sleep(time.Millisecond) {
			if m.Update(tickMsg(m.tickChain)); time.Now().After(end) {
				t.Fatalf("not %s:\n%s", what, m.View())
			}
		}
	}
	tick("read", func() bool { return m.snapshot.Replay.Indexed == 1 })
	press(m, "d")
	tick("at a duplicate", func() bool { return m.snapshot.Ledger.Replies.Duplicates == 1 })
	press(m, "enter")
	events := len(m.inspector.evidence.Story.Events)
	press(m, "down", "down", "down", ",")
	tick("before it", func() bool { return m.snapshot.Ledger.Replies.Duplicates == 0 })
	if m.mode == inspecting { // the call is known at that time
		if n := len(m.inspector.evidence.Story.Events); n >= events {
			t.Errorf("%d events before the duplicate, %d after it", n, events)
		}
	}
	press(m, "0")
	tick("back on the lanes", func() bool { return m.mode == browsing })
	if !strings.Contains(m.View(), "is not remembered") {
		t.Errorf("it is not told why:\n%s", m.View())
	}
}

func TestPlayClock(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-5: "0:00.000", 1500 * time.Millisecond: "0:01.500", 100 * time.Second: "1:40.000",
		2*time.Hour + 5*time.Minute + time.Millisecond: "2:05:00.001",
	} {
		if got := text.PlayClock(d); got != want {
			t.Errorf("%v is written %q, not %q", d, got, want)
		}
	}
}
