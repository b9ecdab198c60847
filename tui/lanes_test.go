package tui

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// laneSnapshot queries the ledger for the rows of l, as a screen does.
func laneSnapshot(l *lanes, books *ledger.Ledger, now time.Time, w, h int) *lab.Snapshot {
	q := ledger.Query{Now: now}
	l.query(&q, w, h)
	return &lab.Snapshot{Ledger: books.Snapshot(q)}
}

// drawnLanes returns the lanes as lines of text.
func drawnLanes(l *lanes, st *text.Styles, snap *lab.Snapshot, focused bool, w, h int) string {
	g := text.Grid{{Height: max(h, 0), Frames: l.frames(st, snap, focused, w, h)}}
	return strings.Join(g.Draw(st, nil), "\n") + "\n"
}

// uuid returns a UUID that depends on n.
func uuid(n int) string {
	return fmt.Sprintf("%08x-1f2e-4d3c-8b5a-%012x", uint32(n)*2654435761, n)
}

// A stage records calls in a ledger at chosen times.
type stage struct{ ledger *ledger.Ledger }

func newStage() stage { return stage{ledger.New(ledger.Config{})} }

func (s stage) send(id string, t time.Duration, body string) {
	s.ledger.Observe(amqprpc.Event{Kind: amqprpc.EventSent, Time: at(t), ID: id, Intended: at(t), Deadline: at(t + 5*time.Second)})
	s.publish(id, t, 1, body)
}

func (s stage) publish(id string, t time.Duration, try int, body string) {
	s.ledger.Observe(amqprpc.Event{Kind: amqprpc.EventPublished, Time: at(t), ID: id, Attempt: try, Message: &amqprpc.Message{
		CorrelationID: id, Body: []byte(body),
	}})
}

func (s stage) reply(e amqprpc.Event, t time.Duration, server, body string, headers amqp.Table) {
	e.Kind, e.Time = amqprpc.EventReply, at(t)
	e.Message = &amqprpc.Message{CorrelationID: e.ID, AppID: server, Body: []byte(body), Headers: headers}
	s.ledger.Observe(e)
}

func (s stage) answer(id string, t time.Duration, server, body string) {
	s.reply(amqprpc.Event{ID: id, Class: amqprpc.Answer, Outcome: amqprpc.Completed}, t, server, body, nil)
}

func (s stage) fail(id string, t time.Duration, o amqprpc.Outcome) {
	s.ledger.Observe(amqprpc.Event{Kind: amqprpc.EventFailed, Time: at(t), ID: id, Attempt: 1, Outcome: o})
}

