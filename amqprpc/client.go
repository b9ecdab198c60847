package amqprpc

import (
	"context"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// Config says how a [Client] works. The zero value is useful: it connects to
// [DefaultURL], and every request names its queue.
type Config struct {
	Broker

	// Queue is where requests go that name no queue themselves (see [CheckQueueName]).
	Queue string
	// Timeout is the deadline of calls whose context has none. Default 30 s.
	Timeout time.Duration
	// MaxInFlight bounds the calls in flight and, with them, the client's memory.
	// A call beyond it waits for room, or fails where FailWhenFull is set. Default
	// 16,384.
	MaxInFlight  int
	FailWhenFull bool

	// Retry sends requests again that came to nothing. By default none is.
	Retry Retry
	// Backoff is how a lost connection is tried for again. One that lived for more than a second
	// is tried for at once, and the waits begin anew; not so where the user lacks a
	// permission ([*PermissionError]), which costs one connection after the other.
	Backoff Backoff

	// Remember and RememberFor bound the memory of ended calls, by which duplicate
	// and late replies are told from unknown ones. A reply to a call that has been
	// forgotten is unknown. Defaults 100,000 calls (about 20 MB once full) and 10
	// minutes; a negative Remember means none.
	Remember    int
	RememberFor time.Duration

	// NoConfirms and NoMandatory publish without publisher confirms and without the
	// mandatory flag. Without mandatory, a missing queue is noticed only by the
	// call's deadline.
	NoConfirms  bool
	NoMandatory bool

	// Observer is told of everything; may be nil.
	Observer Observer
}

// Retry says when a request is sent again, under the same correlation ID and
// within the call's deadline: always where it was provably not executed (the
// broker returned it), and after a lost connection or a nack only where
// [Request.Idempotent] is set, because a server may have executed it: a nack does not say
// that nobody has. Calls that
// wait for a connection are not retries: they have not been sent yet. With retries
// on, a missing queue is no longer an error at once.
type Retry struct {
	// Attempts is how often a request may be sent altogether. 0 or 1 means no
	// retry; a negative number means until the deadline.
	Attempts int
	// Backoff is the wait before a retry while connected. After a lost connection
	// the wait is for the connection alone.
	Backoff Backoff
}

// Backoff is exponential, with half of each wait left to chance (jitter): the first is from
// First/2 to First, each further one of twice that, up to Most. A Most below First counts as First.
type Backoff struct {
	First time.Duration // default 100 ms
	Most  time.Duration // default 10 s
}

func (b Backoff) orDefaults() Backoff {
	if b.First <= 0 {
		b.First = 100 * time.Millisecond
	}
	if b.Most <= 0 {
		b.Most = 10 * time.Second
	}
	b.Most = max(b.First, b.Most)
	return b
}

func (c *Config) setDefaults() error {
	if err := c.Broker.setDefaults(); err != nil {
		return err
	}
	switch {
	case c.Timeout < 0:
		return fmt.Errorf("%w: a negative timeout", ErrInvalidConfig)
	case c.MaxInFlight < 0:
		return fmt.Errorf("%w: a negative MaxInFlight", ErrInvalidConfig)
	case c.Queue != "":
		if err := CheckQueueName(c.Queue); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalidConfig, err)
		}
	}
	if c.Timeout == 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxInFlight == 0 {
		c.MaxInFlight = 16384
	}
	if c.Remember == 0 {
		c.Remember = 100_000
	}
	if c.RememberFor == 0 {
		c.RememberFor = 10 * time.Minute
	}
	c.Backoff = c.Backoff.orDefaults()
	c.Retry.Backoff = c.Retry.Backoff.orDefaults()
	return nil
}

// A Client makes calls through one exclusive callback queue. All its methods may
// be called from any number of goroutines.
type Client struct {
	cfg    Config
	ctx    context.Context // ends when the client is closed
	cancel context.CancelFunc
	done   chan struct{} // closed when the last goroutine of the client is gone
	room   chan struct{} // holds a token for each call in flight

	mu        sync.Mutex // guards what follows and the calls' own state
	calls     map[string]*Call
	ended     *memory[string, ending]
	deadlines deadlines
	alarm     *time.Timer // fires at the earliest deadline
	outbox    outbox      // calls to publish, in order
	epoch     *epoch      // nil while disconnected
	epochs    int
	refusals  refusals
	closed    bool

	turn int // of which URL it is to be tried first; used by one connect at a time
}

