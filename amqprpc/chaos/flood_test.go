package chaos

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

// channel is a channel of another client, without the proxies.
type channel = amqp.Channel

// onChannel calls f with a channel. When the context ends its socket is closed, since amqp091-go takes no context if a
// broker does not read.
func (w *world) onChannel(ctx context.Context, f func(*channel) error) error {
	var raw net.Conn
	conn, err := amqp.DialConfig(w.node.URL(), amqp.Config{
		Heartbeat: heartbeat,
		Dial: func(network, address string) (c net.Conn, err error) {
			c, err = amqp.DefaultDial(3*time.Second)(network, address)
			raw = c
			return c, err
		},
	})
	if err != nil {
		return err
	}
	defer conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // it was used before
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	return f(ch)
}

// callbackQueue waits for a client that is about to connect again, but not for long.
func (w *world) callbackQueue(ctx context.Context, which int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	for {
		if info, ok := w.clients[which].Connection(); ok {
			name := info.Queue
			return name, nil
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return "", errors.New("the client is not connected")
		}
	}
}

// flood publishes replies that answer no call.
func (w *world) flood(ctx context.Context, s step) error {
	which := s.which % len(w.clients)
	to, err := w.callbackQueue(ctx, which)
	if err != nil {
		return err
	}
	ended := w.clientRecord[which].endedIDs()
	var make func(i int) amqp.Publishing
	switch s.kind {
	case "flood of unknown IDs":
		make = func(int) amqp.Publishing {
			return amqp.Publishing{CorrelationId: uuid.NewString(), Body: []byte("1")}
		}
	case "flood of ended calls' IDs":
		if len(ended) == 0 {
			return errors.New("no call has ended")
		}
		make = func(i int) amqp.Publishing {
			return amqp.Publishing{CorrelationId: ended[i%len(ended)], Body: []byte("1"), AppId: "forger"}
		}
	case "flood of garbage":
		make = garbage
	case "flood of empty IDs":
		make = func(int) amqp.Publishing { return amqp.Publishing{Body: []byte("1")} }
	case "flood of huge replies":
		make = func(i int) amqp.Publishing {
			p := amqp.Publishing{Body: []byte(strings.Repeat("1", 2<<20))}
			if len(ended) > 0 {
				p.CorrelationId = ended[i%len(ended)]
			}
			return p
		}
	case "flood of garbage requests":
		to = w.queue
		make = func(i int) amqp.Publishing {
			p := garbage(i)
			p.ReplyTo = []string{"", "amq.gen-none", w.queue, "amq.rabbitmq.reply-to.garbage", "\x1b[2J"}[i%5]
			return p
		}
	default:
		return fmt.Errorf("no fault %q of messages", s.kind)
	}
	return w.onChannel(ctx, func(ch *channel) error {
		for i := range s.count {
			if err := ch.PublishWithContext(ctx, "", to, false, false, make(i)); err != nil {
				return fmt.Errorf("after %d of %d: %w", i, s.count, err)
			}
		}
		return nil
	})
}

// garbage returns a hostile message.
func garbage(i int) amqp.Publishing {
	words := []string{amqprpc.HeaderRPC, amqprpc.HeaderError, "x-death", "x-first-death-reason"}
	odd := []any{nil, true, "1", []byte{0xff}, -1.5, int64(-1), amqp.Table{"a": nil}, []any{int32(1)}, amqp.Decimal{Scale: 255}}
	p := amqp.Publishing{Headers: amqp.Table{}, Body: []byte("\x1b]0;garbage\x07 \xff")}
	for j, word := range words {
		p.Headers[word] = odd[(i+j)%len(odd)]
	}
	nested := amqp.Table{"x": strings.Repeat("y", 1000)}
	for range i % 40 { // amqp091-go reads 32 levels
		nested = amqp.Table{strings.Repeat("n", 100): nested, "a": []any{nil, []any{}}}
	}
	p.Headers["nested"] = nested
	p.CorrelationId = []string{"", strings.Repeat("\xff", 255), "\x00", "\x1b[2J", uuid.NewString()}[i%5]
	p.Type = []string{"", amqprpc.TypeError, "\xff"}[i%3]
	p.ContentType, p.AppId = "\x00", "\x1b[31m"
	return p
}
