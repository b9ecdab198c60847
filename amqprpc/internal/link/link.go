package link

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	channelNumber = 1         // of the channel for messages, the first of its connection
	frameMax      = 128 << 10 // the max frame size to negotiate, RabbitMQ's default
)

// A Handler handles what arrives. The goroutine that reads calls it, one method at a time.
type Handler interface {
	// Delivered handles a delivery. It may keep d.Properties.
	Delivered(d Delivery)
	// Returned handles a message that the broker could not route.
	Returned(r Return)
	// Confirmed handles a publisher confirm, an ack or a nack.
	Confirmed(tag uint64, multiple, acked bool)
	// Blocked is called when the broker blocks publishers (a memory or disk alarm), and when it unblocks
	// them.
	Blocked(active bool, reason string)
	// Writable is called once [Link.HasRoom] is true again after it was false. The goroutine that
	// writes calls it.
	Writable()
}

// A Delivery is a basic.deliver with its content.
type Delivery struct {
	ConsumerTag          string
	Tag                  uint64
	Redelivered          bool
	Exchange, RoutingKey string
	Properties           *amqp.Publishing // with the body
}

// A Return is a basic.return with its content.
type Return struct {
	Code                 int
	Text                 string
	Exchange, RoutingKey string
	Properties           *amqp.Publishing
}

