package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/report"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

// events draws events of a client: mostly plausible calls, with gaps, clocks that go back and events
// that cannot be true.
func events(t *rapid.T) []amqprpc.Event {
	now := epoch
	all := []amqprpc.Event{{Kind: amqprpc.EventConnected, Time: now, Epoch: 1, Connection: &amqprpc.ConnectionInfo{Product: "RabbitMQ", Queue: "amq.gen-x"}}}
	for range rapid.IntRange(0, 200).Draw(t, "events") {
		now = now.Add(time.Duration(rapid.SampledFrom([]int64{0, 1, 50_000, 1_000_000, 300_000_000, -2_000_000, 0, 0, 0, 1 << 60, -1 << 60}).Draw(t, "ns")))
		e := amqprpc.Event{Time: now, ID: fmt.Sprintf("%08x", rapid.IntRange(0, 40).Draw(t, "id")), Attempt: 1}
		switch rapid.IntRange(0, 10).Draw(t, "kind") {
		case 0, 1, 2:
			e.Kind, e.Intended, e.Deadline = amqprpc.EventSent, now, now.Add(time.Second)
		case 3, 4:
			e.Kind, e.Message = amqprpc.EventPublished, &amqprpc.Message{CorrelationID: e.ID, Body: []byte("30")}
		case 5, 6, 7:
			e.Kind, e.Class, e.Outcome = amqprpc.EventReply, amqprpc.Answer, rapid.SampledFrom([]amqprpc.Outcome{amqprpc.Completed, amqprpc.Remote}).Draw(t, "outcome")
			e.Message = &amqprpc.Message{CorrelationID: e.ID, AppID: rapid.SampledFrom([]string{"fib-1", "fib-2"}).Draw(t, "server"), Body: []byte("832040")}
		case 8:
			e.Kind, e.Class = amqprpc.EventReply, rapid.SampledFrom([]amqprpc.Class{amqprpc.Duplicate, amqprpc.Late, amqprpc.Unknown}).Draw(t, "class")
			e.Message = &amqprpc.Message{CorrelationID: e.ID, AppID: "fib-2"}
		case 9:
			e.Kind, e.Outcome = amqprpc.EventFailed, amqprpc.Timeout
		case 10:
			e.Kind, e.Text = ledger.EventWrong, "not as expected"
		}
		all = append(all, e)
	}
	return all
}