// busy returns a ledger with every kind of row, at 20 s.
func busy() *ledger.Ledger {
	s := newStage()
	const ms = time.Millisecond
	for i := range 40 {
		t := time.Duration(i) * 300 * ms
		s.send(uuid(i), t, fmt.Sprint(20+i%16))
		s.answer(uuid(i), t+time.Duration(38+7*i)*ms, fmt.Sprintf("fib-%d", 1+i%2), fmt.Sprint(i*i*i*17))
	}
	for i, o := range amqprpc.Failures() {
		id := uuid(100 + i)
		t := 13*time.Second + time.Duration(i)*100*ms
		s.send(id, t, "30")
		if o == amqprpc.Remote {
			s.reply(amqprpc.Event{ID: id, Class: amqprpc.Answer, Outcome: o}, t+41*ms, "fib-1", "n is above 45", nil)
			continue
		}
		s.fail(id, t+5*time.Second, o)
	}
	s.send(uuid(200), 15100*ms, "30")
	s.ledger.Observe(amqprpc.Event{Kind: amqprpc.EventSent, Time: at(16 * time.Second), ID: uuid(201), Deadline: at(21 * time.Second)})
	s.send(uuid(202), 17*time.Second, "30")
	s.publish(uuid(202), 17500*ms, 2, "30")
	s.send(uuid(203), 18*time.Second, `{"job": "paint the bike shed", "colour": "any"}`)
	for i := range 20 {
		s.send(uuid(300+i), 19*time.Second+time.Duration(i)*48*ms, "35")
	}
	redelivered := amqp.Table{amqprpc.HeaderRPC: "attempt=1;redelivered"}
	dup := func(i int, t, since time.Duration, first, server string, h amqp.Table) {
		s.reply(amqprpc.Event{ID: uuid(i), Class: amqprpc.Duplicate, Outcome: amqprpc.Completed, Since: since, AnsweredBy: first}, t, server, "832040", h)
	}
	dup(3, 14*time.Second, 1200*ms, "fib-1", "fib-2", redelivered)
	dup(3, 15*time.Second, 2200*ms, "fib-1", "fib-1", nil)
	dup(5, 15500*ms, 312*ms, "fib-2", lab.InjectorName, nil)
	dup(9999, 15600*ms, 41*ms, "", "", nil)
	dup(7, 16*time.Second, 9*time.Second, "fib-2", "calculator-in-the-cellar-7", redelivered)
	late := func(i int, t, since time.Duration, o amqprpc.Outcome, server string) {
		s.reply(amqprpc.Event{ID: uuid(i), Class: amqprpc.Late, Outcome: o, Since: since}, t, server, "832040", nil)
	}
	late(100, 18400*ms, 312*ms, amqprpc.Timeout, "fib-2")
	late(101, 18500*ms, 12500*time.Microsecond, amqprpc.Canceled, "calculator-in-the-cellar-7")
	unknown := func(id, server string) {
		s.reply(amqprpc.Event{ID: id, Class: amqprpc.Unknown}, 19*time.Second, server, "832040", nil)
	}
	unknown("00000000-0000-4000-8000-000000000000", lab.InjectorName)
	unknown("", "fib-9")
	unknown("order-4711", "fib-9")
	return s.ledger
}

// hostileBooks returns a ledger with hostile text from brokers, servers and recordings.
func hostileBooks() *ledger.Ledger {
	s := newStage()
	bad := []string{
		hostile, "", strings.Repeat("長", 5000), strings.Repeat("x", 10_000), "\xff\xfe", "\u202e\u2066", "ที่นี่ 한국어", "0", strings.Repeat("9", 30),
	}
	redelivered := amqp.Table{amqprpc.HeaderRPC: "attempt=1;redelivered", amqprpc.HeaderError: hostile}
	for i, text := range bad {
		for j, kind := range []string{"in flight", "completed", "failed", "late"} {
			id := fmt.Sprint(i, text, j)
			s.send(id, time.Duration(i)*time.Second, text)
			s.publish(id, time.Duration(i)*time.Second, math.MaxInt, text)
			switch kind {
			case "completed":
				s.answer(id, 20*time.Second, text, text)
				s.reply(amqprpc.Event{ID: id, Class: amqprpc.Duplicate, Since: -1, AnsweredBy: text}, 30*time.Second, text, text, redelivered)
			case "failed":
				s.reply(amqprpc.Event{ID: id, Class: amqprpc.Answer, Outcome: amqprpc.Remote}, 30*time.Second, text, text, redelivered)
			case "late":
				s.fail(id, 20*time.Second, amqprpc.Failures()[i%8])
				s.reply(amqprpc.Event{ID: id, Class: amqprpc.Late, Since: 1 << 60, Outcome: 99}, 30*time.Second, text, text, redelivered)
			}
		}
		s.reply(amqprpc.Event{ID: text, Class: amqprpc.Unknown}, 30*time.Second, text, text, redelivered)
	}
	return s.ledger
}

