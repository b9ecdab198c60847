package amqprpc

import (
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// begin makes an epoch without a wire the client's.
func (c *told) begin() *epoch {
	e := &epoch{pair: &pair{over: make(chan struct{})}, client: c.Client, wake: make(chan struct{}, 1), confirms: newConfirms[attempt]()}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Client.begin(e)
	return e
}

// handOut is what the epoch's publisher does, less the writing. It returns how much was published.
func (e *epoch) handOut(t *testing.T) (published int) {
	t.Helper()
	for {
		call, _, number := e.take()
		if call == nil {
			return published
		}
		if published++; !e.confirms.add(attempt{call, number}) {
			t.Fatal("there is no room for a confirm")
		}
	}
}

// What a broker has to refuse, and for how long, before a connection is given up. A script is
// of steps of half a second: in each a call is published, and the broker nacks it (n),
// acks it (a), or acks and answers it (r), or says nothing (.), or nothing is published (-),
// or the first call that waits gets a reply (R) besides a nack of the new one, or somebody else's (U).
func TestRefusals(t *testing.T) {
	for script, ends := range map[string]int{ // at which step, -1: never
		"nnnnnnn":               6,
		"nnnnnn":                -1,
		"n-----n":               -1, // these are two
		"nn----n":               6,
		"n----n------n":         12,
		"nnnnnannnnnn":          -1,
		"nnnnnrnnnnnn":          -1,
		"rrrnnnnnnn":            9,
		"aaannnnnnnnnnnnnn":     -1, // calls wait that the broker has taken: their replies may come
		".nnnnnnnnnnnnnnnn":     -1, // it may have taken this one
		"annnnnnRnnnnn":         -1,
		"annnnnnRnnnnnnn":       14,
		"annnUnnRnnnnUnn":       14,
		"UnnnUnnn":              6,
		"aRnnnnnnn":             8,
		strings.Repeat("-", 20): -1,
		"an" + strings.Repeat("n", 20) + "Rnnnnnnn": 29,
	} {
		t.Run(script, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newTold(t, Config{})
				e := c.begin()
				var waiting []*Call
				ended := -1
				for step, what := range []byte(script) {
					if what != '-' {
						waiting = append(waiting, c.Go(t.Context(), Request{}))
						if published := e.handOut(t); published != 1 {
							t.Fatalf("step %d: %d calls published", step, published)
						}
					}
					tag := e.confirms.first + uint64(e.confirms.waiting.Len()) - 1
					nacked := func() {
						e.settled(tag, false, false)
						last := waiting[len(waiting)-1]
						waiting = waiting[:len(waiting)-1]
						if _, err := last.Result(); err.(*CallError).Outcome != Rejected {
							t.Errorf("step %d: %v", step, err)
						}
					}
					answered := func(id string) { e.delivered(0, Message{CorrelationID: id}) }
					switch what {
					case 'n':
						nacked()
					case 'a':
						e.settled(tag, false, true)
					case 'r':
						e.settled(tag, false, true)
						answered(waiting[len(waiting)-1].ID())
						waiting = waiting[:len(waiting)-1]
					case 'R':
						nacked()
						answered(waiting[0].ID())
						waiting = waiting[1:]
					case 'U':
						nacked()
						answered("of somebody else")
					}
					e.handOut(t)
					if e.isOver() {
						ended = step
						break
					}
					time.Sleep(500 * time.Millisecond)
				}
				if ended != ends {
					t.Errorf("ended at step %d, want %d: %v", ended, ends, e.cause)
				}
				if want := "the broker has refused every request for 3 s: connecting anew"; ended >= 0 && e.cause.Error() != want {
					t.Errorf("it ended for %q, want %q", e.cause, want)
				}
				c.reply(t, "x") // holds the laws
			})
		})
	}
}

