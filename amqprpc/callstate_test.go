package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc/internal/link"
)

// A modelCall is the expected state of a call.
type modelCall struct {
	call        *Call
	cancel      context.CancelFunc
	idempotent  bool
	state       callState
	deadline    time.Time
	due         time.Time // of the next attempt
	attempts    int
	unaccounted int // attempts that a server may have executed
	outcome     Outcome
}

// A callModel is a model of a client and its calls.
type callModel struct {
	t        *rapid.T
	client   *observedClient
	session  *fakeSession // nil while disconnected
	blocked  bool
	attempts int // Retry.Attempts
	calls    []*modelCall
	seen     int // events of the client that were looked at
}

func (m *callModel) byID(id string) *modelCall {
	for _, c := range m.calls {
		if c.call.ID() == id {
			return c
		}
	}
	m.t.Fatalf("there is no call %q", id)
	return nil
}

func (m *callModel) end(c *modelCall, outcome Outcome) { c.state, c.outcome = ended, outcome }

// publish publishes the queued calls, if there is a connection that is not blocked.
func (m *callModel) publish() {
	for _, c := range m.calls {
		if c.state == queued && m.session != nil && !m.blocked {
			c.state = published
			c.attempts++
			c.unaccounted++
		}
	}
}

// attemptFailed ends or retries a published call whose attempt has failed.
func (m *callModel) attemptFailed(c *modelCall, outcome Outcome, wait bool) {
	switch more := m.attempts < 0 || c.attempts < m.attempts; {
	case !more, !c.idempotent && c.unaccounted > 0:
		m.end(c, outcome)
	case wait:
		c.state = backedOff
		c.due = time.Time{} // random: see readDelays
	default:
		c.state = queued
	}
}

// readDelays takes the delays of retries from the client's events.
func (m *callModel) readDelays() {
	m.client.mu.Lock()
	defer m.client.mu.Unlock()
	for _, e := range m.client.events[m.seen:] {
		if e.Kind == EventRetry && e.Delay > 0 {
			if c := m.byID(e.ID); c.state == backedOff {
				c.due = e.Time.Add(e.Delay)
			}
		}
	}
	m.seen = len(m.client.events)
}

// pass lets time pass in the model: the calls that are due, one after the other.
func (m *callModel) pass(until time.Time) {
	for {
		var next *modelCall
		var at time.Time
		for _, c := range m.calls {
			due := c.deadline
			if c.state == backedOff && c.due.Before(due) {
				due = c.due
			}
			if c.state != ended && !due.After(until) && (next == nil || due.Before(at)) {
				next, at = c, due
			}
		}
		switch {
		case next == nil:
			return
		case at.Equal(next.deadline):
			m.end(next, Timeout)
		default:
			next.state = queued
			m.publish()
		}
	}
}

// check compares the client with the model.
func (m *callModel) check() {
	c := m.client
	c.mu.Lock()
	defer c.mu.Unlock()
	inOutbox := map[*Call]bool{}
	for call := c.outbox.first; call != nil; call = call.next {
		inOutbox[call] = true
	}
	inFlight := 0
	for _, want := range m.calls {
		got := want.call
		if got.state != want.state || got.attempts != want.attempts || got.unaccounted != want.unaccounted {
			m.t.Fatalf("call %s: state %d, attempts %d, of those %d unaccounted; want %d, %d, %d",
				got.id, got.state, got.attempts, got.unaccounted, want.state, want.attempts, want.unaccounted)
		}
		if inOutbox[got] != (got.state == queued) {
			m.t.Fatalf("call %s in state %d: in the outbox: %v", got.id, got.state, inOutbox[got])
		}
		if got.state == ended {
			if got.heapIndex != -1 || c.calls[got.id] == got {
				m.t.Fatalf("call %s has ended: index %d in the due times, in flight: %v", got.id, got.heapIndex, c.calls[got.id] == got)
			}
			outcome := Completed
			if got.err != nil {
				e := got.err.(*CallError)
				if outcome = e.Outcome; e.Attempts != want.attempts || e.NotExecuted != (want.unaccounted == 0) {
					m.t.Fatalf("call %s: %d attempts, not executed: %v; want %d, %d unaccounted", got.id, e.Attempts, e.NotExecuted, want.attempts, want.unaccounted)
				}
			}
			if outcome != want.outcome {
				m.t.Fatalf("call %s: %v, want %v", got.id, outcome, want.outcome)
			}
			continue
		}
		inFlight++
		due := want.deadline
		if want.state == backedOff && want.due.Before(due) {
			due = want.due
		}
		if !got.due.Equal(due) || c.due[got.heapIndex] != got || c.calls[got.id] != got {
			m.t.Fatalf("call %s in state %d is due in %v, want %v", got.id, got.state, time.Until(got.due), time.Until(due))
		}
	}
	if len(inOutbox) > inFlight || len(c.calls) != inFlight || len(c.due) != inFlight || len(c.room) != inFlight {
		m.t.Fatalf("%d calls in the outbox, %d in flight, %d due times, room of %d taken; want %d", len(inOutbox), len(c.calls), len(c.due), len(c.room), inFlight)
	}
}

