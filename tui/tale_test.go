package tui

import (
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
)

const taleID = "7f3a91c2-1b22-4e0a-9c01-d7fe44aa02be"

// A tale makes the story of one call. Its times are in ms since the call was sent.
type tale struct {
	*story
	id string
}

func newTale() *tale { return &tale{story: newStory(), id: taleID} }

func ms(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }

func (t *tale) event(at float64, e amqprpc.Event) *tale {
	e.Time, e.ID = epoch.Add(ms(at)), t.id
	t.tell(e)
	return t
}

func (t *tale) sent() *tale {
	return t.event(0, amqprpc.Event{Kind: amqprpc.EventSent, Intended: epoch, Deadline: epoch.Add(5 * time.Second)})
}

func (t *tale) published(at float64, attempt int) *tale {
	return t.event(at, amqprpc.Event{Kind: amqprpc.EventPublished, Attempt: attempt, Epoch: 1, Message: &amqprpc.Message{
		RoutingKey: "rpc_queue", CorrelationID: t.id, ReplyTo: "amq.gen-JzTY20BRgKO", Expiration: "5000", DeliveryMode: 1,
		ContentType: "text/plain", Timestamp: epoch, AppID: "rpcscope", Body: []byte("30"),
		Headers: amqp.Table{amqprpc.HeaderRPC: amqprpc.Meta{Deadline: epoch.Add(5 * time.Second), Attempt: attempt}.String()},
	}})
}

func (t *tale) step(at float64, k amqprpc.EventKind, attempt int) *tale {
	return t.event(at, amqprpc.Event{Kind: k, Attempt: attempt})
}

// out is sent, published and confirmed.
func (t *tale) out() *tale {
	return t.sent().published(0.4, 1).step(1.6, amqprpc.EventConfirmed, 1)
}

func (t *tale) failed(at float64, o amqprpc.Outcome, text string) *tale {
	return t.event(at, amqprpc.Event{Kind: amqprpc.EventFailed, Outcome: o, Text: text})
}

// A said is a reply as a server might send it. received and replied are in ms; if both are 0, it has no metadata.
type said struct {
	server            string
	body              string
	received, replied float64
	redelivered       bool
	replayed          bool
	attempt           int
	code              string
}

func (s said) message(id string) *amqprpc.Message {
	m := &amqprpc.Message{CorrelationID: id, RoutingKey: "amq.gen-JzTY20BRgKO", AppID: s.server, Body: []byte(s.body),
		ContentType: "text/plain", DeliveryMode: 1, Headers: amqp.Table{}}
	if s.body == "" {
		m.Body = []byte("832040")
	}
	meta := amqprpc.Meta{Replayed: s.replayed, Attempt: s.attempt, Redelivered: s.redelivered}
	if s.received != 0 || s.replied != 0 {
		meta.Received, meta.Replied = epoch.Add(ms(s.received)), epoch.Add(ms(s.replied))
		m.Timestamp = epoch
	}
	if text := meta.String(); text != "" {
		m.Headers[amqprpc.HeaderRPC] = text
	}
	if s.code != "" {
		m.Type, m.Headers[amqprpc.HeaderError] = amqprpc.TypeError, s.code
	}
	return m
}

func (t *tale) answer(at float64, s said) *tale {
	o := amqprpc.Completed
	if s.code != "" {
		o = amqprpc.Remote
	}
	return t.event(at, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Answer, Outcome: o, Attempt: max(s.attempt, 1), Message: s.message(t.id)})
}

func (t *tale) discarded(at float64, c amqprpc.Class, s said) *tale {
	return t.event(at, amqprpc.Event{Kind: amqprpc.EventReply, Class: c, Message: s.message(t.id)})
}

func (t *tale) dup(at float64, s said) *tale  { return t.discarded(at, amqprpc.Duplicate, s) }
func (t *tale) late(at float64, s said) *tale { return t.discarded(at, amqprpc.Late, s) }

func (t *tale) inspect() ledger.Story {
	s, _ := t.ledger.Inspect(t.id)
	return s
}

// fib1 is a reply of fib-1 after 40 ms of work.
var fib1 = said{server: "fib-1", received: 1, replied: 41}

// fib2 is a reply of fib-2 to the same request, redelivered.
var fib2 = said{server: "fib-2", received: 1200, replied: 1240, redelivered: true}

func ended(name string, state pool.State, at float64) pool.Status {
	return pool.Status{Name: name, State: state, Started: epoch.Add(-time.Minute), Ended: epoch.Add(ms(at)), Reason: "signal: killed"}
}

func running(name string) pool.Status {
	return pool.Status{Name: name, State: pool.Running, Started: epoch.Add(-time.Minute)}
}