// record writes a recording of events.
func record(t testing.TB, events []amqprpc.Event) []byte {
	t.Helper()
	var b bytes.Buffer
	r := ledger.NewRecorder(&b, report.Header("test", report.RunConfig{Queue: "rpc_queue", Concurrency: 8, Fib: "30", TimeoutMS: 5000}))
	for _, e := range events {
		r.Observe(e)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t testing.TB, content []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "run.ndjson")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// everything asks for everything.
func everything() ledger.Query {
	const all = 1 << 20
	return ledger.Query{
		InFlight: all, Completed: all, Failed: all, Duplicates: all, Orphans: all, Text: all,
		Seconds: 60, Bars: 20, Connection: all,
	}
}

// fine has bounds that short recordings reach.
var fine = grain{batch: 4, spacing: 8, checkpoints: 4, inFlight: 30}

// straight returns a ledger that has applied the first n events of a recording.
func straight(t testing.TB, path string, n int) *ledger.Ledger {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := ledger.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	l := ledger.New(ledger.Config{})
	for range n {
		e, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		l.Apply(e)
	}
	return l
}

// After any moves in any order, the player shows the same as a replay from the beginning.
func TestSeekIsReplay(t *testing.T) {
	folder := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		recorded := events(rt)
		content := record(t, recorded)
		cut := rapid.Bool().Draw(rt, "cut off")
		if cut {
			content = content[:len(content)-5]
		}
		path := filepath.Join(folder, "run.ndjson")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := openRecording(path)
		if err != nil {
			rt.Fatal(err)
		}
		defer file.file.Close()
		p := newPlayer(file, "run", fine)
		p.index.read(context.Background(), file.open(file.begin()))
		total := len(recorded)
		if cut {
			total--
		}
		if p.index.events != total || !p.index.done || (p.index.damage != nil) != cut {
			rt.Fatalf("%d events of %d, done %t, %v", p.index.events, total, p.index.done, p.index.damage)
		}
		waiting := 0
		for _, c := range p.index.checkpoints {
			waiting += int(c.state.Snapshot(ledger.Query{}).Calls.InFlight)
		}
		if n := len(p.index.checkpoints); n > 1+fine.checkpoints || waiting > fine.inFlight {
			rt.Fatalf("%d checkpoints with %d calls in flight", n, waiting)
		}
		wall := epoch
		for range rapid.IntRange(1, 8).Draw(rt, "moves") {
			kind := rapid.SampledFrom([]lab.Incident{lab.DuplicateReply, lab.OrphanedReply, lab.FailedCall}).Draw(rt, "incident")
			before := p.at.events
			want := -1 // events
			switch rapid.IntRange(0, 7).Draw(rt, "move") {
			case 0:
				by := rapid.IntRange(-40, 40).Draw(rt, "steps")
				p.Step(by)
				want = min(max(before+by, 1), max(total, 0))
			case 1:
				p.Seek(time.Duration(rapid.Int64Range(-3e9, 3e9).Draw(rt, "by")))
			case 2:
				p.SeekBegin()
				want = min(1, total)
			case 3:
				p.SeekEnd()
				want = total
			case 4:
				p.Next(kind)
				want = before
				for i := before; i < total; i++ {
					if incidentOf(recorded[i]) == kind {
						want = i + 1
						break
					}
				}
			case 5:
				p.Previous(kind)
				want = before
				for i := before - 2; i >= 0; i-- {
					if incidentOf(recorded[i]) == kind {
						want = i + 1
						break
					}
				}
			case 6, 7:
				p.SetSpeed(rapid.SampledFrom([]float64{FullSpeed, 0.1, 1, 100}).Draw(rt, "speed"))
				p.playing, p.played, p.head = true, wall, p.now
				for range rapid.IntRange(1, 30).Draw(rt, "turns") {
					wall = wall.Add(turn)
					p.advance(wall)
				}
				p.playing = false
			}
			for p.advance(wall) == 0 {
			}
			if p.seek != nil {
				rt.Fatal("it does not arrive")
			}
			if want >= 0 && p.at.events != want {
				rt.Fatalf("at event %d, not %d of %d", p.at.events, want, total)
			}
			q := everything()
			shown := p.Snapshot(lab.Query{Ledger: q})
			q.Now = p.at.origin.Add(p.now)
			l := straight(t, path, p.at.events)
			if got := l.Snapshot(q); !reflect.DeepEqual(shown.Ledger, got) {
				rt.Fatalf("after %d events\n%+v\nnot\n%+v", p.at.events, shown.Ledger, got)
			}
			for _, id := range l.Find("", 1000) {
				a, okA := l.Inspect(id)
				b, okB := p.Inspect(id)
				if !reflect.DeepEqual(a, b) || okA != okB {
					rt.Fatalf("%s\n%+v\nnot\n%+v", id, b, a)
				}
			}
			if r := shown.Replay; r.Position < 0 || r.Position > r.Duration || r.Event != p.at.events || r.Events != total || r.Indexed != 1 {
				rt.Fatalf("%+v", r)
			}
			// All events that are due have been applied, and no others.
			if !p.at.atEnd() && p.at.due < p.now || p.now < p.at.checkpoint.now {
				rt.Fatalf("at %v, after %v, the next one is due at %v", p.now, p.at.checkpoint.now, p.at.due)
			}
		}
	})
}

func incidentOf(e amqprpc.Event) lab.Incident {
	return event{e.Kind, e.Class, e.Outcome, e.ID}.incident()
}