// In any order of losses, confirms, returns, replies and ends of contexts, a call goes from
// state to state as the model says, and ends once.
func TestCallStates(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var failed any // rapid's own panics have to get out of the bubble
		synctest.Test(t, func(t *testing.T) {
			defer func() { failed = recover() }()
			testCallStates(t, rt)
		})
		if failed != nil {
			panic(failed)
		}
	})
}

func testCallStates(t *testing.T, rt *rapid.T) {
	m := &callModel{t: rt, attempts: rapid.SampledFrom([]int{0, 2, 3, -1, -1}).Draw(rt, "attempts")}
	m.client = newObservedClient(t, Config{
		MaxInFlight: 1000, Remember: -1,
		Retry: Retry{Attempts: m.attempts, Backoff: Backoff{First: 3 * time.Second, Max: 6 * time.Second}},
	})
	if m.attempts == 0 {
		m.attempts = 1
	}
	lost := func() {
		m.session, m.blocked = nil, false
		for _, c := range m.calls {
			if c.state == published {
				m.attemptFailed(c, ConnectionLost, false)
			}
		}
	}
	defer func() { // also if the test has failed: no goroutine may be left in the bubble
		for _, c := range m.calls {
			c.cancel()
		}
		if m.session != nil {
			m.session.lose(errors.New("the end"))
		}
		m.client.timer.Stop()
	}()
	// one returns a publication on this connection, and its place.
	one := func(t *rapid.T) (publication, int) {
		if m.session == nil {
			return publication{}, -1
		}
		all := m.client.publications(m.session)
		if len(all) == 0 {
			return publication{}, -1
		}
		i := rapid.IntRange(max(0, len(all)-10), len(all)-1).Draw(t, "publication")
		return all[i], i
	}
	m.session = m.client.connect()
	settled := map[string]bool{} // by connection and tag
	rt.Repeat(map[string]func(*rapid.T){
		"call": func(t *rapid.T) {
			ctx, cancel := context.WithCancel(context.Background())
			c := &modelCall{cancel: cancel, idempotent: rapid.Bool().Draw(t, "idempotent"), state: queued}
			timeout := rapid.SampledFrom([]time.Duration{2 * time.Second, 10 * time.Second, time.Hour, time.Hour}).Draw(t, "timeout")
			c.deadline = time.Now().Add(timeout)
			c.call = m.client.Go(ctx, Request{Timeout: timeout, Idempotent: c.idempotent})
			m.calls = append(m.calls, c)
			m.publish()
		},
		"connection": func(t *rapid.T) {
			switch {
			case m.session == nil:
				m.session = m.client.connect()
			case rapid.Bool().Draw(t, "lost"):
				m.session.lose(errors.New("lost"))
				lost()
			default:
				m.blocked = !m.blocked
				m.session.Blocked(m.blocked, "memory")
			}
			m.publish()
		},
		"confirm": func(t *rapid.T) {
			p, i := one(t)
			if i < 0 {
				return
			}
			acked := rapid.Bool().Draw(t, "acked")
			m.session.Confirmed(uint64(i+1), false, acked)
			synctest.Wait()
			tag := fmt.Sprint(m.session.number, " ", i)
			if c := m.byID(p.id); !acked && !settled[tag] && c.state == published && c.attempts == p.attempt {
				m.attemptFailed(c, Rejected, true)
			}
			settled[tag] = true
			if m.session.isOver() { // the broker has refused everything for a while
				<-m.session.ended
				lost()
			}
		},
		"return": func(t *rapid.T) {
			p, i := one(t)
			if i < 0 {
				return
			}
			m.session.returned(p.id, p.attempt)
			if c := m.byID(p.id); c.state == published && c.attempts == p.attempt {
				c.unaccounted--
				m.attemptFailed(c, Unroutable, true)
			}
		},
		"reply": func(t *rapid.T) {
			if len(m.calls) == 0 || m.session == nil {
				return
			}
			c := rapid.SampledFrom(m.calls).Draw(t, "call")
			m.session.Delivered(link.Delivery{Properties: &amqp.Publishing{CorrelationId: c.call.ID()}})
			if c.state != ended {
				m.end(c, Completed)
			}
		},
		"cancel": func(t *rapid.T) {
			if len(m.calls) == 0 {
				return
			}
			c := rapid.SampledFrom(m.calls).Draw(t, "call")
			c.cancel()
			synctest.Wait()
			if c.state != ended {
				m.end(c, Canceled)
			}
		},
		"time passes": func(t *rapid.T) {
			d := rapid.SampledFrom([]time.Duration{700 * time.Millisecond, 3 * time.Second, 3 * time.Second, time.Minute}).Draw(t, "for")
			time.Sleep(d)
			synctest.Wait()
			m.readDelays()
			m.pass(time.Now())
		},
		"": func(t *rapid.T) {
			m.t = t
			synctest.Wait()
			m.readDelays()
			m.check()
		},
	})
}