// Where one connection after the other comes to nothing, each is kept for twice as long as the
// one before, up to a minute; after an ack or a reply it is 3 s again.
func TestRefusalsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newTold(t, Config{})
		// kept returns how long a connection is kept on which all is refused.
		kept := func() time.Duration {
			e := c.begin()
			began := time.Now()
			for range 2000 {
				call := c.Go(t.Context(), Request{})
				e.handOut(t)
				e.settled(0, true, false)
				e.handOut(t)
				if _, err := call.Result(); err.(*CallError).Outcome != Rejected {
					t.Fatal(err)
				}
				if e.isOver() {
					return time.Since(began)
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Fatal("it is kept for longer than 2000 calls take")
			return 0
		}
		for _, thanks := range []func(e *epoch, call *Call){
			func(e *epoch, _ *Call) { e.settled(0, true, true) },
			func(e *epoch, call *Call) { e.delivered(0, Message{CorrelationID: call.ID()}) },
		} {
			for i, want := range []time.Duration{3, 6, 12, 24, 48, 60, 60} {
				if got := kept(); got != want*time.Second {
					t.Errorf("connection %d was kept for %v, want %d s", i+1, got, want)
				}
			}
			e := c.begin()
			call := c.Go(t.Context(), Request{})
			e.handOut(t)
			thanks(e, call)
			if c.refusals.any.Load() {
				t.Error("something of earlier connections is remembered")
			}
		}
		if got := kept(); got != 3*time.Second {
			t.Errorf("after a reply a connection was kept for %v", got)
		}
	})
}

// What was published before an epoch is given up is waited for, a few seconds at most, so that its
// calls end as rejected. Should one be taken after all, the epoch goes on.
func TestRefusalsUnderWay(t *testing.T) {
	for name, c := range map[string]struct {
		settle func(e *epoch, first, last uint64) // what becomes of those under way
		over   time.Duration                      // when the epoch is; -1: it is not
		want   Outcome                            // of the calls under way
	}{
		"nacked":  {func(e *epoch, _, _ uint64) { e.settled(0, true, false) }, 0, Rejected},
		"nothing": {func(*epoch, uint64, uint64) {}, lastNacks, InFlight}, // until runEpoch says that the connection is lost
		"acked":   {func(e *epoch, _, _ uint64) { e.settled(0, true, true) }, -1, InFlight},
		"one by one": {func(e *epoch, first, last uint64) {
			for ; first <= last; first++ {
				if e.isOver() {
					panic("it is over before the last nack")
				}
				e.settled(first, false, false)
			}
		}, 0, Rejected},
		"the last one acked": {func(e *epoch, first, last uint64) { e.settled(last-1, true, false); e.settled(last, false, true) }, -1, Rejected},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newTold(t, Config{})
				e := client.begin()
				for range fewestRefused - 1 {
					client.Go(t.Context(), Request{})
					e.handOut(t)
					e.settled(0, true, false)
				}
				time.Sleep(leastRefused)
				var calls []*Call
				for i := range 5 {
					calls = append(calls, client.Go(t.Context(), Request{Body: []byte(strconv.Itoa(i))}))
				}
				e.handOut(t)
				first := e.confirms.first
				e.settled(first, false, false) // the last straw
				later := client.Go(t.Context(), Request{})
				if n := e.handOut(t); n != 0 || e.isOver() {
					t.Fatalf("%d calls published after it was given up; over %v", n, e.isOver())
				}
				c.settle(e, first+1, first+4)
				for _, call := range calls[1:4] {
					client.mu.Lock()
					if call.outcome != c.want {
						t.Errorf("a call under way: %v, want %v", call.outcome, c.want)
					}
					client.mu.Unlock()
				}
				time.Sleep(max(0, c.over))
				synctest.Wait()
				if over := e.isOver(); over != (c.over >= 0) {
					t.Errorf("over: %v after %v", over, c.over)
				}
				client.mu.Lock()
				waits := later.outcome == InFlight && later.queued
				client.mu.Unlock()
				if !waits {
					t.Error("the call that came last does not wait for a connection")
				}
				if n := e.handOut(t); (n == 1) != (c.over < 0) {
					t.Errorf("%d calls published then", n)
				}
				time.Sleep(2 * lastNacks)
				if over := e.isOver(); over != (c.over >= 0) {
					t.Errorf("over: %v, later", over)
				}
			})
		})
	}
}
