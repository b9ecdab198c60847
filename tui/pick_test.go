package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"rpcscope/amqprpc"
	"rpcscope/tui/lab"
	"rpcscope/tui/replay"
)

// A makingLab is a lab whose calls begin at once, and whose replies come in when the test says so.
type makingLab struct {
	*fakeLab
	story *story
	sent  []amqprpc.Event // replies that have not come in
}

func setMakingLab() *makingLab {
	s, b := setFakeLab()
	return &makingLab{fakeLab: s, story: b}
}

func (s *makingLab) Call() string { return s.story.send(0) }

func (s *makingLab) reply(class amqprpc.Class, id string) {
	s.sent = append(s.sent, amqprpc.Event{
		Kind: amqprpc.EventReply, ID: id, Class: class, Message: &amqprpc.Message{CorrelationID: id, AppID: lab.InjectorName, Body: []byte("832040")},
	})
}

func (s *makingLab) SecondReply(_ context.Context, id string) (string, error) {
	if s.fail == nil {
		s.reply(amqprpc.Duplicate, id)
	}
	return id, s.fail
}

func (s *makingLab) UnknownReply(context.Context) (string, error) {
	const id = "db5aa000-0000-4000-8000-000000000000"
	if s.fail == nil {
		s.reply(amqprpc.Unknown, id)
	}
	return id, s.fail
}

// arrive lets the replies come in.
func (s *makingLab) arrive() {
	for _, e := range s.sent {
		s.story.now += time.Millisecond
		s.story.tell(e)
	}
	s.sent = nil
}

func tick(m *Model) { m.Update(tickMsg(m.tickChain)) }

// opened checks that the inspector shows a story.
func opened(t *testing.T, m *Model, what, id string) {
	t.Helper()
	if m.mode != inspecting || m.inspector.evidence == nil || m.inspector.evidence.ID != id {
		t.Fatalf("%s %s is not opened:\n%s", what, id, m.View())
	}
}

// A call that a key has made stays selected, in flight, ended and forgotten, until something else is selected.
func TestCallIsSelected(t *testing.T) {
	s := setMakingLab()
	m := newScreen(t, s, 120, 40)
	press(m, "shift+tab", "c")
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.story.calls)
	is := func(lane laneKind, id string) {
		t.Helper()
		if r, ok := m.lanes.selected(&m.snapshot); !ok || r.lane != lane || r.id != id || m.onServers {
			t.Fatalf("%s in lane %d is selected, not %s in %d (servers: %t):\n%s", r.id, r.lane, id, lane, m.onServers, m.View())
		}
		if !strings.Contains(m.View(), "▸"+id[:8]) {
			t.Fatalf("the row is not marked:\n%s", m.View())
		}
	}
	is(inFlightLane, id)
	press(m, "enter")
	opened(t, m, "the call", id)
	press(m, "esc")

	s.story.reply(amqprpc.Answer, amqprpc.Completed, id, "fib-1", 0)
	tick(m)
	is(endedLane, id)
	if !(m.lanes.list[inFlightLane].stance == atTop) {
		t.Error("the lane that it has left does not follow any more")
	}
	for range 30 { // 100 to a picture
		s.story.complete(100, 0, "fib-1")
		tick(m)
		is(endedLane, id)
	}
	press(m, "enter")
	opened(t, m, "the completed call", id)
	press(m, "esc")
	s.story.complete(5000, 0, "fib-1") // more than are remembered
	tick(m)
	for kind := range m.lanes.list {
		if m.lanes.list[kind].stance != atTop {
			t.Errorf("the call is forgotten, and lane %d does not follow its newest row", kind)
		}
	}
	press(m, "enter")
	opened(t, m, "the forgotten call", id)
	if m.inspector.evidence.Outcome != amqprpc.Completed {
		t.Errorf("and it is told how it was before its end: %v", m.inspector.evidence.Outcome)
	}
	press(m, "esc", "home")
	if m.lanes.pick != nil || !m.lanes.follows() {
		t.Error("home leaves the forgotten call selected")
	}

	press(m, "c")
	id = fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.story.calls)
	is(inFlightLane, id)
	press(m, "up")
	if r, _ := m.lanes.selected(&m.snapshot); r.id == id {
		t.Error("up does not select another row")
	}

	// The lane that it was in goes on when something else is selected.
	for _, key := range []string{"u", "tab"} {
		press(m, "c")
		id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.story.calls)
		s.story.reply(amqprpc.Answer, amqprpc.Completed, id, "fib-1", 0)
		tick(m)
		is(endedLane, id)
		press(m, key)
		s.arrive()
		tick(m)
		if m.lanes.focus == endedLane || m.lanes.list[endedLane].stance != atTop {
			t.Errorf("after %s, lane %d has the focus, and the one before does not follow its newest row", key, m.lanes.focus)
		}
	}
}

