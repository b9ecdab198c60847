package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

// HandName is the app_id of replies that [Lab.SecondReply] and [Lab.UnknownReply] send,
// and part of the name of the connection that they go over.
const HandName = "rpcscope (by hand)"

// A hand publishes replies by hand. It has a connection of its own, as a reply comes from
// elsewhere: opened when it is first needed, kept, and opened anew when it is dead.
type hand struct {
	broker amqprpc.Broker
	turn   chan struct{} // holds a token while somebody publishes; guards what follows
	conn   *amqp.Connection
	ch     *amqp.Channel
	raw    net.Conn
	gone   chan amqp.Return
	refuse chan *amqp.Error // why the broker closed the channel
	ended  chan *amqp.Error // closed when amqp091-go is done with the connection
	closed bool

	listening sync.WaitGroup // the goroutine of the connection

	mu    sync.Mutex
	alarm string // why the broker blocks this connection, "" where it does not
}

// errGone: the broker returned the reply.
var errGone = errors.New("the callback queue is gone")

func (h *hand) init(b amqprpc.Broker) {
	if len(b.URLs) == 0 {
		b.URLs = []string{amqprpc.DefaultURL}
	}
	if b.Heartbeat == 0 {
		b.Heartbeat = 10 * time.Second
	}
	if b.DialTimeout == 0 {
		b.DialTimeout = 10 * time.Second
	}
	if b.Dial == nil {
		var d net.Dialer
		b.Dial = d.DialContext
	}
	b.Name = HandName
	h.broker = b
	h.turn = make(chan struct{}, 1)
}

// publish publishes to a queue and waits until the broker has said what became of it. It
// blocks until ctx ends at the latest.
func (h *hand) publish(ctx context.Context, queue string, p amqp.Publishing) error {
	return h.connected(ctx, func() error { return h.send(ctx, queue, p) })
}

// connected runs f, which uses the channel, when nobody else does. It connects first
// where need be, and drops the connection where f has failed.
func (h *hand) connected(ctx context.Context, f func() error) error {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if h.closed {
		return ErrClosed
	}
	if h.ch == nil || h.ch.IsClosed() || h.conn.IsClosed() {
		h.drop()
		if err := h.dial(ctx); err != nil {
			return err
		}
	}
	err := f()
	if err != nil && !errors.Is(err, errGone) {
		h.drop()
	}
	return err
}

func (h *hand) send(ctx context.Context, queue string, p amqp.Publishing) error {
	// amqp091-go's writes take no context. What is stopped may still run on: it must not
	// look at h.
	raw := h.raw
	stop := context.AfterFunc(ctx, func() { raw.Close() })
	defer stop()
	confirm, err := h.ch.PublishWithDeferredConfirm("", queue, true, false, p)
	if err == nil {
		select {
		case <-confirm.Done():
		case <-ctx.Done():
		}
	}
	if ctx.Err() != nil {
		if reason := h.blocked(); reason != "" {
			return fmt.Errorf("the broker blocks publishers, by an alarm: %s", reason)
		}
		return fmt.Errorf("no confirm: %w", ctx.Err())
	}
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	// A return comes before its confirm.
	select {
	case _, returned := <-h.gone: // closed with the channel
		if returned {
			return errGone
		}
	default:
	}
	if !confirm.Acked() {
		return h.refused(ctx)
	}
	return nil
}

// refused says why the broker has not taken a reply. Where the user may not publish, the
// broker closes the channel.
func (h *hand) refused(ctx context.Context) error {
	if h.ch.IsClosed() {
		select {
		case why := <-h.refuse:
			if why != nil {
				return amqprpc.WithPermission(why, "write")
			}
		case <-ctx.Done():
		}
	}
	return errors.New("the broker has not taken it")
}

// dial tries the broker's URLs in turn. No error of it holds a password.
func (h *hand) dial(ctx context.Context) error {
	var errs []error
	for _, url := range h.broker.URLs {
		address, err := amqprpc.Address(url)
		if err == nil {
			err = h.dialOne(ctx, url)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		errs = append(errs, &amqprpc.DialError{Address: address, Err: err})
		if ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

func (h *hand) dialOne(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, h.broker.DialTimeout)
	defer cancel()
	var raw net.Conn
	abandon := func() bool { return true }
	defer func() { abandon() }()
	var secure *tls.Config
	if h.broker.TLS != nil {
		secure = h.broker.TLS.Clone() // amqp091-go writes to it
	}
	conn, err := amqp.DialConfig(url, amqp.Config{
		Heartbeat: h.broker.Heartbeat, Properties: h.broker.ClientProperties(), TLSClientConfig: secure,
		Dial: func(network, address string) (net.Conn, error) {
			var err error
			if raw, err = h.broker.Dial(ctx, network, address); err == nil {
				abandon = context.AfterFunc(ctx, func() { raw.Close() })
			}
			return raw, err
		},
	})
	if err != nil {
		if raw != nil {
			raw.Close()
		}
		return inTime(ctx, amqprpc.WithPermission(err, ""))
	}
	h.conn, h.raw = conn, raw
	h.ended = conn.NotifyClose(make(chan *amqp.Error, 1))
	if err := h.open(); err != nil {
		h.drop()
		return inTime(ctx, err)
	}
	return nil
}

// inTime says that the time was up, rather than what that did to a socket.
func inTime(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// open opens the channel to publish on.
func (h *hand) open() error {
	h.alarmed(amqp.Blocking{})
	blocking := h.conn.NotifyBlocked(make(chan amqp.Blocking, 16))
	h.listening.Go(func() {
		for b := range blocking {
			h.alarmed(b)
		}
	})
	var err error
	if h.ch, err = h.conn.Channel(); err != nil {
		return err
	}
	h.gone = h.ch.NotifyReturn(make(chan amqp.Return, 1))
	h.refuse = h.ch.NotifyClose(make(chan *amqp.Error, 1))
	return h.ch.Confirm(false)
}

func (h *hand) alarmed(b amqp.Blocking) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.alarm = ""
	if b.Active {
		h.alarm = b.Reason
	}
}

func (h *hand) blocked() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.alarm
}

// drop closes the connection, politely if that is quick.
func (h *hand) drop() {
	if h.conn == nil {
		return
	}
	raw := h.raw
	stop := time.AfterFunc(time.Second, func() { raw.Close() })
	h.conn.CloseDeadline(time.Now().Add(time.Second)) //nolint:errcheck // it is closed either way
	stop.Stop()
	raw.Close()
	for range h.ended { // until it is
	}
	h.listening.Wait()
	h.conn, h.ch, h.raw = nil, nil, nil
}

// close ends the connection, after the publish that goes on.
func (h *hand) close() {
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	h.closed = true
	h.drop()
}
