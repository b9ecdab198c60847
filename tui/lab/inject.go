package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

// InjectorName is the app_id of replies that [Lab.SecondReply] and [Lab.UnknownReply] publish.
const InjectorName = "rpcscope (by hand)"

// injectTimeout bounds the wait for the confirm of an injected reply.
const injectTimeout = 10 * time.Second

// noteInjectedReply adds a note about an injected reply that has arrived.
func (l *Lab) noteInjectedReply(e amqprpc.Event) {
	reply, class := "second reply to ", ""
	switch e.Class {
	case amqprpc.Duplicate:
		class = fmt.Sprintf("a duplicate, %s after the answer", text.Duration(e.Since))
	case amqprpc.Late:
		class = fmt.Sprintf("late, %s after the call had failed (%v)", text.Duration(e.Since), e.Outcome)
	default:
		reply, class = "unknown reply ", "no call of that ID is known here"
	}
	l.notes.add(Success, fmt.Sprintf("%s%s came in: %s; discarded", reply, shortID(e.ID), class), e.ID)
}

// SecondReply publishes a copy of a call's answer to the callback queue, as far as the ledger
// remembers it, with the app_id [InjectorName]. If id is "", the call is the newest completed one. It returns the call's ID, and waits for the confirm, at most ten
// seconds. A note follows when the reply arrives.
func (l *Lab) SecondReply(ctx context.Context, id string) (of string, err error) {
	if id == "" {
		newest := l.ledger.Snapshot(ledger.Query{Completed: 1}).Completed
		if len(newest) == 0 {
			return "", l.noteResult("", errors.New("no second reply: no call has completed yet"))
		}
		id = newest[0].ID
	}
	reply, err := l.answer(id)
	if err != nil {
		return "", l.noteResult("", fmt.Errorf("no second reply: %w", err))
	}
	return id, l.injectReply(ctx, "second reply to "+shortID(id), reply)
}

// UnknownReply publishes a reply with a new correlation ID, which no call has, to the callback
// queue. It returns the ID, and waits as [Lab.SecondReply] does.
func (l *Lab) UnknownReply(ctx context.Context) (id string, err error) {
	id = uuid.NewString()
	return id, l.injectReply(ctx, "unknown reply "+shortID(id), amqprpc.Message{
		ContentType: "text/plain", CorrelationID: id, AppID: InjectorName, Timestamp: time.Now(),
		Body: []byte("nobody has asked for this"),
	})
}

func (l *Lab) injectReply(ctx context.Context, what string, m amqprpc.Message) error {
	info, _ := l.client.Connection()
	if info.Queue == "" {
		return l.noteResult("", fmt.Errorf("no %s: the client is not connected and has no callback queue", what))
	}
	ctx, cancel := l.withTimeout(ctx, injectTimeout)
	defer cancel()
	m.RoutingKey = info.Queue
	err := l.client.Publish(ctx, m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, amqprpc.ErrUnroutable):
		err = errors.New("the callback queue is gone")
	}
	return l.noteResult("", fmt.Errorf("%s was not sent: %w", what, err))
}

func (l *Lab) answer(id string) (m amqprpc.Message, err error) {
	story, ok := l.ledger.Inspect(id)
	switch {
	case !ok || !story.Ours:
		return m, fmt.Errorf("no call %s is remembered", shortID(id))
	case story.Outcome == amqprpc.InFlight:
		return m, fmt.Errorf("call %s has no answer yet", shortID(id))
	case story.Outcome != amqprpc.Completed && story.Outcome != amqprpc.Remote:
		return m, fmt.Errorf("call %s has no answer: %v", shortID(id), story.Outcome)
	}
	reply := Answer(story)
	switch {
	case reply == nil:
		return m, fmt.Errorf("the answer to call %s is not remembered", shortID(id))
	case reply.BodyLen > len(reply.Body):
		return m, fmt.Errorf("the answer to call %s has %d bytes, and only %d of them are remembered", shortID(id), reply.BodyLen, len(reply.Body))
	}
	return copyAnswer(reply), nil
}

// Answer returns the reply that ended a call, or nil if it is not remembered.
func Answer(story ledger.Story) *ledger.Message {
	for i := range story.Events {
		e := &story.Events[i]
		if e.Kind == amqprpc.EventReply && e.Class == amqprpc.Answer {
			return e.Message()
		}
	}
	return nil
}

// copyAnswer returns a message to publish. It omits properties that the broker would refuse (the
// name of another user, a reply_to of direct reply-to), CC and BCC, headers that are no text or not
// remembered whole, and x-rpc, since no server has received a request for this reply.
func copyAnswer(m *ledger.Message) amqprpc.Message {
	c := amqprpc.Message{
		ContentType: m.ContentType, ContentEncoding: m.ContentEncoding, Headers: amqp.Table{},
		DeliveryMode: m.DeliveryMode, Priority: m.Priority, CorrelationID: m.CorrelationID,
		ReplyTo: m.ReplyTo, Expiration: m.Expiration, MessageID: m.MessageID, Timestamp: m.Timestamp,
		Type: m.Type, AppID: InjectorName, Body: m.Body,
	}
	if strings.HasPrefix(c.ReplyTo, "amq.rabbitmq.reply-to") {
		c.ReplyTo = ""
	}
	for _, h := range m.Headers {
		if h.Type == "string" && !h.Cut && h.Key != "CC" && h.Key != "BCC" && h.Key != amqprpc.HeaderRPC {
			c.Headers[h.Key] = h.Value
		}
	}
	return c
}
