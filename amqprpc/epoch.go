package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// An epoch is a client's time on one pair of connections, with one callback queue.
type epoch struct {
	*pair
	client *Client
	number int

	wake     chan struct{} // the outbox has something, or the broker has unblocked
	confirms *confirms[attempt]

	// Guarded by client.mu.
	begun   bool
	early   []Message // replies that came before it had begun
	blocked bool
	leaving error // why no more is published and the epoch is about to end; nil while it is not
	silent  bool  // the publisher has seen that it is leaving

	looks *lookout
	wg    sync.WaitGroup
}

// attempt is one publish of one call.
type attempt struct {
	call   *Call
	number int
}

// connect opens an epoch on the first broker that answers.
func (c *Client) connect(ctx context.Context) (*epoch, error) {
	e := &epoch{
		client:   c,
		wake:     make(chan struct{}, 1),
		confirms: newConfirms[attempt](),
	}
	var err error
	e.pair, err = c.cfg.connect(ctx, &c.turn, "publish", "consume", !c.cfg.NoConfirms, e, func(p *pair) error {
		queue, err := p.sub.QueueDeclare("", false, true, true, false, nil)
		if err != nil {
			return fmt.Errorf("declare the callback queue: %w", WithPermission(err, "configure"))
		}
		p.info.Queue = queue.Name
		// Replies go to e.delivered, so nothing comes through the channel that this returns.
		if _, err = p.sub.Consume(queue.Name, c.cfg.ConsumerTag, true, true, false, false, nil); err != nil {
			return fmt.Errorf("consume the callback queue: %w", WithPermission(err, "read"))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	e.looks = newLookout(&c.cfg.Broker, e.url)
	return e, nil
}

// begin makes e the client's epoch. c.mu is held.
func (c *Client) begin(e *epoch) {
	c.epochs++
	e.number = c.epochs
	c.epoch = e
	c.refusals.anew()
	info := e.info
	c.observe(Event{Kind: EventConnected, Time: time.Now(), Epoch: e.number, Connection: &info})
	e.begun = true
	for _, m := range e.early {
		c.classify(m)
	}
	e.early = nil
	e.wakePublisher()
}

// stayConnected runs one epoch after another until the client is closed.
func (c *Client) stayConnected(e *epoch) {
	defer close(c.done)
	wait := newBackoff(c.cfg.Backoff)
	for {
		began := time.Now()
		c.runEpoch(e)
		switch denied := (*PermissionError)(nil); {
		case errors.As(e.cause, &denied):
			if !c.pause(wait.NextBackOff(), denied) { // nothing that another connection would change
				return
			}
		case time.Since(began) > time.Second:
			wait.Reset() // else a connection that dies at once would be retried without pause
		case !c.pause(wait.NextBackOff(), nil):
			return
		}
		for {
			var err error
			if e, err = c.connect(c.ctx); err == nil {
				break
			}
			if !c.pause(wait.NextBackOff(), err) {
				return
			}
		}
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			e.close(0)
			return
		}
		c.begin(e)
		c.mu.Unlock()
	}
}

// pause waits before the next try to connect. It returns false when the client is
// closed.
func (c *Client) pause(d time.Duration, why error) bool {
	c.mu.Lock()
	if !c.closed {
		c.observe(Event{Kind: EventReconnecting, Time: time.Now(), Epoch: c.epochs, Delay: d, Text: errorText(why)})
	}
	c.mu.Unlock()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// runEpoch serves an epoch from its beginning to its end.
func (c *Client) runEpoch(e *epoch) {
	e.wg.Go(e.publish)
	e.wg.Go(e.lost)
	e.watch()

	c.mu.Lock()
	c.epoch = nil
	polite := 100 * time.Millisecond // perhaps only one channel or connection of them died
	if c.closed {
		polite = time.Second
	} else {
		now := time.Now()
		c.observe(Event{Kind: EventDisconnected, Time: now, Epoch: e.number, Code: brokerCode(e.cause), Text: errorText(e.cause)})
		for _, call := range c.calls {
			if call.epoch == e.number && !call.queued && !call.waiting {
				c.again(call, now, ConnectionLost, e.cause, false)
			}
		}
	}
	c.mu.Unlock()
	e.wg.Go(func() { e.looks.close(polite) })
	e.close(polite)
	e.wg.Wait()
}

// brokerCode is the reply code that a broker has closed a channel or connection with; 0 where
// it was not the broker.
func brokerCode(cause error) int {
	if e := (*amqp.Error)(nil); errors.As(cause, &e) && e.Server {
		return e.Code
	}
	return 0
}

// watch passes on the broker's blocking until the epoch is over.
func (e *epoch) watch() {
	for {
		select {
		case <-e.client.ctx.Done():
			e.end(ErrClosed)
			return
		case <-e.over:
			return
		case b := <-e.publisher.wire.alarms:
			e.block(b)
		}
	}
}

func (e *epoch) block(b amqp.Blocking) {
	c := e.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.blocked == b.Active {
		return
	}
	e.blocked = b.Active
	kind := EventUnblocked
	if b.Active {
		kind = EventBlocked
	}
	c.observe(Event{Kind: kind, Time: time.Now(), Epoch: e.number, Text: b.Reason})
	e.wakePublisher()
}

func (e *epoch) wakePublisher() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// publish hands calls from the outbox to the broker: the one goroutine that writes to the
// publishing channel. It may be stuck in a socket write for as long as the
// broker does not read; calls end by their deadlines all the same.
//
// Before it looks at what is waiting, it yields once (runtime.Gosched): goroutines that
// are about to add to it run first. With nothing else to run that costs nothing; with 64
// calls in flight it makes a batch of one or two publishes one of eight.
func (e *epoch) publish() {
	out := outgoing{to: e.publisher.wire, max: uint32(e.publisher.Config.FrameSize)}
	for {
		select {
		case <-e.wake:
		case <-e.over:
			return
		}
		for more := true; more; {
			runtime.Gosched()
			var err error
			more, err = e.gather(&out)
			if err == nil {
				err = out.flush()
			}
			if err != nil {
				e.broken(err)
				return
			}
		}
	}
}

// gather takes calls out of the outbox, as many as one write should have, and reports
// whether there may be more.
func (e *epoch) gather(out *outgoing) (more bool, err error) {
	if e.pub.IsClosed() {
		return false, nil // why, lost is about to learn
	}
	for !out.full() {
		call, p, number := e.take()
		if call == nil {
			return false, nil
		}
		if err := out.prepare(&p); err != nil {
			e.unsendable(call, err)
			continue
		}
		if !e.client.cfg.NoConfirms {
			for !e.confirms.add(attempt{call, number}) {
				// What was gathered must go out, or its confirms would never come.
				if err := out.flush(); err != nil {
					return false, err
				}
				select {
				case <-e.confirms.room:
				case <-e.over:
					return false, nil
				}
			}
		}
		out.publish("", call.req.Queue, !e.client.cfg.NoMandatory, p.Body)
	}
	return true, nil
}

// unsendable ends a call whose request cannot be sent to this broker.
func (e *epoch) unsendable(call *Call, why error) {
	c := e.client
	c.mu.Lock()
	defer c.mu.Unlock()
	call.unaccounted--
	if call.outcome == InFlight {
		c.fail(call, time.Now(), Rejected, fmt.Errorf("%w: %w", ErrInvalidRequest, why))
	}
}

// take takes the next call out of the outbox and makes its message.
func (e *epoch) take() (*Call, amqp.Publishing, int) {
	c := e.client
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		call := c.outbox.first
		if e.leaving != nil {
			e.silent = true // all calls that were taken before are among the confirms
			e.leave()
		}
		if call == nil || e.silent || e.blocked || c.epoch != e || e.isOver() {
			return nil, amqp.Publishing{}, 0
		}
		c.outbox.remove(call)
		now := time.Now()
		left := call.deadline.Sub(now)
		if left <= 0 {
			c.fail(call, now, Timeout, nil)
			continue
		}
		call.attempts++
		call.unaccounted++ // from here on a server may get it
		call.epoch = e.number
		call.published = now
		p := e.message(call, now, left)
		if c.cfg.Observer != nil {
			m := fromPublishing("", call.req.Queue, &p)
			c.observe(Event{Kind: EventPublished, Time: now, ID: call.id, Attempt: call.attempts, Epoch: e.number, Message: &m})
		}
		return call, p, call.attempts
	}
}

// mostExpiration is what RabbitMQ takes at most (2^32-1 ms, seven weeks).
const mostExpiration = 1<<32 - 1

func (e *epoch) message(call *Call, now time.Time, left time.Duration) amqp.Publishing {
	req := &call.req
	headers := make(amqp.Table, len(req.Headers)+2)
	for k, v := range req.Headers {
		headers[k] = v
	}
	headers[HeaderDeadline] = call.deadline.UnixMicro()
	headers[HeaderAttempt] = int32(call.attempts)
	left = min(left, mostExpiration*time.Millisecond)
	ms := (left + time.Millisecond - 1) / time.Millisecond // rounded up: never before the caller's own deadline
	p := amqp.Publishing{
		Headers:       headers,
		ContentType:   req.ContentType,
		Type:          req.Type,
		Priority:      req.Priority,
		CorrelationId: call.id,
		ReplyTo:       e.info.Queue,
		Expiration:    strconv.FormatInt(int64(ms), 10),
		Timestamp:     now,
		AppId:         e.client.cfg.Name,
		Body:          req.Body,
		DeliveryMode:  amqp.Transient,
	}
	if req.Persistent {
		p.DeliveryMode = amqp.Persistent
	}
	return p
}

// delivered takes a reply off the callback queue.
func (e *epoch) delivered(_ uint64, m Message) {
	c := e.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if !e.begun {
		e.early = append(e.early, m)
		return
	}
	if class := c.classify(m); class != Unknown {
		e.accepted()
	}
}

func (e *epoch) settled(tag uint64, multiple, acked bool) {
	c := e.client
	if acked && c.cfg.Observer == nil && !c.refusals.any.Load() {
		// The common case has nothing to tell and nobody to tell it to.
		e.confirms.settle(tag, multiple, func(attempt) {})
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now, n := time.Now(), 0
	e.confirms.settle(tag, multiple, func(a attempt) {
		e.confirmed(a, acked, now)
		n++
	})
	switch {
	case n == 0:
	case acked:
		e.accepted()
	default:
		e.refused(n, now)
	}
}

// confirmed is told of the confirm of one attempt. c.mu is held.
func (e *epoch) confirmed(a attempt, acked bool, now time.Time) {
	c := e.client
	if acked {
		c.observe(Event{Kind: EventConfirmed, Time: now, ID: a.call.id, Attempt: a.number, Epoch: e.number})
		return
	}
	c.observe(Event{Kind: EventNacked, Time: now, ID: a.call.id, Attempt: a.number, Epoch: e.number})
	if a.call.outcome == InFlight && a.call.attempts == a.number && !a.call.queued && !a.call.waiting {
		// A nack does not prove that nobody executed the request: a queue can die
		// between its delivery and its confirm.
		c.again(a.call, now, Rejected, nil, true)
	}
}

func (e *epoch) returned(code int, text string, m Message) {
	c := e.client
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	number := headerAttempt(m.Headers)
	c.observe(Event{Kind: EventReturned, Time: now, ID: m.CorrelationID, Attempt: number, Epoch: e.number,
		Code: code, Text: text})
	call, ok := c.calls[m.CorrelationID]
	if !ok || call.attempts != number || call.queued || call.waiting {
		return
	}
	call.unaccounted--
	c.again(call, now, Unroutable, fmt.Errorf("%s: %d %s", call.req.Queue, code, text), true)
}

// inspect asks the broker about a queue. The caller has e.looks.turn.
func (e *epoch) inspect(queue string) (QueueStats, error) {
	if queue == e.info.Queue { // exclusive to this connection; and to ask costs no channel: it exists
		return ask(e.sub, queue)
	}
	ch, err := e.looks.channel()
	if err != nil {
		return QueueStats{}, err
	}
	return ask(ch, queue)
}