func TestLanesGolden(t *testing.T) {
	for _, size := range [][2]int{{80, 9}, {120, 18}} {
		w, h := size[0], size[1]
		for _, zoomed := range []bool{false, true} {
			var plain, colour strings.Builder
			for focus := range laneKind(laneCount) {
				l := lanes{focus: focus, zoomed: zoomed}
				snap := laneSnapshot(&l, busy(), at(20*time.Second), w, h)
				text := drawnLanes(&l, styled(false), snap, true, w, h)
				fits(t, text, w)
				plain.WriteString(text + l.sentence(snap, w) + "\n")
				colour.WriteString(drawnLanes(&l, styled(true), snap, true, w, h) + l.sentence(snap, w) + "\n")
			}
			name := fmt.Sprintf("lanes-%d", w)
			if zoomed {
				name += "-zoomed"
			}
			golden(t, name, plain.String())
			golden(t, name+"-colour", colour.String())
			if ansi.Strip(colour.String()) != plain.String() {
				t.Errorf("%s: colour changes more than colour", name)
			}
		}
	}
}

// At any size, the frames are as wide as told, and no higher.
func TestLanesFitEverySize(t *testing.T) {
	st := styled(false)
	for name, books := range map[string]*ledger.Ledger{"busy": busy(), "hostile": hostileBooks(), "empty": ledger.New(ledger.Config{})} {
		t.Run(name, func(t *testing.T) {
			for w := 0; w <= 300; w += 1 + w/130 { // rows change below that width
				for _, h := range []int{w%3 - 1, 3 + w%15, w % 101} {
					l := lanes{focus: laneKind(w+h+1) % laneCount, zoomed: (w+h)%3 == 0, ended: endedRows(w % 3)}
					snap := laneSnapshot(&l, books, at(40*time.Second), w, h)
					if (w+h)%2 == 0 {
						l.end()
					}
					frames, borders, sum := l.frames(st, snap, true, w, h), 2, 0
					if !l.zoomed {
						borders = laneCount + 1
					}
					for _, f := range frames {
						sum += f.Width
						if len(f.Body) > max(h, 0) {
							t.Fatalf("%dx%d: %d rows", w, h, len(f.Body))
						}
						if n := f.Title.Width(); n > max(f.Width-4, 0) {
							t.Fatalf("%dx%d: a title of %d cells in a frame of %d", w, h, n, f.Width)
						}
						for _, row := range f.Body {
							if row.Width() != f.Width {
								t.Fatalf("%dx%d: a row of %d cells in a frame of %d", w, h, row.Width(), f.Width)
							}
							harmless(t, row.Render(), f.Width)
						}
					}
					if sum != max(w-borders, 0) || len(frames) != borders-1 {
						t.Fatalf("%dx%d: %d frames of %d cells", w, h, len(frames), sum)
					}
					harmless(t, l.sentence(snap, w), w)
				}
			}
		})
	}
}

