package lab

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// HandName is the app_id of replies that [Lab.SecondReply] and [Lab.UnknownReply] send.
const InjectorName = "rpcscope (by hand)"

// handWait bounds how long a reply that is sent by hand may take to be confirmed.
const handWait = 10 * time.Second

// SecondReply publishes the answer of a call to the callback queue once more: a copy of it
// as far as the books remember it, under the name [HandName]. If id is "" it takes the newest
// completed call whose answer is remembered whole, and returns that one's ID. It waits until
// the broker has taken the reply, ten seconds at most; the note of it is rewritten when the
// reply has come in.
func (l *Lab) SecondReply(ctx context.Context, id string) (of string, err error) {
	id, reply, err := l.answer(id)
	if err != nil {
		return "", l.note("", fmt.Errorf("no second reply: %w", err))
	}
	return id, l.reply(ctx, "second reply to "+short(id), id, reply)
}

// UnknownReply publishes a reply with a fresh correlation ID, which no call has, to the
// callback queue. It returns the ID, and waits as [Lab.SecondReply] does.
func (l *Lab) UnknownReply(ctx context.Context) (id string, err error) {
	id = uuid.NewString()
	return id, l.reply(ctx, "unknown reply "+short(id), id, amqprpc.Message{
		ContentType: "text/plain", CorrelationID: id, AppID: InjectorName, Timestamp: time.Now(),
		Body: []byte("nobody has asked for this"),
	})
}

// reply publishes a reply and follows it.
func (l *Lab) reply(ctx context.Context, what, id string, m amqprpc.Message) error {
	info, _ := l.client.Connection()
	if info.Queue == "" {
		return l.note("", fmt.Errorf("no %s: the client is not connected and has no callback queue", what))
	}
	seq := l.notes.add(Info, what, id)
	f := &followed{id: id, note: seq, what: what}
	l.watch.follow(f)
	ctx, cancel := l.bounded(ctx, handWait)
	defer cancel()
	m.RoutingKey = info.Queue
	if err := l.client.Publish(ctx, m); err != nil {
		switch {
		case l.ctx.Err() != nil:
			err = ErrClosed
		case errors.Is(err, amqprpc.ErrUnroutable):
			err = errors.New("the callback queue is gone")
		}
		err = fmt.Errorf("%s was not sent: %w", what, err)
		l.watch.take(func(o *followed) bool { return o == f }, func(*followed) { l.notes.rewrite(seq, Failure, err.Error()) })
		return err
	}
	l.watch.still(f, func() { l.notes.rewrite(seq, Info, what+" sent") })
	return nil
}

// answer returns a copy of the answer of a call.
func (l *Lab) answer(id string) (string, amqprpc.Message, error) {
	if id != "" {
		p, err := l.answerOf(id)
		return id, p, err
	}
	const most = 64 // calls to look at
	first := errors.New("no call has completed yet")
	for i, row := range l.books.Snapshot(ledger.Query{Completed: most}).Completed {
		p, err := l.answerOf(row.ID)
		if err == nil {
			return row.ID, p, nil
		}
		if i == 0 {
			first = err
		}
	}
	return "", amqprpc.Message{}, first
}

func (l *Lab) answerOf(id string) (p amqprpc.Message, err error) {
	story, ok := l.books.Inspect(id)
	switch {
	case !ok || !story.Ours:
		return p, fmt.Errorf("no call %s is remembered", short(id))
	case story.Outcome == amqprpc.InFlight:
		return p, fmt.Errorf("call %s has no answer yet", short(id))
	case story.Outcome != amqprpc.Completed && story.Outcome != amqprpc.Remote:
		return p, fmt.Errorf("call %s has no answer: %v", short(id), story.Outcome)
	}
	for i := range story.Events {
		e := &story.Events[i]
		if e.Kind != amqprpc.EventReply || e.Class != amqprpc.Answer {
			continue
		}
		m := e.Message()
		switch {
		case m == nil:
		case m.BodyLen > len(m.Body):
			return p, fmt.Errorf("the answer to call %s has %d bytes, and only %d of them are remembered", short(id), m.BodyLen, len(m.Body))
		default:
			return copyOf(m), nil
		}
	}
	return p, fmt.Errorf("the answer to call %s is not remembered", short(id))
}

// copyOf makes a message to publish of one that is remembered. It leaves out what the
// broker would refuse from us (the name of another user, a reply_to that stands for a
// consumer of ours) or act on, headers that are not remembered whole, and what a server
// claims of the delivery that it answered (when it had the request, at which attempt,
// whether again, whether its answer was stored): this reply had none.
func copyOf(m *ledger.Message) amqprpc.Message {
	p := amqprpc.Message{
		ContentType: m.ContentType, ContentEncoding: m.ContentEncoding, Headers: amqp.Table{},
		DeliveryMode: m.DeliveryMode, Priority: m.Priority, CorrelationID: m.CorrelationID,
		ReplyTo: m.ReplyTo, Expiration: m.Expiration, MessageID: m.MessageID, Timestamp: m.Timestamp,
		Type: m.Type, AppID: InjectorName, Body: m.Body,
	}
	if strings.HasPrefix(p.ReplyTo, "amq.rabbitmq.reply-to") {
		p.ReplyTo = ""
	}
	for _, h := range m.Headers {
		if h.Cut || h.Key == "CC" || h.Key == "BCC" || h.Key == amqprpc.HeaderRPC {
			continue
		}
		if v, ok := headerValue(h); ok {
			p.Headers[h.Key] = v
		}
	}
	return p
}

// headerValue makes a header of what is remembered of it.
func headerValue(h ledger.Header) (v any, ok bool) {
	integer := func(bits int) (int64, bool) {
		n, err := strconv.ParseInt(h.Value, 10, bits)
		return n, err == nil
	}
	var n int64
	switch h.Type {
	case "void":
		return nil, true
	case "string":
		return h.Value, true
	case "bool":
		return h.Value == "true", true
	case "int8":
		n, ok = integer(8)
		return int8(n), ok
	case "uint8":
		n, ok = integer(9)
		return byte(n), ok
	case "int16":
		n, ok = integer(16)
		return int16(n), ok
	case "uint16":
		n, ok = integer(17)
		return uint16(n), ok
	case "int32":
		n, ok = integer(32)
		return int32(n), ok
	case "uint32":
		n, ok = integer(33)
		return uint32(n), ok
	case "int64":
		n, ok = integer(64)
		return n, ok
	case "float32":
		x, err := strconv.ParseFloat(h.Value, 32)
		return float32(x), err == nil
	case "float64":
		x, err := strconv.ParseFloat(h.Value, 64)
		return x, err == nil
	case "bytes":
		b, err := hex.DecodeString(h.Value)
		return b, err == nil
	case "time":
		t, err := time.Parse(time.RFC3339, h.Value)
		return t, err == nil
	}
	return nil, false
}