// At the end the player shows the same as the live run.
func TestEndIsLive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		recorded := events(rt)
		live := ledger.New(ledger.Config{})
		for _, e := range recorded {
			live.Observe(e)
		}
		p, err := Open(write(t, record(t, recorded)))
		if err != nil {
			rt.Fatal(err)
		}
		defer p.Close()
		p.SeekEnd()
		shown := until(rt, p, func(r *lab.Replay) bool { return r.Indexed == 1 && r.Event == len(recorded) })
		want, got := live.Snapshot(everything()), shown.Ledger
		if !reflect.DeepEqual(want, got) {
			rt.Fatalf("live\n%+v\nreplayed\n%+v", want, got)
		}
	})
}

// until waits for a state of the player.
func until(t rapid.TB, p *Player, there func(*lab.Replay) bool) lab.Snapshot {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Microsecond) {
		shown := p.Snapshot(lab.Query{Ledger: everything(), Notes: lab.MaxNotes})
		if there(shown.Replay) {
			return shown
		}
		if time.Now().After(end) {
			t.Fatalf("never: %+v", shown.Replay)
		}
	}
}

// calls are n calls, one every 10 ms, that take 5 ms. Every tenth has a duplicate, every
// hundredth fails.
func calls(n int) []amqprpc.Event {
	var all []amqprpc.Event
	for i := range n {
		at := epoch.Add(time.Duration(i) * 10 * time.Millisecond)
		id := fmt.Sprintf("%08x", i)
		all = append(all, amqprpc.Event{Kind: amqprpc.EventSent, Time: at, ID: id, Intended: at})
		end := amqprpc.Event{
			Kind: amqprpc.EventReply, Time: at.Add(5 * time.Millisecond), ID: id, Class: amqprpc.Answer, Outcome: amqprpc.Completed,
			Message: &amqprpc.Message{CorrelationID: id, AppID: "fib-1"},
		}
		if i%100 == 50 {
			end = amqprpc.Event{Kind: amqprpc.EventFailed, Time: end.Time, ID: id, Outcome: amqprpc.Timeout}
		}
		all = append(all, end)
		if i%10 == 0 {
			end.Class = amqprpc.Duplicate
			if end.Kind == amqprpc.EventReply {
				all = append(all, end)
			}
		}
	}
	return all
}

// Time passes in a recording as it does outside, times the speed.
func TestPlay(t *testing.T) {
	path := write(t, record(t, calls(1000)))
	synctest.Test(t, func(t *testing.T) {
		p, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		is := func(want time.Duration, playing bool) {
			t.Helper()
			synctest.Wait()
			r := p.Snapshot(lab.Query{}).Replay
			if d := r.Position - want; d < -3*turn || d > 3*turn || r.Playing != playing {
				t.Errorf("at %v, playing %t; not %v, %t", r.Position, r.Playing, want, playing)
			}
		}
		is(0, false)
		time.Sleep(time.Second)
		is(0, false)
		p.Toggle()
		time.Sleep(2 * time.Second)
		is(2*time.Second, true)
		p.Toggle()
		time.Sleep(time.Second)
		is(2*time.Second, false)
		p.SetSpeed(0.5)
		p.Toggle()
		time.Sleep(2 * time.Second)
		is(3*time.Second, true)
		p.Seek(-2 * time.Second)
		is(time.Second, true)
		time.Sleep(2 * time.Second)
		is(2*time.Second, true)
		p.SetSpeed(2)
		time.Sleep(time.Second)
		is(4*time.Second, true)
		p.Seek(time.Second)
		p.Seek(time.Second)
		is(6*time.Second, true)
		time.Sleep(10 * time.Second)
		is(10*time.Second, false) // it is over
		p.Toggle()
		is(0, true)
		p.SetSpeed(FullSpeed)
		is(10*time.Second, false)
		if n := p.Snapshot(lab.Query{}).Ledger.Calls; n.Sent != 1000 || n.Failed != 10 {
			t.Errorf("%+v", n)
		}
	})
}

