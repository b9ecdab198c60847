package ledger

import (
	"fmt"
	"maps"
	"slices"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
)

// epoch is the start of the tests.
var epoch = time.Date(2026, 1, 2, 15, 4, 5, 678901234, time.UTC)

func at(d time.Duration) time.Time { return epoch.Add(d) }

const msec = time.Millisecond

// The events of calls, as a client reports them.

func sent(id string, t time.Duration) amqprpc.Event {
	return amqprpc.Event{
		Kind: amqprpc.EventSent, Time: at(t), ID: id, Intended: at(t), Deadline: at(t + 5*time.Second),
	}
}

func published(id string, t time.Duration, body string) amqprpc.Event {
	return amqprpc.Event{Kind: amqprpc.EventPublished, Time: at(t), ID: id, Attempt: 1, Epoch: 1, Message: request(id, body)}
}

func request(id, body string) *amqprpc.Message {
	return &amqprpc.Message{
		RoutingKey: "rpc_queue", ContentType: "text/plain", DeliveryMode: 1, CorrelationID: id,
		ReplyTo: "amq.gen-JzTY20BRgKO-HjmUJj0wLg", Expiration: "5000",
		Headers: amqp.Table{amqprpc.HeaderRPC: "deadline=1767366250678901;attempt=1"},
		Body:    []byte(body),
	}
}

func confirmed(id string, t time.Duration) amqprpc.Event {
	return amqprpc.Event{Kind: amqprpc.EventConfirmed, Time: at(t), ID: id, Attempt: 1}
}

func response(id, server, body string) *amqprpc.Message {
	return &amqprpc.Message{
		RoutingKey: "amq.gen-JzTY20BRgKO-HjmUJj0wLg", ContentType: "text/plain", DeliveryMode: 1,
		CorrelationID: id, AppID: server, Timestamp: time.Unix(1767366245, 0),
		Headers: amqp.Table{amqprpc.HeaderRPC: "received=1767366245688901;replied=1767366245698901;attempt=1"},
		Body:    []byte(body),
	}
}

func answer(id string, t time.Duration, server, body string) amqprpc.Event {
	return amqprpc.Event{
		Kind: amqprpc.EventReply, Time: at(t), ID: id, Class: amqprpc.Answer, Outcome: amqprpc.Completed,
		Message: response(id, server, body),
	}
}

func discarded(class amqprpc.Class, id string, t time.Duration, server string) amqprpc.Event {
	e := amqprpc.Event{Kind: amqprpc.EventReply, Time: at(t), ID: id, Class: class, Message: response(id, server, "832040")}
	switch class {
	case amqprpc.Duplicate:
		e.Outcome, e.Since, e.AnsweredBy = amqprpc.Completed, 1200*msec, "fib-1"
	case amqprpc.Late:
		e.Outcome, e.Since = amqprpc.Timeout, 312*msec
	}
	return e
}

func failed(id string, t time.Duration, o amqprpc.Outcome) amqprpc.Event {
	return amqprpc.Event{Kind: amqprpc.EventFailed, Time: at(t), ID: id, Attempt: 1, Outcome: o, Text: "because"}
}

func wrong(id string, t time.Duration) amqprpc.Event {
	return amqprpc.Event{Kind: EventWrong, Time: at(t), ID: id, Text: "not as expected"}
}

func observe(o amqprpc.Observer, events ...amqprpc.Event) {
	for _, e := range events {
		o.Observe(e)
	}
}

// call observes one successful call that takes 10 ms.
func call(o amqprpc.Observer, id string, t time.Duration) {
	observe(o, sent(id, t), published(id, t+msec, "30"), confirmed(id, t+2*msec), answer(id, t+10*msec, "fib-1", "832040"))
}

func callID(i int) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(i)*2654435761, i) }

// everything asks for everything.
func everything() Query {
	const all = 1 << 20
	return Query{
		InFlight: all, Completed: all, Failed: all, Duplicates: all, Orphans: all, Text: all,
		Seconds: 900, Bars: 20, Connection: all,
	}
}

// small has bounds that short sequences of events reach.
var small = Config{
	Completed: 3, Failed: 2, Duplicates: 3, Orphans: 2, StoryEvents: 6, StoryBytes: 1024,
	BodyBytes: 16, HeaderBytes: 100, Servers: 2, Seconds: 4, Connection: 3,
}

