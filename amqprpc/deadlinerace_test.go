package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// An observedClient is a client without a broker, with all its events. It lives in a synctest bubble, in which time
// passes only when all goroutines wait.
type observedClient struct {
	*Client
	events []Event // guarded by mu, as the observer is called with it held
}

func newObservedClient(t *testing.T, cfg Config) *observedClient {
	t.Helper()
	c := &observedClient{}
	cfg.Queue = "q"
	cfg.Observer = ObserverFunc(func(e Event) { c.events = append(c.events, e) })
	if err := cfg.setDefaults(); err != nil {
		t.Fatal(err)
	}
	c.Client = newClient(cfg)
	t.Cleanup(func() { c.timer.Stop() })
	return c
}

// receive takes a reply, as an epoch does.
func (c *Client) receive(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.classify(m)
}

// reply delivers a reply and returns the event that tells of it, after which the laws are held against all events
// so far.
func (c *observedClient) reply(t *testing.T, id string) Event {
	t.Helper()
	c.receive(Message{CorrelationID: id, AppID: "fib-1"})
	c.mu.Lock()
	defer c.mu.Unlock()
	sent, answers, completed, failed := 0, 0, 0, 0
	for i, e := range c.events {
		switch {
		case e.Kind == EventSent:
			sent++
		case e.Kind == EventFailed:
			failed++
		case e.Class == Answer:
			answers++
			completed++ // none of these tests' replies is an error
		}
		if i > 0 && e.Time.Before(c.events[i-1].Time) {
			t.Errorf("event %d, %v, goes back in time", i, e.Kind)
		}
	}
	if sent != completed+failed+len(c.calls) || answers != completed || len(c.room) != len(c.calls) || len(c.due) != len(c.calls) {
		t.Errorf("sent %d, completed %d, failed %d, answers %d; in flight %d, room taken %d, deadlines %d",
			sent, completed, failed, answers, len(c.calls), len(c.room), len(c.due))
	}
	last := c.events[len(c.events)-1]
	if last.Kind != EventReply || last.ID != id {
		t.Fatalf("the last event is %v of %q", last.Kind, last.ID)
	}
	return last
}

// kinds are those of all events so far.
func (c *observedClient) kinds() []EventKind {
	c.mu.Lock()
	defer c.mu.Unlock()
	var kinds []EventKind
	for _, e := range c.events {
		kinds = append(kinds, e.Kind)
	}
	return kinds
}

// A call ends at its deadline, whether the alarm or a reply notices first, and wherever the deadline comes from.
func TestReplyAroundTheDeadline(t *testing.T) {
	const timeout = 5 * time.Second
	for name, begin := range map[string]func(*testing.T, *observedClient) *Call{
		"the default":   func(t *testing.T, c *observedClient) *Call { return c.Go(t.Context(), Request{}) },
		"the request's": func(t *testing.T, c *observedClient) *Call { return c.Go(t.Context(), Request{Timeout: timeout}) },
		"the context's": func(t *testing.T, c *observedClient) *Call {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			t.Cleanup(cancel)
			call, err := c.start(ctx, Request{Timeout: time.Hour}) // nobody watches the context
			if err != nil {
				t.Fatal(err)
			}
			return call
		},
	} {
		for _, after := range []time.Duration{-timeout, -1, 0, 1, 4400 * time.Millisecond} {
			for _, alarm := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s, %v after, alarm %v", name, after, alarm), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						c := newObservedClient(t, Config{Timeout: timeout})
						call := begin(t, c)
						if !alarm {
							c.timer.Stop() // it comes too late
						}
						time.Sleep(timeout + after)
						e := c.reply(t, call.ID())
						_, err := call.Result()
						if after < 0 {
							if err != nil || e.Class != Answer || e.Outcome != Completed {
								t.Errorf("%v, %v, error %v", e.Class, e.Outcome, err)
							}
							return
						}
						if !errors.Is(err, ErrTimeout) || e.Class != Late || e.Outcome != Timeout || e.Since != after || e.AnsweredBy != "" {
							t.Errorf("%v, %v, since %v, error %v", e.Class, e.Outcome, e.Since, err)
						}
						if kinds := c.kinds(); len(kinds) != 3 || kinds[1] != EventFailed {
							t.Errorf("events %v", kinds)
						}
						c.handleDue() // finds nothing any more
						time.Sleep(time.Second)
						if e := c.reply(t, call.ID()); e.Class != Late || e.Since != after+time.Second {
							t.Errorf("the next one a second later: %v, since %v", e.Class, e.Since)
						}
					})
				})
			}
		}
	}
}

