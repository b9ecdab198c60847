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

// channelNumber is the number of the channel that carries messages, the first of its connection.
const channelNumber = 1

// frameMax is the largest frame to negotiate, RabbitMQ's default.
const frameMax = 128 << 10

// A Handler takes what arrives. Its methods are called by the goroutine that reads, one at a time,
// and by Dial's own preparations at the earliest.
type Handler interface {
	// Delivered takes a message for a consumer. It keeps d.Properties.
	Delivered(d Delivery)
	// Returned takes a message that the broker could not route.
	Returned(r Return)
	// Confirmed takes a publisher confirm: acked or nacked, for this tag or for all up to it.
	Confirmed(tag uint64, multiple, acked bool)
	// Blocked is called if the broker blocks publishers (a memory or disk alarm), and if it
	// unblocks them.
	Blocked(active bool, reason string)
	// Writable is called after [Link.HasRoom] was false, once it is true again. It is called by the
	// goroutine that writes.
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

// Options say how to connect.
type Options struct {
	URL       string      // for user, password, virtual host and parameters
	Address   string      // host:port
	TLS       *tls.Config // nil for none
	Heartbeat time.Duration
	// Properties are the client properties that the broker shows to operators.
	Properties amqp.Table
	Dial       func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Link is an open connection and its channel for messages.
type Link struct {
	writer
	// Channel is for declarations, consumers and the like, and never for messages: publishes and
	// acks go through the methods of Link. One goroutine at a time may use it.
	Channel *amqp.Channel

	conn    *amqp.Connection
	opened  atomic.Bool // conn is set
	stream  *stream
	closing chan *amqp.Error
	shut    chan *amqp.Error // of the channel

	done chan struct{}
	once sync.Once
	err  error

	writeErr atomic.Pointer[error]
}

// Dial connects, opens the channel and calls prepare, which may declare and consume on it. in is
// called from before prepare returns until Close does. Every step ends with ctx; prepare need not watch
// it. The caller must Close the Link, and run [Link.Watch] in a goroutine of its own.
func Dial(ctx context.Context, o Options, in Handler, prepare func(*Link) error) (_ *Link, err error) {
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
	l.conn, err = amqp.DialConfig(o.URL, amqp.Config{
		Heartbeat: o.Heartbeat, FrameSize: frameMax, Properties: o.Properties,
		Dial: func(network, _ string) (net.Conn, error) {
			raw, err := o.Dial(ctx, network, o.Address)
			if err != nil {
				return nil, err
			}
			// What follows takes no context: a broker that does not answer is left by closing the socket.
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
			l.stream = newStream(conn, raw, in, &l.writer)
			l.writer.start(conn, l.writeFailed, in.Writable)
			return l.stream, nil
		},
	})
	if err != nil {
		if l.stream != nil {
			err = l.stream.explain(err)
		}
		l.conn = nil
		return nil, err
	}
	l.opened.Store(true)
	l.stream.established()
	l.writer.frameMax = uint32(l.conn.Config.FrameSize)
	l.closing = l.conn.NotifyClose(make(chan *amqp.Error, 1))
	if l.Channel, err = l.conn.Channel(); err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	l.shut = l.Channel.NotifyClose(make(chan *amqp.Error, 1))
	if err = prepare(l); err != nil {
		if errors.Is(err, amqp.ErrClosed) { // what the broker has closed the channel for is the better reason
			if why := <-l.shut; why != nil {
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

// ServerProperties returns what the broker says about itself.
func (l *Link) ServerProperties() amqp.Table { return l.conn.Properties }

// OpenChannel opens a further channel. It blocks for a round trip, or until the connection ends.
func (l *Link) OpenChannel() (*amqp.Channel, error) { return l.conn.Channel() }

// IsClosed reports whether the connection is closed.
func (l *Link) IsClosed() bool { return l.conn.IsClosed() }

// Done is closed when the Link has failed or is closed.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err returns the reason, after Done is closed: the broker's error is an [*amqp.Error] or a
// [*CancelError].
func (l *Link) Err() error {
	<-l.done
	return l.err
}

// Fail ends the Link for a reason. Only the first reason counts; nil is one, too.
func (l *Link) Fail(reason error) {
	l.once.Do(func() {
		l.err = reason
		close(l.done)
	})
}

// A CancelError says that the broker canceled a consumer.
type CancelError struct{ ConsumerTag string }

func (e *CancelError) Error() string {
	return fmt.Sprintf("the broker canceled the consumer %q", e.ConsumerTag)
}

// Watch waits until the connection, the channel or a consumer ends, and calls Fail with the reason.
func (l *Link) Watch() {
	var why *amqp.Error
	select {
	case <-l.done:
		return
	case consumer := <-l.stream.cancels:
		l.Fail(&CancelError{consumer})
		return
	case why = <-l.shut:
	case why = <-l.closing:
		// A publish to a channel that the broker has just closed costs the connection too (504):
		// the first reason is the one to tell.
		select {
		case first := <-l.shut:
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

// writeFailed ends the connection after a write has failed. If the broker has said why it closed the
// connection, that is still to be read, and the better reason.
func (l *Link) writeFailed(err error) {
	l.writeErr.Store(&err)
	l.Cut()
}

// Close closes the channel and the connection, in order if it can be done within the timeout, so that
// the broker handles all that was written before. With 0 it cuts the socket. It returns when
// amqp091-go and the Handler are done with the connection.
func (l *Link) Close(timeout time.Duration) {
	l.Fail(net.ErrClosed)
	if l.conn != nil && timeout > 0 {
		// CloseDeadline is no bound: the next frame that arrives replaces its deadline.
		stop := time.AfterFunc(timeout, l.Cut)
		if l.Channel != nil {
			l.Channel.Close() //nolint:errcheck // it is closed either way
		}
		l.conn.Close() //nolint:errcheck // likewise
		stop.Stop()
	}
	if l.stream == nil {
		return
	}
	l.Cut()
	if l.conn != nil {
		for range l.closing { // until amqp091-go has noticed
		}
	}
	l.stream.stop()
	l.writer.stop()
}

// Cut closes the socket, as a network does that fails. amqp091-go notices by itself, except if its
// reader waits for somebody to take an answer that nobody has asked for. A write wakes it, and to open a
// channel is one.
func (l *Link) Cut() {
	l.stream.Close()
	if l.opened.Load() {
		l.conn.Channel() //nolint:errcheck // it fails
	}
}

// New returns a Link that sends to conn and reads nothing, for tests of packages that use links.
func New(conn net.Conn) *Link {
	l := &Link{done: make(chan struct{})}
	l.stream = newStream(conn, conn, nil, &l.writer)
	l.writer.start(conn, l.Fail, func() {})
	return l
}
