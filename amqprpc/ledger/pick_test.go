package ledger

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// A query that picks rows returns the picked part of the rows it would return otherwise.
func TestQueryPicks(t *testing.T) {
	l := full()
	even := func(id string) bool { return id[len(id)-1]%2 == 0 }
	all := l.Snapshot(everything())
	q := Query{
		InFlight: 40, Completed: 7, Failed: 2000, Duplicates: 30, Orphans: 1, Text: 1 << 20,
		Calls:  func(c *Call) bool { return even(c.ID) },
		Strays: func(s *Stray) bool { return even(s.ID) },
	}
	calls := func(rows []Call, n int) []Call {
		picked := []Call{}
		for _, c := range rows {
			if even(c.ID) && len(picked) < n {
				picked = append(picked, c)
			}
		}
		return picked
	}
	strays := func(rows []Stray, n int) []Stray {
		picked := []Stray{}
		for _, s := range rows {
			if even(s.ID) && len(picked) < n {
				picked = append(picked, s)
			}
		}
		return picked
	}
	got := l.Snapshot(q)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"in flight", got.InFlight, calls(all.InFlight, 40)},
		{"completed", got.Completed, calls(all.Completed, 7)},
		{"failed", got.Failed, calls(all.Failed, 2000)},
		{"duplicates", got.Duplicates, strays(all.Duplicates, 30)},
		{"orphans", got.Orphans, strays(all.Orphans, 1)},
		{"the numbers", got.Calls, all.Calls},
		{"picked in flight", got.Picked.InFlight, Picked{len(calls(all.InFlight, 1<<20)), len(all.InFlight)}},
		{"picked completed", got.Picked.Completed, Picked{len(calls(all.Completed, 1<<20)), len(all.Completed)}},
		{"picked failed", got.Picked.Failed, Picked{len(calls(all.Failed, 1<<20)), len(all.Failed)}},
		{"picked duplicates", got.Picked.Duplicates, Picked{len(strays(all.Duplicates, 1<<20)), len(all.Duplicates)}},
		{"picked orphans", got.Picked.Orphans, Picked{len(strays(all.Orphans, 1<<20)), len(all.Orphans)}},
		{"picked, if nothing picks", all.Picked, Snapshot{}.Picked},
	} {
		if !reflect.DeepEqual(c.got, c.want) {
			t.Errorf("%s: got\n%v\nwant\n%v", c.name, c.got, c.want)
		}
	}
}

func TestQueryPicksFromBoundedRows(t *testing.T) {
	const n = maxPicked + 100
	l := New(Config{Orphans: n})
	for i := range n {
		observe(l, sent(callID(i), time.Duration(i)), discarded(amqprpc.Unknown, fmt.Sprint(i), time.Duration(i), ""))
	}
	calls, strays := 0, 0
	s := l.Snapshot(Query{
		InFlight: 10, Orphans: 10, Completed: 10,
		Calls:  func(*Call) bool { calls++; return false },
		Strays: func(*Stray) bool { strays++; return false },
	})
	if calls != maxPicked || strays != maxPicked || len(s.InFlight)+len(s.Orphans) != 0 {
		t.Errorf("looked at %d calls and %d replies, found %d", calls, strays, len(s.InFlight)+len(s.Orphans))
	}
	// Without a pick there is no such bound.
	if rows := len(l.Snapshot(everything()).Orphans); rows != n {
		t.Errorf("%d orphans", rows)
	}
}

// A lane without rows in the query is not searched.
func TestQueryPicksNoHiddenLanes(t *testing.T) {
	l := New(Config{})
	call(l, "a", 0)
	observe(l, sent("b", msec), discarded(amqprpc.Duplicate, "a", msec, "fib-2"), discarded(amqprpc.Unknown, "c", msec, "fib-2"))
	l.Snapshot(Query{
		Calls:  func(*Call) bool { t.Error("a call was searched"); return true },
		Strays: func(*Stray) bool { t.Error("a reply was searched"); return true },
	})
}

func BenchmarkSnapshotPick(b *testing.B) {
	l := full()
	q := Query{
		InFlight: 20, Completed: 20, Failed: 20, Duplicates: 20, Orphans: 20,
		Calls: func(*Call) bool { return false }, Strays: func(*Stray) bool { return false },
	}
	b.ReportAllocs()
	for b.Loop() {
		l.Snapshot(q)
	}
}
