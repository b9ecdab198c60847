package amqprpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
)

// byHand is a client, and the test as its server.
type manualServer struct {
	*amqprpc.Client
	observed *tally
	ch       *amqp.Channel
	requests <-chan amqp.Delivery
}

func newManualServer(t *testing.T, cfg amqprpc.Config) *manualServer {
	t.Helper()
	url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
	declare(t, url, queue)
	b := &manualServer{observed: newStoryTally(), ch: openChannel(t, url)}
	b.requests = consume(t, b.ch, queue)
	cfg.URLs, cfg.Queue, cfg.Observer = []string{url}, queue, b.observed
	b.Client = dial(t, cfg)
	t.Cleanup(func() { b.observed.check(t) })
	return b
}

// answer replies to a request as the server of this name.
func (b *manualServer) answer(t *testing.T, d amqp.Delivery, server string) {
	t.Helper()
	send(t, b.ch, d.ReplyTo, amqp.Publishing{CorrelationId: d.CorrelationId, AppId: server})
}

func (b *manualServer) last() amqprpc.Event {
	b.observed.mu.Lock()
	defer b.observed.mu.Unlock()
	return b.observed.events[len(b.observed.events)-1]
}

func TestDuplicateReplies(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{})
	call := b.Go(context.Background(), amqprpc.Request{})
	d := next(t, b.requests)
	b.answer(t, d, "first")
	b.answer(t, d, "second")
	b.answer(t, d, "third")
	b.observed.until(t, "two duplicates", replies(amqprpc.Duplicate, 2))
	if reply, err := call.Result(); err != nil || reply.Server != "first" {
		t.Errorf("answered by %q, error %v", reply.Server, err)
	}
	e := b.last()
	if e.Class != amqprpc.Duplicate || e.Outcome != amqprpc.Completed || e.AnsweredBy != "first" || e.Message.AppID != "third" || e.Since <= 0 {
		t.Errorf("the last event: %+v", e)
	}
}

func TestDuplicateAfterErrorReply(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{})
	call := b.Go(context.Background(), amqprpc.Request{})
	d := next(t, b.requests)
	send(t, b.ch, d.ReplyTo, amqp.Publishing{CorrelationId: d.CorrelationId, AppId: "first", Type: amqprpc.TypeError,
		Headers: amqp.Table{amqprpc.HeaderError: amqprpc.CodeNotFound}, Body: []byte("no such thing")})
	b.answer(t, d, "second")
	b.observed.until(t, "a duplicate", replies(amqprpc.Duplicate, 1))
	_, err := call.Result()
	if e := asCall(t, err); e.Outcome != amqprpc.Remote || e.NotExecuted || e.Reason() != "NOT_FOUND: no such thing" {
		t.Errorf("%+v: %v", e, err)
	}
	if e := b.last(); e.Outcome != amqprpc.Remote || e.AnsweredBy != "first" {
		t.Errorf("the last event: %+v", e)
	}
}

func TestLateReplies(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{})
	for _, outcome := range []amqprpc.Outcome{amqprpc.Timeout, amqprpc.Canceled} {
		ctx, cancel := context.WithCancel(context.Background())
		req := amqprpc.Request{}
		if outcome == amqprpc.Timeout {
			req.Timeout = 300 * time.Millisecond
		}
		call := b.Go(ctx, req)
		d := next(t, b.requests)
		if outcome == amqprpc.Canceled {
			cancel()
		}
		_, err := call.Result()
		cancel()
		if e := asCall(t, err); e.Outcome != outcome || e.NotExecuted {
			t.Errorf("%v: %+v", outcome, e)
		}
		for range 2 { // the second one is late, too: it answers nothing
			before := b.observed.count(func(t *tally) int { return t.classes[amqprpc.Late] })
			b.answer(t, d, "slow")
			b.observed.until(t, "a late reply", replies(amqprpc.Late, before+1))
			if e := b.last(); e.Class != amqprpc.Late || e.Outcome != outcome || e.AnsweredBy != "" || e.Since <= 0 || e.ID != call.ID() {
				t.Errorf("the last event: %+v", e)
			}
		}
	}
}

