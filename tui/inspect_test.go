package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// inspected returns the inspectors of the golden files.
func inspected() map[string]*inspector {
	all := make(map[string]*inspector)
	add := func(name string, t *tale, around explain.Circumstances) {
		in := new(inspector)
		in.show(t.inspect(), around)
		all[name] = in
	}
	add("redelivered", newTale().out().answer(41.2, fib1).dup(1241.2, fib2),
		explain.Circumstances{Now: at(3 * time.Second), Pool: []pool.Status{ended("fib-1", pool.Killed, 50), running("fib-2")}})
	add("late", newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5312, said{server: "fib-2", received: 4800.4, replied: 5311}),
		explain.Circumstances{Now: at(6 * time.Second)})
	add("silence", newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(35_000, said{server: "fib-2"}),
		explain.Circumstances{Now: at(40 * time.Second)})
	add("unknown", newTale().discarded(0, amqprpc.Unknown, fib1), explain.Circumstances{Now: at(time.Second)})
	add("inflight", newTale().out(), explain.Circumstances{Now: at(1312 * time.Millisecond), Connection: ledger.Connection{Connected: true, Since: at(-time.Hour)}})
	add("contradiction", newTale().out().answer(41.2, fib1).dup(1241.2, said{server: "fib-2", body: "\xff\x00" + strings.Repeat("abc", 900)}),
		explain.Circumstances{Now: at(3 * time.Second)})
	add("hostile", hostileTale(), explain.Circumstances{Now: at(3 * time.Second)})
	return all
}

// hostileTale returns a story with only hostile text.
func hostileTale() *tale {
	t := &tale{story: newStory(), id: hostile}
	long := strings.Repeat("長", 5000)
	m := &amqprpc.Message{
		Exchange: hostile, RoutingKey: hostile, ContentType: long, ContentEncoding: hostile, CorrelationID: hostile, ReplyTo: hostile,
		Expiration: hostile, MessageID: hostile, Timestamp: epoch, Type: hostile, UserID: hostile, AppID: hostile,
		DeliveryMode: 7, Priority: 255, Body: []byte(hostile + long), Headers: amqp.Table{hostile: hostile, amqprpc.HeaderRPC: "received=" + hostile, long: long},
	}
	t.sent()
	t.event(1, amqprpc.Event{Kind: amqprpc.EventPublished, Attempt: 1, Message: m})
	t.event(2, amqprpc.Event{Kind: amqprpc.EventReturned, Attempt: 1, Code: -1, Text: hostile})
	t.event(3, amqprpc.Event{Kind: amqprpc.EventRetry, Attempt: 1, Outcome: amqprpc.Rejected, Text: hostile})
	t.event(4, amqprpc.Event{Kind: amqprpc.EventFailed, Outcome: amqprpc.Unroutable, Text: "x: " + hostile})
	t.event(5, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Late, Message: m, AnsweredBy: hostile})
	return t
}

// drawn draws an inspector.
func drawn(in *inspector, st *text.Styles, w, h int) string {
	var b strings.Builder
	for _, l := range in.frames(st, w, h).Draw(st, nil) {
		b.WriteString(l + "\n")
	}
	return b.String()
}

func TestInspectorGolden(t *testing.T) {
	for name, in := range inspected() {
		for _, size := range [][2]int{{80, 18}, {120, 34}} {
			t.Run(fmt.Sprintf("%s-%d", name, size[0]), func(t *testing.T) {
				text := drawn(in, styled(false), size[0], size[1])
				golden(t, fmt.Sprintf("inspect-%s-%d", name, size[0]), text)
				fits(t, text, size[0])
				colour := drawn(in, styled(true), size[0], size[1])
				golden(t, fmt.Sprintf("inspect-%s-%d-colour", name, size[0]), colour)
				if ansi.Strip(colour) != text {
					t.Errorf("colour changes more than colour:\n%s", ansi.Strip(colour))
				}
			})
		}
	}
}

// exact fails the test if the picture is not w cells wide and h lines high, or could drive a terminal.
func exact(t interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, picture string, w, h int) {
	t.Helper()
	if w < minInspector || h < minInspector {
		w, h = 0, 0
	}
	if n := strings.Count(picture, "\n"); n != h {
		t.Errorf("%d lines, not %d", n, h)
	}
	for l := range strings.Lines(picture) {
		l = strings.TrimSuffix(l, "\n")
		fits(t, l, w)
		bare := ansi.Strip(l)
		if n := text.Width(bare); n != w {
			t.Errorf("%d cells, not %d: %q", n, w, l)
		}
		harmless(t, bare, w)
	}
}