// Options are the parameters of a connection.
type Options struct {
	URL        string      // for user, password, virtual host and parameters
	Address    string      // host:port
	TLS        *tls.Config // nil for none
	Heartbeat  time.Duration
	Properties amqp.Table // of the client, as the broker shows them to operators
	Dial       func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Link is an open connection and its channel for messages.
type Link struct {
	writer
	// Channel is for declarations, consumers and the like. Publishes and acks go through the methods of
	// Link. One goroutine at a time may use it.
	Channel *amqp.Channel

	conn          atomic.Pointer[amqp.Connection] // nil until it is open
	stream        *stream
	connClosed    chan *amqp.Error
	channelClosed chan *amqp.Error
	writeErr      atomic.Pointer[error]

	done chan struct{}
	once sync.Once
	err  error
}

// Dial connects, opens the channel and calls prepare, which may declare and consume on it. h may be called
// before prepare returns, and until Close returns. Every step ends with ctx, prepare included. The caller must
// Close the Link, and run [Link.Watch] in a goroutine.
func Dial(ctx context.Context, o Options, h Handler, prepare func(*Link) error) (_ *Link, err error) {
	l := &Link{done: make(chan struct{})}
	stopped := func() bool { return true }
	defer func() {
		if err == nil {
			return
		}
		if !stopped() && ctx.Err() != nil {
			err = ctx.Err() // rather than "use of closed network connection"
		}
		l.Close(0)
	}()
	conn, err := amqp.DialConfig(o.URL, amqp.Config{
		Heartbeat: o.Heartbeat, FrameSize: frameMax, Properties: o.Properties,
		Dial: func(network, _ string) (net.Conn, error) {
			raw, err := o.Dial(ctx, network, o.Address)
			if err != nil {
				return nil, err
			}
			// The steps from here take no context, so its end closes the socket.
			stopped = context.AfterFunc(ctx, func() { raw.Close() })
			conn := raw
			if o.TLS != nil {
				secure := tls.Client(raw, o.TLS)
				if err := secure.HandshakeContext(ctx); err != nil {
					raw.Close()
					return nil, explainTLS(err)
				}
				conn = secure
			}
			l.stream = newStream(conn, raw, h, &l.writer, l.Fail)
			l.writer.start(conn, l.writeFailed, h.Writable)
			return l.stream, nil
		},
	})
	if err != nil {
		if l.stream != nil {
			err = l.stream.explain(err)
		}
		return nil, err
	}
	l.conn.Store(conn)
	l.writer.frameMax = uint32(conn.Config.FrameSize)
	l.connClosed = conn.NotifyClose(make(chan *amqp.Error, 1))
	if l.Channel, err = conn.Channel(); err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	l.channelClosed = l.Channel.NotifyClose(make(chan *amqp.Error, 1))
	if err = prepare(l); err != nil {
		if errors.Is(err, amqp.ErrClosed) { // the broker closed the channel, and its reason is the better one
			if why := <-l.channelClosed; why != nil {
				err = why
			}
		}
		return nil, err
	}
	if !stopped() {
		return nil, ctx.Err()
	}
	return l, nil
}

// ServerProperties returns the broker's properties.
func (l *Link) ServerProperties() amqp.Table { return l.conn.Load().Properties }

// OpenChannel opens another channel. It blocks for a round trip, or until the connection ends.
func (l *Link) OpenChannel() (*amqp.Channel, error) { return l.conn.Load().Channel() }

// IsClosed reports whether the connection is closed.
func (l *Link) IsClosed() bool { return l.conn.Load().IsClosed() }

// Done returns a channel that is closed when the Link fails or is closed.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err waits for Done and returns the reason. A reason of the broker is an [*amqp.Error] or a [*CancelError].
func (l *Link) Err() error {
	<-l.done
	return l.err
}

// Fail ends the Link for a reason, which may be nil. Only the first call counts.
func (l *Link) Fail(reason error) {
	l.once.Do(func() {
		l.err = reason
		close(l.done)
	})
}

// A CancelError reports that the broker canceled a consumer.
type CancelError struct{ ConsumerTag string }

func (e *CancelError) Error() string {
	return fmt.Sprintf("the broker canceled the consumer %q", e.ConsumerTag)
}

// Watch waits until the connection or the channel ends, and calls Fail with the reason.
func (l *Link) Watch() {
	var why *amqp.Error
	select {
	case <-l.done:
		return
	case why = <-l.channelClosed:
	case why = <-l.connClosed:
		// If the broker closes the channel, the next publish makes it close the connection too (504). The
		// first reason is the one to report.
		select {
		case first := <-l.channelClosed:
			if first != nil {
				why = first
			}
		default:
		}
	}
	switch err := l.writeErr.Load(); {
	case why == nil:
		l.Fail(errors.New("the connection was closed"))
	case err != nil && !why.Server:
		l.Fail(*err)
	default:
		l.Fail(why)
	}
}

// writeFailed ends the connection after a failed write. If the broker closed it, its reason is still to be
// read, and the better one.
func (l *Link) writeFailed(err error) {
	l.writeErr.Store(&err)
	l.Cut()
}

// Close closes the channel and the connection, so that the broker handles everything written before. After
// the timeout it cuts the socket, with 0 at once. When it returns, amqp091-go and the Handler are done with
// the connection.
func (l *Link) Close(timeout time.Duration) {
	l.Fail(net.ErrClosed)
	conn := l.conn.Load()
	if conn != nil && timeout > 0 {
		// CloseDeadline is no bound: the next frame replaces its deadline.
		stop := time.AfterFunc(timeout, l.Cut)
		if l.Channel != nil {
			l.Channel.Close() //nolint:errcheck // it is closed either way
		}
		conn.Close() //nolint:errcheck // likewise
		stop.Stop()
	}
	if l.stream == nil {
		return
	}
	l.Cut()
	if conn != nil {
		for range l.connClosed { // until amqp091-go is done
		}
	}
	l.stream.stop()
	l.writer.stop()
}

// Cut closes the socket, like a network failure. amqp091-go notices by itself, unless its reader blocks on
// an answer that nobody asked for. A failed write wakes it, so Cut opens a channel.
func (l *Link) Cut() {
	l.stream.Close()
	if conn := l.conn.Load(); conn != nil {
		conn.Channel() //nolint:errcheck // it fails
	}
}

// New returns a Link that writes to conn and reads nothing, for tests of other packages.
func New(conn net.Conn) *Link {
	l := &Link{done: make(chan struct{})}
	l.stream = newStream(conn, conn, nil, &l.writer, l.Fail)
	l.writer.start(conn, l.Fail, func() {})
	return l
}
