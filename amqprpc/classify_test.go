package amqprpc

import (
	"context"
	"slices"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
)

// TestClassification compares the client's classes with a model that is as plain as the definitions, for random
// sequences of calls, replies and ends of calls.
func TestClassification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const (
			waiting = iota
			answered
			endedWithout
		)
		remember := rapid.IntRange(1, 6).Draw(t, "remember")
		states := map[string]int{}
		var ids []string   // all that ever were
		var ended []string // in order of ending; the last so many are remembered
		var last Event
		replies := map[Class]int{}
		outcomes := map[Outcome]int{}
		sent := 0

		cfg := Config{Queue: "q", Remember: remember, MaxInFlight: 100, Observer: ObserverFunc(func(e Event) {
			last = e
			switch e.Kind {
			case EventSent:
				sent++
			case EventReply:
				replies[e.Class]++
				if e.Class == Answer {
					outcomes[e.Outcome]++
				}
			case EventFailed:
				outcomes[e.Outcome]++
			}
		})}
		if err := cfg.setDefaults(); err != nil {
			t.Fatal(err)
		}
		c := newClient(cfg)
		defer c.timer.Stop()
		end := func(id string, state int) {
			states[id] = state
			ended = append(ended, id)
		}
		expect := func(id string) Class {
			state, ours := states[id]
			remembered := slices.Contains(ended[max(0, len(ended)-remember):], id)
			switch {
			case ours && state == waiting:
				return Answer
			case ours && remembered && state == answered:
				return Duplicate
			case ours && remembered:
				return Late
			}
			return Unknown
		}
		someID := func() string {
			if len(ids) > 0 && rapid.IntRange(0, 9).Draw(t, "ours") < 8 {
				return rapid.SampledFrom(ids).Draw(t, "id")
			}
			return rapid.SampledFrom([]string{"", "\x1b[2J", "123e4567-e89b-42d3-a456-426614174000"}).Draw(t, "foreign id")
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				call, err := c.start(context.Background(), Request{})
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, call.ID())
				states[call.ID()] = waiting
			},
			"reply": func(t *rapid.T) {
				id := someID()
				want := expect(id)
				call := c.calls[id]
				m := Message{CorrelationID: id, AppID: "fib-1"}
				failing := rapid.Bool().Draw(t, "error")
				if failing {
					m.Type, m.Headers = TypeError, amqp.Table{HeaderError: CodeInternal}
				}
				c.receive(m)
				if last.Kind != EventReply || last.ID != id || last.Class != want {
					t.Fatalf("reply to %q: %v of class %v, want %v", id, last.Kind, last.Class, want)
				}
				switch want {
				case Answer:
					end(id, answered)
					_, err := call.Result()
					if failing != (err != nil) || failing != (last.Outcome == Remote) {
						t.Fatalf("error reply %v: outcome %v, error %v", failing, last.Outcome, err)
					}
				case Duplicate:
					if last.AnsweredBy != "fib-1" || (last.Outcome != Completed && last.Outcome != Remote) {
						t.Fatalf("duplicate after %v by %q", last.Outcome, last.AnsweredBy)
					}
				case Late:
					if !last.Outcome.Failed() || last.Outcome == Remote {
						t.Fatalf("late after %v", last.Outcome)
					}
				}
			},
			"fail": func(t *rapid.T) {
				if len(c.calls) == 0 {
					return
				}
				var flying []string
				for _, id := range ids {
					if states[id] == waiting {
						flying = append(flying, id)
					}
				}
				id := rapid.SampledFrom(flying).Draw(t, "id")
				outcome := rapid.SampledFrom([]Outcome{Timeout, Canceled, Unroutable, Rejected, ConnectionLost}).Draw(t, "outcome")
				c.mu.Lock()
				c.fail(c.calls[id], time.Now(), outcome, nil)
				c.mu.Unlock()
				end(id, endedWithout)
			},
			"": func(t *rapid.T) {
				total := 0
				for _, n := range outcomes {
					total += n
				}
				if sent != total+len(c.calls) || len(c.room) != len(c.calls) || len(c.due) != len(c.calls) {
					t.Fatalf("sent %d, ended %d, in flight %d, room taken %d, deadlines %d", sent, total, len(c.calls), len(c.room), len(c.due))
				}
				if replies[Answer] != outcomes[Completed]+outcomes[Remote] {
					t.Fatalf("%d answers, outcomes %v", replies[Answer], outcomes)
				}
				if n := len(c.ended.entries); n > remember {
					t.Fatalf("%d ended calls remembered of %d", n, remember)
				}
				waitingInOutbox := 0
				for call := c.outbox.first; call != nil; call = call.next {
					waitingInOutbox++
				}
				if waitingInOutbox != len(c.calls) {
					t.Fatalf("%d calls in the outbox, %d in flight", waitingInOutbox, len(c.calls))
				}
			},
		})
	})
}