func TestInspectorFitsEverySize(t *testing.T) {
	st := styled(false)
	for name, in := range inspected() {
		t.Run(name, func(t *testing.T) {
			// Each line is measured in four ways, which takes its time. The hostile story meets
			// every width and every height all the same.
			stride := 97
			if name == "hostile" {
				stride = 23
			}
			for w := range 141 {
				for h := range 51 {
					if (w+3*h)%stride == 0 {
						exact(t, drawn(in, st, w, h), w, h)
					}
				}
			}
		})
	}
	exact(t, drawn(new(inspector), st, 80, 18), 80, 18)
}

func TestInspectorKeepsItsPlace(t *testing.T) {
	st := styled(false)
	tale := newTale().out()
	in := new(inspector)
	show := func(now float64) {
		in.show(tale.inspect(), explain.Circumstances{Now: epoch.Add(ms(now))})
		drawn(in, st, 80, 18)
	}
	words := func() string { return in.steps[in.selected()].Words }
	expect := func(want string) {
		t.Helper()
		if got := words(); got != want {
			t.Errorf("selected %q, not %q", got, want)
		}
	}
	show(20)
	expect("published to rpc_queue")
	in.scroll(1)
	top := in.top
	if top == 0 {
		t.Fatal("does not scroll")
	}
	show(30)
	if in.top != top {
		t.Errorf("scrolled from %d to %d by itself", top, in.top)
	}
	tale.answer(41.2, fib1)
	show(45) // nobody has chosen, so it goes on to the answer, and to its beginning
	expect("answer 832040")
	if in.top != 0 {
		t.Errorf("another message is shown from line %d", in.top)
	}
	in.selectEvent(-3)
	expect("received by fib-1")
	tale.dup(1241.2, fib2)
	show(1300)
	expect("received by fib-1")
	in.selectEvent(-100)
	expect("sent: the call begins")
	in.selectEvent(100)
	expect("duplicate 832040")
	show(1400)
	in.scroll(100)
	if picture := drawn(in, st, 80, 18); strings.Contains(picture, "↓") || !strings.Contains(picture, "↑") {
		t.Errorf("not at the end:\n%s", picture)
	}
	in.scroll(-1)
	if picture := drawn(in, st, 80, 18); !strings.Contains(picture, "↓") {
		t.Errorf("one page up does nothing:\n%s", picture)
	}
	other := newTale()
	other.id = "another"
	in.show(other.out().inspect(), explain.Circumstances{Now: at(ms(1))})
	expect("published to rpc_queue")
	if in.top != 0 {
		t.Error("another story is shown from its middle")
	}
}

// The step "now" of a call in flight is gone when the call ends.
func TestInspectorSelectsNow(t *testing.T) {
	tale := newTale().out()
	in := new(inspector)
	in.show(tale.inspect(), explain.Circumstances{Now: at(ms(20))})
	in.selectEvent(100) // the deadline
	in.selectEvent(-1)
	if got := in.steps[in.selected()].Words; got != "now, no reply yet" {
		t.Fatalf("selected %q", got)
	}
	in.show(tale.answer(41.2, fib1).inspect(), explain.Circumstances{Now: at(ms(50))})
	if got := in.steps[in.selected()].Words; got != "answer 832040" {
		t.Errorf("selected %q", got)
	}
}

func TestInspectorScrollsLongStories(t *testing.T) {
	tale := newTale().out().answer(41.2, fib1)
	for i := range 100 {
		tale.dup(float64(100+i), said{server: fmt.Sprintf("fib-%d", i), body: "42"})
	}
	in := new(inspector)
	in.show(tale.inspect(), explain.Circumstances{Now: at(time.Second)})
	if in.evidence.Dropped == 0 || len(in.evidence.Events) < 40 {
		t.Fatalf("%d events, %d dropped", len(in.evidence.Events), in.evidence.Dropped)
	}
	for _, size := range [][2]int{{80, 18}, {120, 34}} {
		in.selectEvent(-1000)
		for i := range in.steps {
			picture := drawn(in, styled(false), size[0], size[1])
			if !slices.ContainsFunc(strings.Split(picture, "\n"), func(l string) bool {
				return strings.Contains(l, "▸ ") && strings.Contains(l, in.steps[i].Words)
			}) {
				t.Fatalf("step %d is selected and cannot be seen:\n%s", i, picture)
			}
			if want := text.Plural(in.evidence.Dropped, "event", "events") + " not remembered"; !strings.Contains(picture, want) {
				t.Fatalf("does not say %q:\n%s", want, picture)
			}
			in.selectEvent(1)
		}
	}
}

// Two replies without an ID are two stories.
func TestInspectorTellsStraysApart(t *testing.T) {
	tale := &tale{story: newStory()}
	tale.discarded(0, amqprpc.Unknown, fib1).discarded(100, amqprpc.Unknown, fib2)
	var in inspector
	for i, s := range tale.ledger.Snapshot(ledger.Query{Orphans: 2}).Orphans {
		story, _ := tale.ledger.InspectStray(s.Seq)
		in.top = 7
		in.show(story, explain.Circumstances{})
		if in.top != 0 {
			t.Errorf("stray %d is shown from line %d", i, in.top)
		}
	}
}