func TestIncidents(t *testing.T) {
	p, err := Open(write(t, record(t, calls(300))))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	until(t, p, func(r *lab.Replay) bool { return r.Indexed == 1 })
	at := func(want string, note bool) {
		t.Helper()
		shown := until(t, p, func(r *lab.Replay) bool { return r.Last == want })
		if shown.Replay.Seeking != "" || (len(shown.Notes) > 0) != note || shown.Replay.Playing {
			t.Errorf("%+v, %+v", shown.Replay, shown.Notes)
		}
	}
	p.Toggle()
	p.Next(lab.DuplicateReply)
	at("duplicate 00000000", false)
	p.Next(lab.FailedCall)
	at("failed (timeout) 00000032", false)
	p.Next(lab.FailedCall) // two at once
	p.Next(lab.FailedCall)
	at("failed (timeout) 000000fa", false)
	p.Previous(lab.DuplicateReply)
	at("duplicate 000000f0", false)
	p.Next(lab.OrphanedReply)
	until(t, p, func(*lab.Replay) bool { return len(p.Snapshot(lab.Query{Notes: 1}).Notes) == 1 })
	at("duplicate 000000f0", true) // there is none: it stays

	r := p.Snapshot(lab.Query{}).Replay
	all := lab.Incident(0)
	for _, found := range r.Incidents {
		all |= found
	}
	if all != lab.DuplicateReply|lab.FailedCall || r.Part*time.Duration(len(r.Incidents)) < r.Duration || r.Part*time.Duration(len(r.Incidents)-1) > r.Duration {
		t.Errorf("%v of incidents %v for %v", r.Part, r.Incidents, r.Duration)
	}
}

// A wrong answer counts as a failure in a search.
func TestWrongAnswers(t *testing.T) {
	recorded := calls(40)
	last := recorded[len(recorded)-1]
	recorded = append(recorded, amqprpc.Event{Kind: ledger.EventWrong, Time: last.Time, ID: last.ID, Text: "not as expected"})
	p, err := Open(write(t, record(t, recorded)))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	p.Next(lab.FailedCall)
	shown := until(t, p, func(r *lab.Replay) bool { return r.Last == "wrong answer "+last.ID })
	if shown.Ledger.Calls.Wrong != 1 || len(shown.Ledger.Completed) == 0 || !shown.Ledger.Completed[0].Wrong {
		t.Errorf("%+v", shown.Ledger.Calls)
	}
}

// The incident before an event and the one after it are found.
func TestMarks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var m marks
		n := rapid.IntRange(0, 50).Draw(t, "n")
		after, before := 0, 0
		for i := 1; i <= 40; i++ {
			if !rapid.Bool().Draw(t, "incident") {
				continue
			}
			m.add(i, lab.OrphanedReply)
			if i > n && after == 0 {
				after = i
			}
			if i < n {
				before = i
			}
		}
		if got := m.after(lab.OrphanedReply, n); got != after {
			t.Errorf("after %d: %d, not %d", n, got, after)
		}
		if got := m.before(lab.OrphanedReply, n); got != before {
			t.Errorf("before %d: %d, not %d", n, got, before)
		}
	})
}

// A seek waits until the index knows its goal. Meanwhile the player reports the seek and stays in its
// position.
func TestSeekWaitsForTheIndex(t *testing.T) {
	file, err := openRecording(write(t, record(t, calls(100))))
	if err != nil {
		t.Fatal(err)
	}
	defer file.file.Close()
	for _, c := range []struct {
		words string
		seek  func(*Player)
		want  string
	}{
		{"the end", (*Player).SeekEnd, "answer 00000063"},
		{"a time", func(p *Player) { p.Seek(505 * time.Millisecond) }, "failed (timeout) 00000032"},
		{"the next failure", func(p *Player) { p.Next(lab.FailedCall) }, "failed (timeout) 00000032"},
		{"an event", func(p *Player) { p.Step(22) }, "answer 0000000a"},
	} {
		p := newPlayer(file, "run", fine)
		c.seek(p)
		if wait := p.advance(epoch); wait != turn {
			t.Errorf("%s: waits for %v", c.words, wait)
		}
		if r := p.Snapshot(lab.Query{}).Replay; r.Seeking != c.words || r.Indexed == 1 || r.Event != 1 {
			t.Errorf("%s: %+v", c.words, r)
		}
		p.index.read(context.Background(), file.open(file.begin()))
		for p.advance(epoch) == 0 {
		}
		if r := p.Snapshot(lab.Query{}).Replay; r.Seeking != "" || r.Last != c.want || r.Indexed != 1 {
			t.Errorf("%s: %+v, not at %q", c.words, r, c.want)
		}
	}
}