// A lane at the top shows its newest row. One that was moved keeps its row at its place on the screen while others arrive.
func TestSelectionFollowsItsRow(t *testing.T) {
	const w, h = 120, 10
	s, l := newStage(), &lanes{focus: endedLane}
	n, now := 0, time.Duration(0)
	complete := func(times int) {
		for range times {
			n++
			now += time.Millisecond
			s.send(uuid(n), now, "30")
			if n%7 == 0 {
				s.fail(uuid(n), now, amqprpc.Timeout)
			} else {
				s.answer(uuid(n), now, "fib-1", "832040")
			}
		}
	}
	next := func() (*lab.Snapshot, string) {
		complete(50)
		snap := laneSnapshot(l, s.ledger, at(now), w, h)
		l.frames(styled(false), snap, true, w, h)
		r, _ := l.selected(snap)
		return snap, r.id
	}
	for range 3 {
		if snap, id := next(); id != uuid(n) {
			t.Fatalf("%s is selected, not the newest, %s", id, snap.Ledger.Completed[0].ID)
		}
	}
	snap, _ := next()
	l.move(snap, 5)
	kept, _ := l.selected(snap)
	if kept.id != uuid(n-5) {
		t.Fatalf("%s is selected, not the sixth, %s", kept.id, uuid(n-5))
	}
	place := l.list[endedLane].cursor - l.list[endedLane].offset
	for range 60 { // 3,000 calls: not one of them forgotten
		snap, id := next()
		if v := l.list[endedLane]; id != kept.id || v.cursor-v.offset != place {
			t.Fatalf("%s is selected in place %d, not %s in place %d", id, v.cursor-v.offset, kept.id, place)
		}
		if all := drawnLanes(l, styled(false), snap, true, w, h); !strings.Contains(all, "▸"+kept.id[:8]) {
			t.Fatalf("%s is not marked in\n%s", kept.id, all)
		}
	}
	if snap.Ledger.Calls.Completed == 0 || snap.Ledger.Calls.Failed == 0 {
		t.Error("one kind only")
	}
	for range 60 { // until it is forgotten
		next()
	}
	snap, id := next()
	if id == kept.id || id == "" {
		t.Fatalf("%q is selected", id)
	}
	l.page(snap, -1)
	if r, _ := l.selected(snap); r.id == id {
		t.Error("a page up moves nothing")
	}
	l.home()
	if _, id := next(); id != uuid(n) {
		t.Errorf("home: %s is selected, not %s", id, uuid(n))
	}
	l.end()
	next()
	complete(1)
	snap, id = next()
	oldest := snap.Ledger.Completed[len(snap.Ledger.Completed)-1]
	if f := snap.Ledger.Failed[len(snap.Ledger.Failed)-1]; f.Ended.Before(oldest.Ended) {
		oldest = f
	}
	if id != oldest.ID {
		t.Errorf("end: %s is selected, not the oldest, %s", id, oldest.ID)
	}
}

// A selected row is found again after a time without queries.
func TestSelectionIsFoundAfterTimeWithoutQueries(t *testing.T) {
	const w, h = 120, 10
	for _, kind := range []laneKind{endedLane, duplicateLane, orphanedLane} {
		s, l, n := stage{ledger.New(ledger.Config{Duplicates: 4000, Orphans: 4000})}, &lanes{focus: kind}, 0
		come := func(times int) {
			for range times {
				n++
				now := time.Duration(n) * time.Millisecond
				switch kind {
				case endedLane:
					s.send(uuid(n), now, "30")
					s.answer(uuid(n), now, "fib-1", "832040")
				case duplicateLane:
					s.reply(amqprpc.Event{ID: uuid(n), Class: amqprpc.Duplicate}, now, "fib-2", "1", nil)
				case orphanedLane:
					s.reply(amqprpc.Event{ID: uuid(n), Class: amqprpc.Unknown}, now, "fib-2", "1", nil)
				}
			}
		}
		look := func() row {
			snap := laneSnapshot(l, s.ledger, time.Time{}, w, h)
			l.frames(styled(false), snap, true, w, h)
			r, _ := l.selected(snap)
			return r
		}
		come(20)
		first := laneSnapshot(l, s.ledger, time.Time{}, w, h)
		if !l.follows() {
			t.Errorf("lane %d does not follow from the beginning", kind)
		}
		l.move(first, 3)
		if l.follows() {
			t.Errorf("lane %d follows while it keeps to a row", kind)
		}
		kept := look()
		come(3000)
		if got := look(); got.id != kept.id || got.id != uuid(17) {
			t.Errorf("lane %d: %s is selected, not %s", kind, got.id, kept.id)
		}
		var q ledger.Query
		l.home()
		if l.query(&q, w, h); !l.follows() || max(q.Completed, q.Duplicates, q.Orphans) >= maxLaneRows {
			t.Errorf("lane %d asks for everything to show the newest", kind)
		}
	}
}