// returned tells the session that the broker has returned an attempt of a call.
func (s *fakeSession) returned(id string, attempt int) {
	s.client.mu.Lock()
	meta := Meta{Attempt: attempt}
	if call := s.client.calls[id]; call != nil {
		meta.Deadline = call.deadline
	}
	s.client.mu.Unlock()
	s.returnedAs(id, meta.String())
}

func (s *fakeSession) returnedAs(id, meta string) {
	s.Returned(link.Return{Code: 312, Text: "NO_ROUTE", RoutingKey: "q", Properties: &amqp.Publishing{
		CorrelationId: id, Headers: amqp.Table{HeaderRPC: meta}}})
}

// The return of a call that has ended is not that of a later one of the same correlation ID.
func TestReturnOfEarlierCallIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newObservedClient(t, Config{})
		s := c.connect()
		defer s.lose(ErrClosed)
		ctx, cancel := context.WithCancel(t.Context())
		first := c.Go(ctx, Request{CorrelationID: "x"})
		c.mu.Lock()
		meta := first.meta().String()
		c.mu.Unlock()
		cancel()
		<-first.Done()
		time.Sleep(time.Second)
		second := c.Go(t.Context(), Request{CorrelationID: "x"})
		s.returnedAs("x", meta)
		select {
		case <-second.Done():
			t.Errorf("the second call has ended: %v", second.err)
		default:
		}
		s.returned("x", 1)
		if _, err := second.Result(); !errors.Is(err, ErrUnroutable) || !errors.Is(err, ErrNotExecuted) {
			t.Errorf("its own return: %v", err)
		}
	})
}

// A return or a nack of an earlier attempt does not change the attempt that is published now.
func TestEarlierAttemptDoesNotChangeCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newObservedClient(t, Config{Retry: Retry{Attempts: -1, Backoff: Backoff{First: time.Second, Max: time.Second}}})
		s := c.connect()
		call := c.Go(t.Context(), Request{Timeout: time.Hour, Idempotent: true})
		want := func(state callState, attempts int) {
			t.Helper()
			synctest.Wait()
			c.mu.Lock()
			defer c.mu.Unlock()
			if call.state != state || call.attempts != attempts {
				t.Errorf("state %d after %d attempts, want %d after %d", call.state, call.attempts, state, attempts)
			}
		}
		want(published, 1)
		s.returned(call.ID(), 1)
		want(backedOff, 1)
		time.Sleep(time.Second)
		want(published, 2)
		s.Confirmed(1, false, false)
		want(published, 2)
		s.returned(call.ID(), 1)
		want(published, 2)
		s.Confirmed(2, false, false)
		want(backedOff, 2)
		s.Confirmed(2, false, false)
		want(backedOff, 2)
		time.Sleep(time.Second)
		want(published, 3)
		s.lose(errors.New("lost"))
		want(queued, 3)
		s = c.connect()
		want(published, 4)
		s.Delivered(link.Delivery{Properties: &amqp.Publishing{CorrelationId: call.ID()}})
		want(ended, 4)
		s.Confirmed(1, false, false)
		want(ended, 4)
		s.lose(errors.New("the end"))
	})
}
