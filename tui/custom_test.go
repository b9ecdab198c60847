package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"

	"rpcscope/amqprpc"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
)

const ownBody = `{"id": {k}, "n": {n:1-100}}`

// ownService is a lab that calls another service than fib. Its answers are text, bytes, and escape sequences.
func ownService() *fakeLab {
	s := newStory()
	for i := range 30 {
		s.calls++
		id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.calls)
		body := fmt.Appendf(nil, `{"id": %d, "n": %d}`, i, i%7)
		if i%5 == 0 {
			body = fmt.Append(nil, i) // a number is no fib here
		}
		s.tell(amqprpc.Event{Kind: amqprpc.EventSent, ID: id, Intended: at(s.now), Deadline: at(s.now + 5*time.Second)})
		s.tell(amqprpc.Event{Kind: amqprpc.EventPublished, ID: id, Attempt: 1, Epoch: 1, Message: &amqprpc.Message{
			RoutingKey: "orders", CorrelationID: id, Body: body, ContentType: "application/json",
		}})
		if i < 24 {
			answer := [][]byte{[]byte(`{"ok": true}`), []byte("\x00\xff\xfe binary"), []byte("\x1b[2J\x1b]0;owned\a漢字")}[i%3]
			s.tell(amqprpc.Event{
				Kind: amqprpc.EventReply, Time: at(s.now + 12*time.Millisecond), ID: id, Class: amqprpc.Answer, Outcome: amqprpc.Completed,
				Message: &amqprpc.Message{CorrelationID: id, Body: answer},
			})
			if i%3 == 1 {
				s.now += 13 * time.Millisecond
				s.wrong(id, fmt.Sprintf("call %d: no match for \"ok\": %.40q", i, answer))
			}
		}
		s.now += 20 * time.Millisecond
	}
	return &fakeLab{ledger: s.ledger, snap: lab.Snapshot{
		Queue: lab.Queue{Name: "orders", Known: true, Ready: 3, Consumers: 1, At: at(0)},
		Load:  lab.Load{Concurrency: 6, Custom: true, Body: ownBody, Timeout: 5 * time.Second, Seed: 42},
	}}
}

func TestCustomServiceGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {120, 40}} {
		for _, colour := range []bool{false, true} {
			for name, keys := range map[string][]string{"lanes": nil, "zoomed": {"tab", "z"}, "inspect": {"tab", "down", "enter"}, "prompt": {"n"}} {
				m := newModel(t.Context(), ownService(), styled(colour), func(string) {})
				m.Update(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
				press(m, keys...)
				suffix := ""
				if colour {
					suffix = "-colour"
				}
				view := m.View()
				golden(t, fmt.Sprintf("custom-%s-%dx%d%s", name, size[0], size[1], suffix), view)
				if strings.Contains(view, "fib(") {
					t.Errorf("%s: a number is asked of another service, and the screen says fib:\n%s", name, view)
				}
			}
		}
	}
}

func TestCustomSizes(t *testing.T) {
	for _, keys := range [][]string{nil, {"n"}, {"tab", "z"}, {"tab", "down", "enter"}, {"?"}} {
		s := ownService()
		s.snap.Load.Body = strings.Repeat(hostile, 20)
		m := newScreen(t, s, 120, 40)
		press(m, keys...)
		for w := minWidth; w < 200; w += 3 {
			m.Update(tea.WindowSizeMsg{Width: w, Height: 24 + w%23})
			view := m.View()
			fits(t, view, w)
			if strings.ContainsAny(ansi.Strip(view), "\x1b\a\u202e") {
				t.Fatalf("%q at %d: control characters in %q", keys, w, view)
			}
		}
	}
}

func TestCustomBodyPrompt(t *testing.T) {
	for body, want := range map[string]string{
		ownBody:                  "body " + ownBody + "!",
		"":                       "body !", // an empty one is one like others
		"two\nlines":             "body !", // a prompt would show something else, and send it
		strings.Repeat("x", 257): "body !",
	} {
		s := ownService()
		s.snap.Load.Body = body
		m := newScreen(t, s, 120, 40)
		press(m, "n", "!", "enter")
		if !slices.Equal(s.done, []string{want}) {
			t.Errorf("%.20q: did %q, not %q", body, s.done, want)
		}
	}
}

// A body can be made empty, but not by mistake.
func TestCustomEmptyBody(t *testing.T) {
	for body, want := range map[string][]string{"x": {"body"}, "": {"body"}, "two\nlines": nil} {
		s := ownService()
		s.snap.Load.Body = body
		m := newScreen(t, s, 120, 40)
		keys := []string{"n"}
		for range editable(body) {
			keys = append(keys, "backspace")
		}
		press(m, append(keys, "enter")...)
		if !slices.Equal(s.done, want) {
			t.Errorf("%q: did %q, not %q", body, s.done, want)
		}
		if view := m.View(); want == nil && !strings.Contains(view, "esc keeps it") {
			t.Errorf("%q: the prompt does not say what to do:\n%s", body, view)
		}
	}
	s := ownService()
	s.snap.Load.Body = ""
	if view := newScreen(t, s, 120, 40).View(); !strings.Contains(view, "body (empty)") || strings.Contains(view, "fib") {
		t.Errorf("an empty body is shown as\n%s", view)
	}
}

func TestCustomAdvice(t *testing.T) {
	for name, queue := range map[string]lab.Queue{
		"missing": {Name: "orders", Known: true, Missing: true}, "nobody": {Name: "orders", Known: true},
	} {
		for _, waiting := range []bool{false, true} {
			s := ownService()
			s.snap.Queue, s.snap.Load.Waiting = queue, waiting
			snap := s.Snapshot(lab.Query{})
			all := adviceText(&snap) + explain.NoServer(&snap)
			if !strings.Contains(all, "our server") && !strings.Contains(all, "Start yours") || strings.Contains(all, "fibserver") || strings.Contains(all, "Press s") {
				t.Errorf("%s: %s", name, all)
			}
		}
	}
}