// anyEvent draws an event that is mostly plausible by itself.
func anyEvent(t *rapid.T) amqprpc.Event {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "fib-1", "fib-2", "fib-3", "\xff\x00\u009b", "\x7f\u202e\u2069\u061c"}), rapid.String())
	e := amqprpc.Event{
		Kind:       rapid.SampledFrom(slices.Sorted(maps.Values(kinds))).Draw(t, "kind"),
		Time:       at(time.Duration(rapid.Int64Range(0, int64(8*time.Second)).Draw(t, "time"))),
		ID:         rapid.SampledFrom([]string{"", "a", "b", "c", "d", "e", "f", "g\xfe", "\x1b[2J"}).Draw(t, "id"),
		Attempt:    rapid.IntRange(0, 3).Draw(t, "attempt"),
		Epoch:      rapid.IntRange(0, 3).Draw(t, "epoch"),
		Class:      amqprpc.Class(rapid.IntRange(0, int(amqprpc.Unknown)).Draw(t, "class")),
		Outcome:    amqprpc.Outcome(rapid.IntRange(0, int(amqprpc.Closed)).Draw(t, "outcome")),
		Since:      time.Duration(rapid.Int64().Draw(t, "since")),
		AnsweredBy: text.Draw(t, "answered by"),
		Code:       rapid.SampledFrom([]int{0, 312, -1}).Draw(t, "code"),
		Text:       text.Draw(t, "text"),
		Delay:      time.Duration(rapid.Int64Range(0, 1<<40).Draw(t, "delay")),
	}
	// Make the kinds that the laws are about likely.
	switch rapid.IntRange(0, 7).Draw(t, "likely") {
	case 0, 1:
		e.Kind = amqprpc.EventSent
	case 2, 3:
		e.Kind = amqprpc.EventReply
		if e.Class == amqprpc.Answer {
			e.Outcome = rapid.SampledFrom([]amqprpc.Outcome{amqprpc.Completed, amqprpc.Remote}).Draw(t, "answer")
		}
	case 4:
		e.Kind = amqprpc.EventFailed
	case 5:
		if e.Kind == EventReset && rapid.Bool().Draw(t, "no reset") {
			e.Kind = amqprpc.EventPublished
		}
	case 6:
		e.Kind = EventWrong
	}
	switch rapid.IntRange(0, 9).Draw(t, "odd time") {
	case 0:
		e.Time = time.Time{}
	case 1:
		e.Time = at(time.Duration(rapid.Int64().Draw(t, "far")))
	}
	if rapid.Bool().Draw(t, "intended") {
		e.Intended = e.Time.Add(-time.Duration(rapid.Int64Range(-1000, 1e9).Draw(t, "early")))
		e.Deadline = e.Time.Add(5 * time.Second)
	}
	if rapid.IntRange(0, 3).Draw(t, "message") > 0 {
		e.Message = anyMessage(t, e.ID)
	}
	if e.Kind == amqprpc.EventConnected {
		e.Connection = &amqprpc.ConnectionInfo{Address: "localhost:5672", Product: "RabbitMQ", Version: text.Draw(t, "version"), Queue: "amq.gen-x"}
	}
	return e
}

func anyMessage(t *rapid.T, id string) *amqprpc.Message {
	short := rapid.OneOf(rapid.SampledFrom([]string{"", "fib-1", "fib-2", "fib-3", "\x7f\u009b\u202e"}), rapid.StringN(0, 300, 400))
	m := &amqprpc.Message{
		Exchange: short.Draw(t, "exchange"), RoutingKey: short.Draw(t, "key"), CorrelationID: id,
		ReplyTo: short.Draw(t, "reply to"), AppID: short.Draw(t, "app"), Type: short.Draw(t, "type"),
		DeliveryMode: rapid.Byte().Draw(t, "mode"), Priority: rapid.Byte().Draw(t, "priority"),
		Redelivered: rapid.Bool().Draw(t, "redelivered"),
		Body:        rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "body"),
	}
	if rapid.Bool().Draw(t, "other id") {
		m.CorrelationID = short.Draw(t, "correlation id")
	}
	if rapid.Bool().Draw(t, "timestamp") {
		m.Timestamp = time.Unix(rapid.Int64Range(-1<<62, 1<<62).Draw(t, "unix"), 0)
	}
	if rapid.Bool().Draw(t, "headers") {
		m.Headers = amqp.Table(rapid.MapOfN(rapid.String(), anyField(3), 0, 8).Draw(t, "table"))
	}
	return m
}

func anyField(depth int) *rapid.Generator[any] {
	plain := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int8().AsAny(), rapid.Byte().AsAny(), rapid.Int16().AsAny(),
		rapid.Uint16().AsAny(), rapid.Int32().AsAny(), rapid.Uint32().AsAny(), rapid.Int64().AsAny(), rapid.Int().AsAny(),
		rapid.Float32().AsAny(), rapid.Float64().AsAny(), rapid.String().AsAny(), rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.Just[any](amqp.Decimal{Scale: 2, Value: 314}), rapid.Just[any](time.Unix(1767366245, 0)), rapid.Just[any](struct{}{}),
	}
	if depth > 0 {
		inner := anyField(depth - 1)
		plain = append(plain, rapid.SliceOfN(inner, 0, 20).AsAny(),
			rapid.Custom(func(t *rapid.T) any {
				return amqp.Table(rapid.MapOfN(rapid.String(), inner, 0, 20).Draw(t, "nested"))
			}))
	}
	return rapid.OneOf(plain...)
}
