package amqprpc

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Config configures a [Client]. The zero value is useful: it connects to [DefaultURL], and every request names its
// queue.
type Config struct {
	ConnConfig

	Queue   string        // the destination of requests that name none (see [CheckQueueName])
	ReplyTo ReplyTo       // default ReplyToExclusive
	Timeout time.Duration // the deadline of calls whose context has none; default 30 s
	// MaxInFlight bounds the calls in flight and, with them, the client's memory. A call beyond it waits for room,
	// or fails if FailWhenFull is set. Default 16,384.
	MaxInFlight  int
	FailWhenFull bool

	Retry Retry // default none
	// Backoff controls the delay between reconnect attempts. After a connection that lived for more than a second
	// there is none, and the delays start over, unless the user lacks a permission ([*PermissionError]), which
	// costs one connection after the other.
	Backoff Backoff

	// Remember and RememberFor bound the memory of ended calls, which tells duplicate and late replies from unknown
	// ones. Defaults 100,000 calls (about 20 MB once full) and 10 minutes; a negative Remember means none.
	Remember    int
	RememberFor time.Duration

	// NoConfirms and NoMandatory publish without publisher confirms and without the mandatory flag. Without
	// mandatory, a call to a missing queue fails only at its deadline.
	NoConfirms  bool
	NoMandatory bool

	Observer Observer // may be nil
}

// ReplyTo is how replies come back to a client.
type ReplyTo uint8

const (
	ReplyToExclusive ReplyTo = iota // a server-named exclusive queue for each connection
	// ReplyToDirect is RabbitMQ's direct reply-to (amq.rabbitmq.reply-to), without a queue. As with the queue, a
	// reply that comes while the client is disconnected is lost. Its server does not learn that.
	ReplyToDirect
)

func (c *Config) setDefaults() error {
	if err := c.ConnConfig.setDefaults(); err != nil {
		return err
	}
	switch {
	case c.ReplyTo > ReplyToDirect:
		return fmt.Errorf("%w: unknown ReplyTo %d", ErrInvalidConfig, c.ReplyTo)
	case c.Timeout < 0:
		return fmt.Errorf("%w: a negative timeout", ErrInvalidConfig)
	case c.MaxInFlight < 0:
		return fmt.Errorf("%w: a negative MaxInFlight", ErrInvalidConfig)
	case c.Queue != "":
		if err := CheckQueueName(c.Queue); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidConfig, err)
		}
	}
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 16384)
	c.Remember = cmp.Or(c.Remember, 100_000)
	c.RememberFor = cmp.Or(c.RememberFor, 10*time.Minute)
	return nil
}

// A Client makes calls through one exclusive callback queue. Its methods may be called from any goroutine.
type Client struct {
	cfg    Config
	ctx    context.Context // ends when the client is closed
	cancel context.CancelFunc
	done   chan struct{} // closed when the last goroutine of the client is gone
	room   chan struct{} // holds a token for each call in flight

	// maxMessage is MaxMessage, or the broker's own limit once it is known to be lower.
	maxMessage atomic.Int64

	mu       sync.Mutex // guards what follows and the calls' own state
	calls    map[string]*Call
	ended    *memory[string, ending]
	due      dueTimes
	timer    *time.Timer    // fires at the earliest due time
	outbox   outbox         // queued calls, in order
	session  *clientSession // nil while disconnected
	sessions int
	refusals refusals
	closed   bool

	nextURL int // the index of the URL to try first; used by one connect at a time
}

// An ending is the memory of an ended call.
type ending struct {
	outcome Outcome
	server  string // who answered
	// overdue is how long after its deadline a call was ended as Timeout: long if the process was suspended. It is
	// a duration, which no jump of the wall clock changes.
	overdue time.Duration
}

// Dial connects to the first broker of cfg.URLs that answers and opens the callback queue. It blocks until that is
// done or failed, at most cfg.DialTimeout for each URL; ctx bounds only this. The client then reconnects by itself
// until [Client.Close].
//
// Errors wrap [ErrInvalidConfig], or are (joined) [*DialError]s.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	c := newClient(cfg)
	first, err := c.connect(ctx)
	if err != nil {
		c.cancel()
		c.timer.Stop()
		return nil, err
	}
	c.mu.Lock()
	c.begin(first)
	c.mu.Unlock()
	go c.stayConnected(first)
	return c, nil
}

// newClient returns a client without a connection. cfg is complete.
func newClient(cfg Config) *Client {
	c := &Client{
		cfg:   cfg,
		done:  make(chan struct{}),
		room:  make(chan struct{}, cfg.MaxInFlight),
		calls: make(map[string]*Call),
		ended: newMemory[string, ending](cfg.Remember, cfg.RememberFor),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.maxMessage.Store(int64(cfg.MaxMessage))
	c.timer = time.AfterFunc(time.Hour, c.handleDue)
	return c
}

// Close ends all calls in flight with [ErrClosed], closes the connection, and waits, a few seconds at most, until
// no goroutine of the client is left. Later calls fail at once. Later Closes do nothing and return nil.
func (c *Client) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		now := time.Now()
		for _, call := range c.calls {
			c.fail(call, now, Closed, nil)
		}
		c.timer.Stop()
		c.cancel()
	}
	c.mu.Unlock()
	<-c.done
	return nil
}

// InFlight returns how many calls are in flight.
func (c *Client) InFlight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls)
}

// Connection describes the connection; ok is false while disconnected. The name of the callback queue changes with
// every reconnect.
func (c *Client) Connection() (info ConnectionInfo, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.session == nil {
		return ConnectionInfo{}, false
	}
	return c.session.info, true
}

// DropConnection cuts the socket, as a failing network does, to try out the consequences: calls in flight fail with
// [ErrConnectionLost] or are retried, and the client reconnects. It does nothing while disconnected.
func (c *Client) DropConnection() {
	c.mu.Lock()
	s := c.session
	c.mu.Unlock()
	if s != nil {
		s.Cut()
	}
}

// observe tells the observer. c.mu is held.
func (c *Client) observe(e Event) {
	if c.cfg.Observer != nil {
		c.cfg.Observer.Observe(e)
	}
}