// A request that comes back dead-lettered after the deadline finds the call ended, too.
func TestDeadLetteredAfterTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for after, want := range map[time.Duration]Outcome{-1: Expired, 0: Timeout} {
			c := newObservedClient(t, Config{})
			call := c.Go(t.Context(), Request{Timeout: time.Second})
			c.timer.Stop()
			time.Sleep(time.Second + after)
			c.receive(Message{CorrelationID: call.ID(), ReplyTo: "callback", Headers: amqp.Table{"x-first-death-reason": "expired"}})
			e := c.events[len(c.events)-1]
			if _, err := call.Result(); err.(*CallError).Outcome != want || e.Class != Late || e.Outcome != want || e.Since != 0 {
				t.Errorf("%v after the deadline: %v, %v, since %v, error %v", after, e.Class, e.Outcome, e.Since, err)
			}
		}
	})
}

// After a suspension the timer may fire before the reply is read. The lateness counts from the deadline, too, and the
// call is remembered for as long as others.
func TestLateAfterALateAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newObservedClient(t, Config{RememberFor: time.Second})
		first := c.Go(t.Context(), Request{Timeout: 4 * time.Second})
		second := c.Go(t.Context(), Request{Timeout: 5 * time.Second})
		c.timer.Stop()
		time.Sleep(14 * time.Second)
		// The second one is noticed first.
		if e := c.reply(t, second.ID()); e.Class != Late || e.Since != 9*time.Second {
			t.Errorf("the second call: %v, since %v", e.Class, e.Since)
		}
		c.handleDue()
		time.Sleep(time.Second)
		for call, want := range map[*Call]time.Duration{first: 11 * time.Second, second: 10 * time.Second} {
			if e := c.reply(t, call.ID()); e.Class != Late || e.Outcome != Timeout || e.Since != want {
				t.Errorf("%v, %v, since %v, want %v", e.Class, e.Outcome, e.Since, want)
			}
		}
		time.Sleep(time.Nanosecond)
		if e := c.reply(t, first.ID()); e.Class != Unknown || e.Since != 0 {
			t.Errorf("longer ago than RememberFor: %v, since %v", e.Class, e.Since)
		}
	})
}

// A cancellation ends a call even after the deadline, and a context that ends with DeadlineExceeded too early makes no
// duration negative.
func TestLateAfterTheContext(t *testing.T) {
	passed, cancel := context.WithTimeout(context.Background(), 0)
	defer cancel()
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	for name, c := range map[string]struct {
		ctx     context.Context
		at      time.Duration // when it ends a call of five seconds
		outcome Outcome
		since   time.Duration // of a reply at nine seconds
	}{
		"canceled":                    {canceled, 2 * time.Second, Canceled, 7 * time.Second},
		"canceled after the deadline": {canceled, 6 * time.Second, Canceled, 3 * time.Second},
		"passed before the deadline":  {passed, 2 * time.Second, Timeout, 7 * time.Second},
		"passed":                      {passed, 6 * time.Second, Timeout, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newObservedClient(t, Config{})
				call := client.Go(t.Context(), Request{Timeout: 5 * time.Second})
				client.timer.Stop()
				time.Sleep(c.at)
				client.abandon(call, c.ctx)
				time.Sleep(9*time.Second - c.at)
				if e := client.reply(t, call.ID()); e.Class != Late || e.Outcome != c.outcome || e.Since != c.since {
					t.Errorf("%v, %v, since %v", e.Class, e.Outcome, e.Since)
				}
			})
		})
	}
}