// A recording is shown up to its damage, which names the line.
func TestDamage(t *testing.T) {
	good := record(t, calls(100))
	lines := bytes.SplitAfter(good, []byte("\n"))
	half := bytes.Join(lines[:100], nil)
	for what, c := range map[string]struct {
		content []byte
		events  int
	}{
		"line 101: damaged line":                  {append(bytes.Clone(half), "{\"t\":}\n{}\n"...), 99},
		"line 101: the recording is cut off here": {append(bytes.Clone(half), lines[100][:10]...), 99},
		"line 101: line longer":                   {append(bytes.Clone(half), bytes.Repeat([]byte("x"), 1<<20)...), 99},
		"line 2: damaged line":                    {append(bytes.Clone(lines[0]), "null\n"...), 0},
	} {
		p, err := Open(write(t, c.content))
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		p.SeekEnd()
		shown := until(t, p, func(r *lab.Replay) bool { return r.Indexed == 1 && r.Event == r.Events && r.Seeking == "" })
		if shown.Replay.Event != c.events {
			t.Errorf("%s: %d events", what, shown.Replay.Event)
		}
		if p.Err() == nil || !strings.HasPrefix(shown.Replay.Damage, what) || len(shown.Notes) != 1 || shown.Notes[0].Level != lab.Failure {
			t.Errorf("%s: %v, %q, %+v", what, p.Err(), shown.Replay.Damage, shown.Notes)
		}
		p.Close() //nolint:errcheck // it was read only
	}
}

// Open refuses other files, and says why.
func TestOpenRefuses(t *testing.T) {
	for content, want := range map[string]string{
		"":                    "it is empty",
		"\x1f\x8b\x08rubbish": "gunzip",
		"hello\n":             "line 1: not an rpcscope recording",
		`{"format":"rpcscope recording","version":9}` + "\n": "newer version",
	} {
		path := write(t, []byte(content))
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%q: %v", content, err)
		}
	}
	folder := t.TempDir()
	if _, err := Open(folder); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Error(err)
	}
	if _, err := Open(filepath.Join(folder, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

// BenchmarkLong measures a recording of 200,000 calls: the time to the first snapshot, the time to read all
// of it, and the time of a seek to a random place.
func BenchmarkLong(b *testing.B) {
	path := write(b, record(b, calls(200_000)))
	b.Run("open", func(b *testing.B) {
		for b.Loop() {
			p, err := Open(path)
			if err != nil {
				b.Fatal(err)
			}
			p.Snapshot(lab.Query{})
			p.Close() //nolint:errcheck // it was read only
		}
	})
	b.Run("index", func(b *testing.B) {
		for b.Loop() {
			p, err := Open(path)
			if err != nil {
				b.Fatal(err)
			}
			until(b, p, func(r *lab.Replay) bool { return r.Indexed == 1 })
			p.Close() //nolint:errcheck // it was read only
		}
	})
	b.Run("jump", func(b *testing.B) {
		p, err := Open(path)
		if err != nil {
			b.Fatal(err)
		}
		defer p.Close()
		total := until(b, p, func(r *lab.Replay) bool { return r.Indexed == 1 }).Replay.Events
		rng := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			to := 1 + rng.IntN(total)
			p.Step(to - p.Snapshot(lab.Query{}).Replay.Event)
			for r := p.Snapshot(lab.Query{}).Replay; r.Event != to; r = p.Snapshot(lab.Query{}).Replay {
				runtime.Gosched()
			}
		}
	})
}
