package ledger

import (
	"math"
	"reflect"
	"sync"
	"testing"
	"time"

	"rpcscope/amqprpc"
)

func TestTimes(t *testing.T) {
	l := New(Config{})
	if s := l.Snapshot(everything()); s.Elapsed != 0 || s.Throughput != 0 || s.Rate != 0 || !s.Now.IsZero() && s.Now.Unix() != 0 {
		t.Errorf("empty: %+v", s)
	}
	for i := range 100 { // ten a second, from 0 to 10 s
		call(l, callID(i), time.Duration(i)*100*msec)
	}
	s := l.Snapshot(Query{Now: at(10 * time.Second), Seconds: 12})
	if s.Elapsed != 9910*msec || math.Abs(s.Throughput-100/9.91) > 1e-9 {
		t.Errorf("elapsed %v, throughput %v", s.Elapsed, s.Throughput)
	}
	if s.Rate != 10 || s.Servers[0].Rate != 10 || s.Servers[0].Share != 1 {
		t.Errorf("rate %v, servers %+v", s.Rate, s.Servers)
	}
	if len(s.Seconds) != 12 || !s.Seconds[11].Time.Equal(at(10*time.Second)) || s.Seconds[10].Completed != 10 || s.Seconds[0].Sent != 0 {
		t.Errorf("seconds %+v", s.Seconds)
	}
	if p := s.Response; p.P50 != 10 || p.Max != 10 || p.Min != 10 || p.Mean != 10 || s.Service.P999 != 9 {
		t.Errorf("response %+v, service %+v", p, s.Service)
	}
	if s := l.Snapshot(Query{Now: at(time.Minute)}); s.Rate != 0 || s.Elapsed != 9910*msec {
		t.Errorf("after the run: rate %v, elapsed %v", s.Rate, s.Elapsed)
	}
	observe(l, sent("open", 20*time.Second))
	if s := l.Snapshot(Query{Now: at(30 * time.Second), InFlight: 1}); s.Elapsed != 30*time.Second || s.InFlight[0].Age != 10*time.Second {
		t.Errorf("with a call in flight: elapsed %v, age %v", s.Elapsed, s.InFlight[0].Age)
	}
	if s := l.Snapshot(Query{Now: epoch.Add(-time.Hour)}); !s.Now.Equal(at(20 * time.Second)) {
		t.Errorf("now went back to %v", s.Now)
	}
}

// A second counts how its calls failed, and which orphans were replies to calls that timed out.
func TestSeconds(t *testing.T) {
	l := New(Config{})
	for i, o := range []amqprpc.Outcome{amqprpc.Timeout, amqprpc.Expired, amqprpc.Remote, amqprpc.ConnectionLost, amqprpc.Canceled} {
		observe(l, sent(callID(i), 0), published(callID(i), 0, "30"))
		if o == amqprpc.Remote {
			e := answer(callID(i), msec, "fib-1", "no")
			e.Outcome = o
			observe(l, e)
			continue
		}
		observe(l, failed(callID(i), msec, o))
		late := discarded(amqprpc.Late, callID(i), 2*msec, "fib-1")
		late.Outcome = o
		observe(l, late)
	}
	got := l.Snapshot(Query{Seconds: 1}).Seconds[0]
	got.Time = time.Time{}
	if want := (Second{Sent: 5, Failed: 5, TimedOut: 2, Remote: 1, Orphans: 4, Late: 1}); got != want {
		t.Errorf("%+v, not %+v", got, want)
	}
}

func TestReset(t *testing.T) {
	l := New(Config{})
	observe(l, amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(0), Epoch: 1, Connection: &amqprpc.ConnectionInfo{Product: "RabbitMQ"}})
	call(l, "before", 0)
	observe(l, discarded(amqprpc.Duplicate, "before", 20*msec, "fib-2"), sent("across", 30*msec), published("across", 31*msec, "1"),
		answer("nobody", 32*msec, "", ""),
		amqprpc.Event{Kind: EventReset, Time: at(40 * msec)})
	s := l.Snapshot(everything())
	if s.Calls != (Calls{Sent: 1, InFlight: 1}) || s.Replies != (Replies{}) || s.Traffic != (Traffic{}) || s.Response != (Latency{}) ||
		len(s.Servers)+len(s.Completed)+len(s.Duplicates) != 0 || !s.Start.Equal(at(40*msec)) || s.Throughput != 0 {
		t.Errorf("%+v", s)
	}
	if !s.Connection.Connected || s.Connection.Info.Product != "RabbitMQ" {
		t.Errorf("connection %+v", s.Connection)
	}
	observe(l, answer("across", 540*msec, "fib-1", "1"))
	s = l.Snapshot(Query{Now: at(time.Hour)})
	if s.Calls != (Calls{Sent: 1, Completed: 1}) || s.Elapsed != 500*msec || s.Throughput != 2 {
		t.Errorf("%+v", s)
	}
	if _, ok := l.Inspect("before"); ok {
		t.Error("a call from before is still there")
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
}