// events draws events about one ID, possible or not.
var anyEvent = rapid.Custom(func(t *rapid.T) amqprpc.Event {
	text := rapid.OneOf(nasty, rapid.Just(hostile), rapid.Just("fib-1"), rapid.Just(""), rapid.Just(lab.InjectorName), rapid.Just(strings.Repeat("x", 10_000)))
	e := amqprpc.Event{
		Kind:     amqprpc.EventKind(rapid.IntRange(1, 8).Draw(t, "kind")),
		Time:     at(time.Duration(rapid.OneOf(rapid.Int64Range(0, 1e6), rapid.Int64Range(0, 1e12), rapid.Int64()).Draw(t, "time"))),
		Attempt:  rapid.IntRange(-1, 3).Draw(t, "attempt"),
		Class:    amqprpc.Class(rapid.IntRange(0, 5).Draw(t, "class")),
		Outcome:  amqprpc.Outcome(rapid.IntRange(0, 11).Draw(t, "outcome")),
		Since:    time.Duration(rapid.Int64().Draw(t, "since")),
		Delay:    time.Duration(rapid.Int64().Draw(t, "delay")),
		Intended: at(time.Duration(rapid.Int64Range(-1e10, 1e10).Draw(t, "intended"))),
		Deadline: at(time.Duration(rapid.Int64Range(-1e10, 1e10).Draw(t, "deadline"))),
		Code:     rapid.Int().Draw(t, "code"), Text: text.Draw(t, "text"), AnsweredBy: text.Draw(t, "by"),
	}
	if rapid.Bool().Draw(t, "message") {
		e.Message = &amqprpc.Message{
			Exchange: text.Draw(t, "exchange"), RoutingKey: text.Draw(t, "key"), ContentType: text.Draw(t, "ct"), ReplyTo: text.Draw(t, "rt"),
			Expiration: text.Draw(t, "expiration"), Type: text.Draw(t, "type"), AppID: text.Draw(t, "app"), CorrelationID: text.Draw(t, "id"),
			DeliveryMode: rapid.Byte().Draw(t, "mode"), Body: []byte(text.Draw(t, "body")),
			Headers: amqp.Table{text.Draw(t, "header"): text.Draw(t, "value"), amqprpc.HeaderError: text.Draw(t, "error")},
		}
		meta := ""
		for _, k := range []string{"received", "replied", "deadline", "attempt"} {
			n := rapid.OneOf(rapid.Int64(), rapid.Map(rapid.Int64Range(0, 1e6), func(n int64) int64 { return epoch.UnixMicro() + n })).Draw(t, k)
			meta += fmt.Sprintf("%s=%d;", k, n)
		}
		if rapid.Bool().Draw(t, "redelivered") {
			meta += "redelivered"
		}
		e.Message.Headers[amqprpc.HeaderRPC] = meta
	}
	return e
})

func TestInspectorWithstandsAnything(t *testing.T) {
	plain, coloured := styled(false), styled(true)
	rapid.Check(t, func(t *rapid.T) {
		books := ledger.New(ledger.Config{StoryEvents: 8})
		id := rapid.OneOf(nasty, rapid.Just(taleID), rapid.Just("")).Draw(t, "id")
		var in inspector
		around := explain.Circumstances{Pool: []pool.Status{{Name: "fib-1",
			State: pool.State(rapid.IntRange(0, 6).Draw(t, "state")), Restarts: rapid.IntRange(0, 1).Draw(t, "restarts"),
			Started: at(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "started"))), Ended: at(time.Duration(rapid.Int64Range(0, 1e9).Draw(t, "ended"))),
		}}}
		if rapid.Bool().Draw(t, "ours") {
			books.Observe(amqprpc.Event{Kind: amqprpc.EventSent, ID: id, Time: epoch})
		}
		for _, e := range rapid.SliceOfN(anyEvent, 1, 12).Draw(t, "events") {
			e.ID = id
			books.Observe(e)
			s, ok := books.Inspect(id)
			if !ok { // the ledger cuts IDs
				continue
			}
			around.Now = at(time.Duration(rapid.Int64Range(0, 1e10).Draw(t, "now")))
			in.show(s, around)
			in.selectEvent(rapid.IntRange(-3, 3).Draw(t, "select"))
			in.scroll(rapid.IntRange(-2, 2).Draw(t, "scroll"))
			w, h := rapid.IntRange(0, 140).Draw(t, "w"), rapid.IntRange(0, 50).Draw(t, "h")
			text := drawn(&in, plain, w, h)
			exact(t, text, w, h)
			if ansi.Strip(drawn(&in, coloured, w, h)) != text {
				t.Errorf("colour changes more than colour")
			}
		}
	})
}