// hostileIDs are correlation IDs that no client made.
var hostileIDs = []string{
	"", "00000000-0000-4000-8000-000000000000", strings.Repeat("x", 255), "\x1b[2J\x00\r\n", "\xff\xfe", "\u202e",
}

func TestUnknownReplies(t *testing.T) {
	b := newManualServer(t, amqprpc.Config{})
	call := b.Go(context.Background(), amqprpc.Request{})
	d := next(t, b.requests)
	n := 0
	for _, id := range hostileIDs {
		for range 3 { // repeated, it is no duplicate
			send(t, b.ch, d.ReplyTo, amqp.Publishing{CorrelationId: id, Type: "error", Headers: amqp.Table{"x-first-death-reason": "expired"}})
			n++
		}
	}
	b.answer(t, d, "server")
	if _, err := call.Result(); err != nil {
		t.Error(err)
	}
	b.observed.until(t, "all unknown replies", replies(amqprpc.Unknown, n))
	for _, id := range hostileIDs {
		if got := len(b.observed.story(id)); id != "" && got != 3 {
			t.Errorf("%d events of ID %q", got, id)
		}
	}
}

// A reply to a forgotten call is unknown: memory is bounded by count and by age.
func TestForgottenReplies(t *testing.T) {
	for name, c := range map[string]struct {
		cfg  amqprpc.Config
		want [2]amqprpc.Class // of a second reply to the first and to the last call
	}{
		"one remembered":       {amqprpc.Config{Remember: 1}, [2]amqprpc.Class{amqprpc.Unknown, amqprpc.Duplicate}},
		"none remembered":      {amqprpc.Config{Remember: -1}, [2]amqprpc.Class{amqprpc.Unknown, amqprpc.Unknown}},
		"for a nanosecond":     {amqprpc.Config{RememberFor: 1}, [2]amqprpc.Class{amqprpc.Unknown, amqprpc.Unknown}},
		"as many as there are": {amqprpc.Config{Remember: 2}, [2]amqprpc.Class{amqprpc.Duplicate, amqprpc.Duplicate}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newManualServer(t, c.cfg)
			var requests [2]amqp.Delivery
			for i := range requests {
				call := b.Go(context.Background(), amqprpc.Request{})
				requests[i] = next(t, b.requests)
				b.answer(t, requests[i], "server")
				if _, err := call.Result(); err != nil {
					t.Fatal(err)
				}
			}
			for i, d := range requests {
				b.answer(t, d, "again")
				b.observed.until(t, "another reply", seen(amqprpc.EventReply, 3+i))
			}
			for i, d := range requests {
				var got amqprpc.Class // of the last reply: a confirm may come after it
				for _, e := range b.observed.story(d.CorrelationId) {
					if e.Kind == amqprpc.EventReply {
						got = e.Class
					}
				}
				if got != c.want[i] {
					t.Errorf("call %d: the second reply is %v, want %v", i, got, c.want[i])
				}
			}
		})
	}
}

// A request that comes back from a dead-letter queue, as it is, is no answer.
func TestExpiredInTheQueue(t *testing.T) {
	url := brokertest.OnRabbitMQ(t).URL()
	b := newManualServer(t, amqprpc.Config{})
	short, dead := brokertest.QueueName(t), brokertest.QueueName(t)
	declare(t, url, dead)
	withChannel(t, url, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(short, true, false, false, false, amqp.Table{
			"x-message-ttl": 20, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead,
		})
		return err
	})
	dropped := consume(t, b.ch, dead)
	call := b.Go(context.Background(), amqprpc.Request{Queue: short, Body: []byte("5")})
	d := next(t, dropped)
	for range 2 {
		send(t, b.ch, d.ReplyTo, amqp.Publishing{CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo, Headers: d.Headers, Body: d.Body})
	}
	_, err := call.Result()
	wantIs(t, err, amqprpc.ErrExpired)
	wantIsNot(t, err, amqprpc.ErrTimeout)
	b.observed.until(t, "two late replies", replies(amqprpc.Late, 2))
	if e := b.last(); e.Outcome != amqprpc.Expired {
		t.Errorf("the last event: %+v", e)
	}
}