// A wrong answer is in the numbers, in its row and in its story, and is forgotten no sooner than its
// call.
func TestWrongAnswers(t *testing.T) {
	l := New(small)
	call(l, "right", 0)
	for i := range 2 + small.Completed {
		call(l, callID(i), 20*msec)
	}
	observe(l, wrong(callID(4), 40*msec), wrong("right", 41*msec)) // the second is forgotten by now
	clone := l.Clone()
	for range maxWrongs {
		call(l, "other", 50*msec)
		observe(l, wrong("other", 60*msec))
	}
	for _, c := range []struct {
		name   string
		ledger *Ledger
		wrong  uint64
		told   int
	}{{"early", clone, 2, 2}, {"late", l, 2 + maxWrongs, maxWrongs}} {
		s := c.ledger.Snapshot(everything())
		if s.Calls.Wrong != c.wrong || s.Traffic.Ignored != 0 || s.Broken() != nil {
			t.Errorf("%s: %+v, ignored %d, %v", c.name, s.Calls, s.Traffic.Ignored, s.Broken())
		}
		if len(s.Wrongs) != c.told || s.Wrongs[0] != (WrongAnswer{callID(4), "not as expected"}) || s.Wrongs[1].ID != "right" {
			t.Errorf("%s: told of %q", c.name, s.Wrongs)
		}
	}
	for _, row := range clone.Snapshot(everything()).Completed {
		if row.Wrong != (row.ID == callID(4)) || row.Outcome != amqprpc.Completed {
			t.Errorf("row %+v", row)
		}
	}
	story, _ := clone.Inspect(callID(4))
	if last := story.Events[len(story.Events)-1]; !story.Wrong || last.Kind != EventWrong || last.Text != "not as expected" {
		t.Errorf("story %+v", story)
	}
	observe(l, amqprpc.Event{Kind: EventReset, Time: at(70 * msec)})
	if s := l.Snapshot(everything()); s.Calls.Wrong != 0 || len(s.Wrongs) != 0 {
		t.Errorf("after a reset %+v, %q", s.Calls, s.Wrongs)
	}
}

func TestSnapshotDoesNotChange(t *testing.T) {
	play := func(l *Ledger, from int) {
		for i := range 20 {
			id := callID(from + i)
			call(l, id, time.Duration(from+i)*time.Second)
			observe(l, discarded(amqprpc.Duplicate, id, time.Duration(from+i)*time.Second, "fib-2"),
				amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(time.Duration(from+i) * time.Second), Connection: &amqprpc.ConnectionInfo{Queue: id}})
		}
	}
	a, b := New(small), New(small)
	play(a, 0)
	play(b, 0)
	s, want := a.Snapshot(everything()), b.Snapshot(everything())
	story, _ := a.Inspect(callID(19))
	wantStory, _ := b.Inspect(callID(19))
	play(a, 100)
	if !reflect.DeepEqual(s, want) || !reflect.DeepEqual(story, wantStory) {
		t.Error("later events changed an earlier snapshot")
	}
}

// Any goroutine may ask for snapshots and stories while events come in.
func TestConcurrentReaders(t *testing.T) {
	l := New(small)
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				s := l.Snapshot(everything())
				if err := s.Broken(); err != nil {
					t.Error(err)
					return
				}
				for _, c := range s.Completed {
					if st, ok := l.Inspect(c.ID); ok && st.ID != c.ID {
						t.Errorf("%q for %q", st.ID, c.ID)
					}
				}
				l.Find("a", 3)
			}
		})
	}
	for i := range 2000 {
		call(l, callID(i), time.Duration(i)*msec)
		observe(l, discarded(amqprpc.Duplicate, callID(i), time.Duration(i)*msec, "fib-2"))
	}
	close(done)
	wg.Wait()
}