// ending is what is remembered of an ended call.
type ending struct {
	outcome Outcome
	server  string // who answered
	// overdue is how long after its deadline a call was ended as Timeout: long where the
	// process was suspended. It is kept apart from the time of the end, by which the
	// memory is ordered, and as a duration, which no jump of the wall clock changes.
	overdue time.Duration
}

// Dial connects to the first broker of cfg.URLs that answers and opens the
// callback queue. It blocks until that is done or failed, at most
// cfg.DialTimeout for each URL; ctx bounds this alone, not the client's life.
//
// Errors wrap [ErrInvalidConfig], or are (joined) [*DialError]s. After Dial has
// succeeded the client stays connected by itself until [Client.Close].
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	if err := cfg.setDefaults(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg:   cfg,
		done:  make(chan struct{}),
		room:  make(chan struct{}, cfg.MaxInFlight),
		calls: make(map[string]*Call),
		ended: newMemory[string, ending](cfg.Remember, cfg.RememberFor),
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	c.alarm = time.AfterFunc(time.Hour, c.expire)
	first, err := c.connect(ctx)
	if err != nil {
		c.cancel()
		c.alarm.Stop()
		return nil, err
	}
	c.mu.Lock()
	c.begin(first)
	c.mu.Unlock()
	go c.stayConnected(first)
	return c, nil
}

// Close ends all calls in flight with [ErrClosed], closes the connections, and
// waits, a few seconds at most, until no goroutine of the client is left. Calls
// made later fail at once. Later Closes do nothing and return nil.
func (c *Client) Close() error {
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		now := time.Now()
		for _, call := range c.calls {
			c.fail(call, now, Closed, nil)
		}
		c.alarm.Stop()
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

// CallbackQueue returns the name of the callback queue, or "" while disconnected.
// It changes with every reconnect.
func (c *Client) CallbackQueue() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == nil {
		return ""
	}
	return c.epoch.info.Queue
}

// Connection describes the connections now open; ok is false while disconnected.
func (c *Client) Connection() (info ConnectionInfo, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch == nil {
		return ConnectionInfo{}, false
	}
	return c.epoch.info, true
}

// DropConnection cuts the sockets, as a failing network does: calls in flight fail
// with [ErrConnectionLost] or are retried, and the client reconnects. It is for
// trying out what happens. It does nothing while disconnected.
func (c *Client) DropConnection() {
	c.mu.Lock()
	e := c.epoch
	c.mu.Unlock()
	if e != nil {
		e.publisher.wire.Close()
		e.consumer.wire.Close()
	}
}

// QueueStats is what a broker tells of a queue.
type QueueStats struct {
	Ready     int // messages waiting, without those delivered and not yet acked
	Consumers int
}

// QueueStats asks the broker about a queue (a passive declare). It blocks for one
// round trip, at most until ctx ends; the first one after a connect opens a connection for the
// questions, so that none of them can harm a call. A queue that does not exist is
// [ErrUnroutable], one that belongs to another connection [ErrExclusive], one that cannot exist
// [ErrInvalidRequest]; while disconnected the error is [ErrConnectionLost], after Close
// [ErrClosed]. Any other error means that the broker could not be asked: nothing is known of the
// queue.
func (c *Client) QueueStats(ctx context.Context, queue string) (QueueStats, error) {
	if err := CheckQueueName(queue); err != nil {
		return QueueStats{}, fmt.Errorf("%w: %w", ErrInvalidRequest, err)
	}
	c.mu.Lock()
	e, closed := c.epoch, c.closed
	c.mu.Unlock()
	switch {
	case closed:
		return QueueStats{}, ErrClosed
	case e == nil:
		return QueueStats{}, ErrConnectionLost
	}
	type answer struct {
		QueueStats
		err error
	}
	select {
	case e.looks.turn <- struct{}{}:
	case <-ctx.Done():
		return QueueStats{}, ctx.Err()
	case <-e.over:
		return QueueStats{}, ErrConnectionLost
	}
	// amqp091-go's requests take no context: one that never gets its answer ends
	// with the connection.
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-e.looks.turn }()
		stats, err := e.inspect(queue)
		if err != nil && e.isOver() {
			err = fmt.Errorf("%w: %w", ErrConnectionLost, err)
		}
		answered <- answer{stats, err}
	}()
	select {
	case a := <-answered:
		return a.QueueStats, a.err
	case <-ctx.Done():
		return QueueStats{}, ctx.Err()
	}
}

// observe tells the observer. c.mu is held.
func (c *Client) observe(e Event) {
	if c.cfg.Observer != nil {
		c.cfg.Observer.Observe(e)
	}
}

func isNotFound(err error) bool {
	e, ok := err.(*amqp.Error)
	return ok && e.Code == amqp.NotFound
}