// A page down reaches rows that were not shown.
func TestPagesReachTheEnd(t *testing.T) {
	for _, kind := range []laneKind{inFlightLane, duplicateLane} {
		s, l := newStage(), &lanes{focus: kind}
		const n = 100
		for i := range n {
			s.send(uuid(i), time.Duration(i), "30")
			s.reply(amqprpc.Event{ID: uuid(i), Class: amqprpc.Duplicate}, time.Duration(i), "fib-1", "1", nil)
		}
		want := map[laneKind]string{inFlightLane: uuid(n - 1), duplicateLane: uuid(0)}[kind]
		for pages := 0; ; pages++ {
			snap := laneSnapshot(l, s.ledger, at(time.Second), 80, 9)
			l.frames(styled(false), snap, true, 80, 9)
			r, _ := l.selected(snap)
			if r.id == want {
				break
			}
			if pages > n {
				t.Fatalf("lane %d: %s is as far as it goes", kind, r.id)
			}
			l.page(snap, 1)
		}
	}
}

// Merged truncated lists are the beginning of the merged whole lists.
func TestMergeShowsNoGaps(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lane := func(name string) (calls []ledger.Call) {
			for i, d := range rapid.SliceOfN(rapid.IntRange(0, 3), 0, 30).Draw(t, name) {
				c := ledger.Call{ID: fmt.Sprint(name, i), Ended: at(time.Hour)}
				if i > 0 {
					c.Ended = calls[i-1].Ended.Add(-time.Duration(d))
				}
				calls = append(calls, c)
			}
			return calls
		}
		a, b := lane("a"), lane("b")
		all := merge(a, b, 0)
		if len(all) != len(a)+len(b) {
			t.Fatalf("%d of %d rows", len(all), len(a)+len(b))
		}
		for i := 1; i < len(all); i++ {
			if all[i].Ended.After(all[i-1].Ended) {
				t.Fatal("not by time")
			}
		}
		asked := rapid.IntRange(1, 35).Draw(t, "asked")
		some := merge(a[:min(asked, len(a))], b[:min(asked, len(b))], asked)
		if len(some) < min(asked, len(all)) {
			t.Fatalf("%d rows, %d were asked for", len(some), asked)
		}
		for i, c := range some {
			if c.ID != all[i].ID {
				t.Fatalf("row %d is %s, not %s", i, c.ID, all[i].ID)
			}
		}
	})
}

func TestLanesChoice(t *testing.T) {
	l := &lanes{focus: endedLane}
	for _, c := range []struct{ title, first string }{
		{"Completed 40 failed 8", uuid(107)}, {"Completed 40", uuid(39)}, {"Failed 8", uuid(107)}, {"Completed 40 failed 8", uuid(107)},
	} {
		snap := laneSnapshot(l, busy(), at(20*time.Second), 120, 9)
		f := l.frames(styled(false), snap, true, 120, 9)[endedLane]
		if r, ok := l.selected(snap); f.Title.Render() != c.title || !ok || r.id != c.first || r.lane != endedLane {
			t.Errorf("%q begins with %s, want %q with %s", f.Title.Render(), r.id, c.title, c.first)
		}
		l.cycleEnded()
	}
}

func TestOnlyTheFocusIsMarked(t *testing.T) {
	l := &lanes{focus: duplicateLane}
	snap := laneSnapshot(l, busy(), at(20*time.Second), 120, 18)
	for _, focused := range []bool{true, false} {
		for kind, f := range l.frames(styled(true), snap, focused, 120, 18) {
			marks := 0
			for _, row := range f.Body {
				if strings.Contains(row.Render(), "▸") {
					marks++
				}
			}
			want := focused && laneKind(kind) == duplicateLane
			if f.Focused != want || marks > 0 != want {
				t.Errorf("lane %d with the keys %v: focused %v, %d marks", kind, focused, f.Focused, marks)
			}
		}
	}
}