// A call that the filter hides can be opened, and the screen says so.
func TestHiddenCallIsSelected(t *testing.T) {
	s := setMakingLab()
	m := newScreen(t, s, 120, 40)
	press(m, "F")
	press(m, append(strings.Split("state:failed", ""), "enter", "c")...)
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.story.calls)
	says(t, m.View(), []string{id + " is not among the rows that are shown. Press enter"}, nil)
	press(m, "enter")
	opened(t, m, "the hidden call", id)
	press(m, "esc")
	s.story.fail(id, amqprpc.Timeout, 0) // now it passes
	tick(m)
	if r, _ := m.lanes.selected(&m.snapshot); r.id != id || r.lane != endedLane {
		t.Errorf("%+v is selected", r)
	}
}

// A reply that a key has sent is selected when it has come in. enter waits for it.
func TestReplyIsSelected(t *testing.T) {
	const unknown = "db5aa000-0000-4000-8000-000000000000"
	answered := fmt.Sprintf("%08x-0000-4000-8000-000000000000", 7) // it has a duplicate already
	for _, c := range []struct {
		key, id string
		lane    laneKind
		class   amqprpc.Class
	}{{"u", unknown, orphanedLane, amqprpc.Unknown}, {"d", answered, duplicateLane, amqprpc.Duplicate}} {
		for _, when := range []string{"enter when it is here", "enter before it is here", "enter before it is sent"} {
			s := setMakingLab()
			m := newScreen(t, s, 120, 40)
			press(m, "tab", "tab") // the duplicate
			_, cmd := m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(c.key)})
			if when == "enter before it is sent" {
				press(m, "enter")
			}
			m.Update(cmd())
			if when == "enter before it is here" {
				tick(m)
				press(m, "enter")
			}
			if m.mode != browsing {
				t.Fatalf("%s, %s: opened too early:\n%s", c.key, when, m.View())
			}
			s.arrive()
			tick(m)
			if r, _ := m.lanes.selected(&m.snapshot); r.id != c.id || r.lane != c.lane || r.seq != 3 {
				t.Errorf("%s, %s: %+v is selected", c.key, when, r)
			}
			if when == "enter when it is here" {
				press(m, "enter")
			}
			opened(t, m, "the reply", c.id)
			e := m.inspector.evidence
			if shown := e.Events[m.inspector.message()]; shown.Class != c.class || shown.Message().AppID != lab.InjectorName {
				t.Errorf("%s, %s: shows %+v", c.key, when, shown)
			}
		}
	}
}

// After an error enter does not wait, and opens nothing else.
func TestNothingMadeIsNotSelected(t *testing.T) {
	for _, key := range []string{"u", "d"} {
		s := setMakingLab()
		s.fail = errors.New("not sent")
		m := newScreen(t, s, 120, 40)
		_, cmd := m.Update(tea.KeyMsg{Type: tea.KeyRunes, Runes: []rune(key)})
		press(m, "enter")
		m.Update(cmd())
		tick(m)
		if m.mode != browsing || m.pending() || m.lanes.pick != nil {
			t.Errorf("%s: mode %d, pending %t, picked %+v", key, m.mode, m.pending(), m.lanes.pick)
		}
	}
	// Any other key gives up waiting.
	s := setMakingLab()
	m := newScreen(t, s, 120, 40)
	press(m, "u", "enter", "tab")
	s.arrive()
	tick(m)
	if m.mode != browsing || m.pending() {
		t.Errorf("mode %d, pending %t after tab", m.mode, m.pending())
	}
}

// A frozen picture lacks later calls and says how to see them.
func TestMadeWhileFrozen(t *testing.T) {
	s := setMakingLab()
	m := newScreen(t, s, 120, 40)
	press(m, "f", "c", "enter")
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.story.calls)
	if m.mode != browsing {
		t.Fatal("something is opened")
	}
	says(t, m.View(), []string{id + " is not on the frozen screen. Press f", "✗ that one is not on the frozen screen: f goes live"}, nil)
	press(m, "f", "enter")
	opened(t, m, "the call", id)
}

// A call made from the log selects its note.
func TestMadeFromTheLog(t *testing.T) {
	s := setMakingLab()
	s.Note(lab.Info, "older", "")
	m := newScreen(t, s, 120, 40)
	press(m, "v", "up", "c")
	if n, _ := m.log.selected(m.snapshot.Notes); n.Seq != s.snap.Notes[len(s.snap.Notes)-1].Seq {
		t.Errorf("the note %+v is selected", n)
	}
}

// untilThere ticks until there returns true.
func untilThere(t *testing.T, m *Model, what string, there func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !there(); time.Sleep(time.Millisecond) {
		if tick(m); time.Now().After(end) {
			t.Fatalf("not %s:\n%s", what, m.View())
		}
	}
}

