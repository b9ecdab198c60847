package amqprpc

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// How much a broker has to refuse, and for how long, before a connection is given up. A script is of steps of half
// a second. In each a call is published, and the broker nacks it (n), acks it (a), acks and answers it (r), or says
// nothing (.); or nothing is published (-); or the new call is nacked, and the first one that waits (R) or a call
// of somebody else (U) gets a reply.
func TestRefusalsEndConnection(t *testing.T) {
	for script, ends := range map[string]int{ // at which step; -1: never
		"nnnnnnn":               6,
		"nnnnnn":                -1, // not long enough
		"n-----n":               -1, // only two
		"nn----n":               6,
		"n----n------n":         12,
		"nnnnnannnnnn":          -1,
		"nnnnnrnnnnnn":          -1,
		"rrrnnnnnnn":            9,
		"aaannnnnnnnnnnnnn":     -1, // calls wait that the broker has taken: their replies may come
		".nnnnnnnnnnnnnnnn":     -1, // it may have taken this one
		"nnn.nnn":               6,  // and this one, which is lost
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
				c := newObservedClient(t, Config{})
				s := c.connect()
				var waiting []*Call
				tag, ended := uint64(0), -1
				last := func() *Call { return waiting[len(waiting)-1] }
				reply := func(id string) { s.Delivered(link.Delivery{Properties: &amqp.Publishing{CorrelationId: id}}) }
				nack := func() {
					s.Confirmed(tag, false, false)
					if _, err := last().Result(); err.(*CallError).Outcome != Rejected {
						t.Errorf("call %d: %v", tag, err)
					}
					waiting = waiting[:len(waiting)-1]
				}
				for step, what := range []byte(script) {
					if what != '-' {
						waiting = append(waiting, c.Go(t.Context(), Request{Timeout: time.Hour}))
						if tag++; len(c.publications(s)) != int(tag) {
							t.Fatalf("step %d: %d calls are published, want %d", step, len(c.publications(s)), tag)
						}
					}
					switch what {
					case 'n':
						nack()
					case 'a':
						s.Confirmed(tag, false, true)
					case 'r':
						s.Confirmed(tag, false, true)
						reply(last().ID())
						waiting = waiting[:len(waiting)-1]
					case 'R':
						nack()
						reply(waiting[0].ID())
						waiting = waiting[1:]
					case 'U':
						nack()
						reply("of somebody else")
					}
					if s.isOver() {
						ended = step
						break
					}
					time.Sleep(500 * time.Millisecond)
				}
				if ended != ends {
					t.Errorf("ended at step %d, want %d", ended, ends)
				}
				s.lose(nil) // if it has not ended
				for _, call := range waiting {
					if _, err := call.Result(); err.(*CallError).Outcome != ConnectionLost {
						t.Errorf("a call that waited: %v", err)
					}
				}
				if want := "the broker has refused every request for 3 s: reconnecting"; ended >= 0 && s.Err().Error() != want {
					t.Errorf("it ended for %q, want %q", s.Err(), want)
				}
				c.reply(t, "x") // checks the laws
			})
		})
	}
}

// If every request is refused on one connection after the other, each is kept for twice as long as the one before, up to a
// minute. After an ack or a reply it is 3 s again.
func TestRefusalsBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newObservedClient(t, Config{})
		// kept returns how long a connection is kept on which all is refused.
		kept := func() time.Duration {
			s := c.connect()
			began := time.Now()
			for range 2000 {
				call := c.Go(t.Context(), Request{})
				s.Confirmed(0, true, false)
				if _, err := call.Result(); err.(*CallError).Outcome != Rejected {
					t.Fatal(err)
				}
				if s.isOver() {
					<-s.ended
					return time.Since(began)
				}
				time.Sleep(100 * time.Millisecond)
			}
			t.Fatal("it is kept for longer than 2000 calls take")
			return 0
		}
		for name, accept := range map[string]func(s *fakeSession, call *Call){
			"an ack": func(s *fakeSession, _ *Call) { s.Confirmed(0, true, true) },
			"a reply": func(s *fakeSession, call *Call) {
				s.Delivered(link.Delivery{Properties: &amqp.Publishing{CorrelationId: call.ID()}})
			},
		} {
			for i, want := range []time.Duration{3, 6, 12, 24, 48, 60, 60} {
				if got := kept(); got != want*time.Second {
					t.Errorf("before %s: connection %d was kept for %v, want %d s", name, i+1, got, want)
				}
			}
			s := c.connect()
			accept(s, c.Go(t.Context(), Request{}))
			s.lose(nil)
			if c.refusals != (refusals{}) {
				t.Errorf("after %s something of earlier connections is remembered", name)
			}
		}
		if got := kept(); got != 3*time.Second {
			t.Errorf("in the end a connection was kept for %v", got)
		}
	})
}