// After any moves and snapshots, the selection is one of the rows.
func TestLanesOfAnything(t *testing.T) {
	st := styled(false)
	rapid.Check(t, func(t *rapid.T) {
		s, l := newStage(), &lanes{}
		w, h, n := 80, 9, 0
		snap := laneSnapshot(l, s.ledger, at(0), w, h)
		t.Repeat(map[string]func(*rapid.T){
			"traffic": func(t *rapid.T) {
				for range rapid.IntRange(0, 40).Draw(t, "events") {
					n++
					id, now := uuid(rapid.IntRange(n/2, n).Draw(t, "id")), time.Duration(n)*time.Millisecond
					switch rapid.IntRange(0, 5).Draw(t, "kind") {
					case 0, 1:
						s.send(id, now, "30")
					case 2:
						s.answer(id, now, "fib-1", "1")
					case 3:
						s.fail(id, now, amqprpc.Timeout)
					case 4:
						s.reply(amqprpc.Event{ID: id, Class: amqprpc.Duplicate}, now, "fib-2", "1", nil)
					case 5:
						s.reply(amqprpc.Event{ID: id, Class: amqprpc.Unknown}, now, "fib-2", "1", nil)
					}
				}
			},
			"reset": func(t *rapid.T) { s.ledger.Observe(amqprpc.Event{Kind: ledger.EventReset}) },
			"snap":  func(t *rapid.T) { snap = laneSnapshot(l, s.ledger, time.Time{}, w, h) },
			"ask":   func(t *rapid.T) { l.query(new(ledger.Query), w, h) },
			"size":  func(t *rapid.T) { w, h = rapid.IntRange(0, 130).Draw(t, "w"), rapid.IntRange(0, 30).Draw(t, "h") },
			"move":  func(t *rapid.T) { l.move(snap, rapid.IntRange(-5, 9).Draw(t, "delta")) },
			"page":  func(t *rapid.T) { l.page(snap, rapid.IntRange(-2, 2).Draw(t, "delta")) },
			"home":  func(t *rapid.T) { l.home() },
			"end":   func(t *rapid.T) { l.end() },
			"focus": func(t *rapid.T) { l.focus = laneKind(rapid.IntRange(0, laneCount-1).Draw(t, "lane")) },
			"zoom":  func(t *rapid.T) { l.zoomed = !l.zoomed },
			"ended": func(t *rapid.T) { l.cycleEnded() },
			"filter": func(t *rapid.T) {
				f, err := parseFilter(rapid.SampledFrom([]string{"", "state:failed", "!fib-2", "nowhere"}).Draw(t, "filter"))
				if err != nil {
					t.Fatal(err)
				}
				l.filter = f
			},
			"": func(t *rapid.T) {
				frames := l.frames(st, snap, true, w, h)
				if l.focus < 0 || l.focus >= laneCount {
					t.Fatalf("focus on %d", l.focus)
				}
				r, ok := l.selected(snap)
				rows := l.rows(snap, l.focus)
				if ok != (rows.len() > 0) {
					t.Fatalf("%d rows, and selected is %v", rows.len(), ok)
				}
				if !ok {
					return
				}
				if i := l.list[l.focus].cursor; i < 0 || i >= rows.len() || rows.key(i).id != r.id && rows.key(i).seq != r.seq {
					t.Fatalf("row %d of %d is selected", i, rows.len())
				}
				for _, f := range frames {
					if !f.Focused || f.Width < 2 || h == 0 { // one cell has room for the ellipsis only
						continue
					}
					for _, row := range f.Body {
						if row[0].Text == "▸" {
							return
						}
					}
					t.Fatalf("what is selected cannot be seen in %dx%d", w, h)
				}
			},
		})
	})
}

func BenchmarkLanes(b *testing.B) {
	for _, size := range [][2]int{{80, 9}, {120, 18}, {200, 40}} {
		b.Run(fmt.Sprint(size[0]), func(b *testing.B) {
			st, l := styled(true), &lanes{}
			snap := laneSnapshot(l, busy(), at(20*time.Second), size[0], size[1])
			b.ReportAllocs()
			for b.Loop() {
				l.frames(st, snap, true, size[0], size[1])
			}
		})
	}
}