// In a recording, the incident that a key jumps to is selected. enter waits until the player is there.
func TestJumpSelects(t *testing.T) {
	p, err := replay.Open(recordStory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := newScreen(t, p, 120, 40)
	untilThere(t, m, "read", func() bool { return m.snapshot.Replay.Indexed == 1 })
	for _, c := range []struct {
		keys  []string
		lane  laneKind
		id    int
		class amqprpc.Class
	}{
		{[]string{"d"}, duplicateLane, 32, amqprpc.Duplicate}, {[]string{"d", "d"}, duplicateLane, 40, amqprpc.Duplicate}, {[]string{"D"}, duplicateLane, 36, amqprpc.Duplicate},
		{[]string{"x"}, endedLane, 39, 0}, {[]string{"U"}, orphanedLane, -1, amqprpc.Unknown}, {[]string{"u"}, orphanedLane, 39, amqprpc.Late},
	} {
		id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", c.id)
		if c.id < 0 {
			id = "\x1b[2J"
		}
		press(m, append(c.keys, "enter")...)
		untilThere(t, m, fmt.Sprint(c.keys, " opened"), func() bool { return m.mode == inspecting })
		opened(t, m, strings.Join(c.keys, " "), id)
		e := m.inspector.evidence
		if shown := e.Events[m.inspector.message()]; c.class != 0 && shown.Class != c.class {
			t.Errorf("%q shows %+v", c.keys, shown)
		}
		press(m, "esc")
		if r, _ := m.lanes.selected(&m.snapshot); r.id != id || r.lane != c.lane {
			t.Errorf("%q: %+v is selected", c.keys, r)
		}
	}

	// Before its time nothing is selected in its place.
	press(m, "0")
	untilThere(t, m, "at the beginning", func() bool { return m.snapshot.Replay.Event == 1 })
	if m.lanes.pick != nil || !m.lanes.follows() {
		t.Errorf("what has not happened yet is selected: %+v", m.lanes.pick)
	}

	// A story that is shown gives way to the next one.
	press(m, "0", "d", "enter")
	untilThere(t, m, "opened", func() bool { return m.mode == inspecting })
	press(m, "d")
	untilThere(t, m, "the next", func() bool { return !m.jumping })
	opened(t, m, "the next", fmt.Sprintf("%08x-0000-4000-8000-000000000000", 36))
	press(m, "esc")
	if m.mode != browsing {
		t.Errorf("esc leads to mode %d", m.mode)
	}
}

// An ID is found in all of a recording, also before its time and after it is forgotten.
func TestFindInAllOfARecording(t *testing.T) {
	p, err := replay.Open(recordStory(t))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	m := newScreen(t, p, 120, 40)
	untilThere(t, m, "read", func() bool { return m.snapshot.Replay.Indexed == 1 })
	id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", 40)
	if hasStory(m, target{id: id}) {
		t.Fatal("it is there already")
	}
	press(m, "/")
	press(m, strings.Split("00000028", "")...)
	says(t, m.View(), []string{"▸ " + id}, nil)
	press(m, "enter")
	untilThere(t, m, "opened", func() bool { return m.mode == inspecting })
	opened(t, m, "the call", id)
	if n := len(m.inspector.evidence.Discarded()); n != 1 {
		t.Errorf("%d discarded replies: not all of its story is told", n)
	}
	press(m, "esc")
	if r, _ := m.lanes.selected(&m.snapshot); r.id != id || m.mode != browsing {
		t.Errorf("%+v is selected in mode %d", r, m.mode)
	}
	press(m, "/", "n", "o", "enter")
	says(t, m.View(), []string{`✗ nothing in the recording begins with "no"`}, nil)
	press(m, "backspace")
	says(t, m.View(), []string{"nothing in the recording begins with that"}, nil)
}

// While a recording is being read, the prompt says that it has not found an ID yet, and finds it later.
func TestFindInWhatHasBeenRead(t *testing.T) {
	s := setFakeReplay()
	m := newScreen(t, s, 120, 40)
	press(m, "/", "f", "f")
	says(t, m.View(), []string{"nothing in the 75.0 % of the recording that has been read begins with that"}, nil)
	s.ledger.Observe(amqprpc.Event{Kind: amqprpc.EventSent, Time: at(time.Hour), ID: "ffff"})
	tick(m)
	says(t, m.View(), []string{"▸ ffff"}, nil)
	press(m, "enter")
	opened(t, m, "the call", "ffff")
	if slices.ContainsFunc(s.done, func(did string) bool { return strings.HasPrefix(did, "go to") }) {
		t.Error("it goes away from where the call is")
	}
}

// A missing story is explained.
func TestUnknownStories(t *testing.T) {
	s := setFakeReplay()
	m := newScreen(t, s, 120, 40)
	m.inspect(target{id: "none"})
	tick(m)
	says(t, m.View(), []string{"at this time of the recording that one is not remembered: / finds it"}, []string{"f freezes"})
	if m.mode != browsing {
		t.Errorf("mode %d", m.mode)
	}
	live, _ := setFakeLab()
	m = newScreen(t, live, 120, 40)
	m.inspect(target{id: "none"})
	tick(m)
	says(t, m.View(), []string{"that one is no longer remembered: f freezes the screen"}, nil)
}

// hasStory reports whether there is a story to tell.
func hasStory(m *Model, t target) bool {
	_, ok := m.story(t)
	return ok
}
