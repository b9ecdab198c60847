package ledger

import (
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

// all has the answers to all queries.
type all struct {
	Snapshot Snapshot
	Stories  map[string]Story
	Strays   map[uint64]Story
	Found    []string
}

func askAll(l *Ledger) all {
	a := all{
		Snapshot: l.Snapshot(everything()), Found: l.Find("", 1<<20),
		Stories: make(map[string]Story), Strays: make(map[uint64]Story),
	}
	for _, id := range a.Found {
		a.Stories[id], _ = l.Inspect(id)
	}
	for _, lane := range [][]Stray{a.Snapshot.Duplicates, a.Snapshot.Orphans} {
		for _, s := range lane {
			a.Strays[s.Seq], _ = l.InspectStray(s.Seq)
		}
	}
	return a
}

// A clone does not change with the original, and the same events make it equal to the original.
func TestClone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) (events []amqprpc.Event) {
			for range rapid.IntRange(0, 60).Draw(t, name) {
				events = append(events, anyEvent(t))
			}
			return events
		}
		l := New(small)
		observe(l, draw("before")...)
		then := askAll(l)
		c := l.Clone()
		if err := c.check(); err != nil {
			t.Fatal(err)
		}
		after := draw("after")
		observe(l, after...)
		if got := askAll(c); !reflect.DeepEqual(got, then) {
			t.Fatalf("the clone changed with the original:\n%+v\nwas\n%+v", got, then)
		}
		now := askAll(l)
		observe(c, after...)
		if got := askAll(c); !reflect.DeepEqual(got, now) {
			t.Fatalf("the same events made of the clone\n%+v\nand of the original\n%+v", got, now)
		}
		if got := askAll(l); !reflect.DeepEqual(got, now) {
			t.Fatal("the original changed with the clone")
		}
		for _, l := range []*Ledger{l, c} {
			if err := l.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A ledger and its clones may be used at the same time. The race detector finds shared memory.
func TestCloneSharesNothing(t *testing.T) {
	l := New(small)
	play := func(l *Ledger, from int) {
		for i := range 300 {
			id := callID(from + i)
			call(l, id, time.Duration(from+i)*msec)
			observe(l, discarded(amqprpc.Duplicate, id, time.Duration(from+i)*msec, "fib-2"),
				amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(0), Connection: &amqprpc.ConnectionInfo{Queue: id}})
		}
	}
	play(l, 0)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			c := l.Clone()
			for range 3 {
				play(c, 1000)
				s := c.Snapshot(everything())
				if err := s.Broken(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	play(l, 2000)
	wg.Wait()
	if err := l.check(); err != nil {
		t.Error(err)
	}
}

// full returns a ledger with full lanes and 1,000 calls in flight.
func full() *Ledger {
	l := New(Config{})
	t := time.Duration(0)
	for i := range 8000 {
		id := callID(i)
		t += msec
		observe(l, sent(id, t), published(id, t, "30"), confirmed(id, t+msec))
		switch {
		case i >= 7000:
		case i%5 == 0:
			observe(l, failed(id, t+3*msec, amqprpc.Timeout), discarded(amqprpc.Late, id, t+9*msec, "fib-3"))
		default:
			observe(l, answer(id, t+3*msec, fmt.Sprintf("fib-%d", i%4), "832040"))
			if i%4 == 0 {
				observe(l, discarded(amqprpc.Duplicate, id, t+9*msec, "fib-2"))
			}
		}
	}
	return l
}

func BenchmarkClone(b *testing.B) {
	l := full()
	if s := l.Snapshot(everything()); len(s.InFlight) != 1000 || len(s.Completed) != 4096 || len(s.Failed) != 1024 ||
		len(s.Duplicates) != 512 || len(s.Orphans) != 512 {
		b.Fatalf("%d, %d, %d, %d, %d rows", len(s.InFlight), len(s.Completed), len(s.Failed), len(s.Duplicates), len(s.Orphans))
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Clone()
	}
}
