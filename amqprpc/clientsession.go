package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/link"
)

// A clientSession is a client's time on one connection, with one callback queue. It is the handler of
// its link: the link's goroutines call its exported methods.
type clientSession struct {
	*link.Link
	client *Client
	number int // 1 for the client's first
	info   ConnectionInfo

	// Guarded by client.mu.
	begun    bool
	early    []Message // replies that came before it had begun
	blocked  bool      // by an alarm
	confirms link.Confirms[attempt]
	oneWays  map[string]*oneWay // whose confirms are outstanding, by message ID
	room     chan struct{}      // closed once the connection takes a publish again; nil if nobody waits

	inspector *inspector
	wg        sync.WaitGroup // its goroutines beside the link's
}

// An attempt is one publish: of a call, or of a message of [Client.Publish].
type attempt struct {
	call    *Call
	number  int
	message *oneWay
}

// maxUnconfirmed bounds the publishes whose confirms are outstanding, and with them the memory that a
// broker can take by withholding them.
const maxUnconfirmed = 4096

// connect opens a session on the first broker that answers.
func (c *Client) connect(ctx context.Context) (*clientSession, error) {
	s := &clientSession{client: c, oneWays: make(map[string]*oneWay)}
	queue := directReplyTo
	l, info, err := c.cfg.connect(ctx, &c.turn, s, func(l *link.Link) error {
		if c.cfg.ReplyTo == ReplyToExclusive {
			q, err := l.Channel.QueueDeclare("", false, true, true, false, nil)
			if err != nil {
				return fmt.Errorf("declare the callback queue: %w", withPermission(err, "configure"))
			}
			queue = q.Name
		}
		// Replies go to s.Delivered, so nothing comes through the channel that this returns.
		if _, err := l.Channel.Consume(queue, c.cfg.ConsumerTag, true, c.cfg.ReplyTo == ReplyToExclusive, false, false, nil); err != nil {
			return fmt.Errorf("consume the callback queue: %w", withPermission(err, "read"))
		}
		if c.cfg.NoConfirms {
			return nil
		}
		if err := l.Channel.Confirm(false); err != nil {
			return fmt.Errorf("select confirms: %w", err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	s.Link, s.info = l, info
	s.info.Queue = queue
	s.inspector = newInspector(&c.cfg.ConnConfig, info.url)
	return s, nil
}

// begin makes s the client's session. c.mu is held.
func (c *Client) begin(s *clientSession) {
	c.sessions++
	s.number = c.sessions
	c.session = s
	c.refusals.restart()
	info := s.info
	c.observe(Event{Kind: EventConnected, Time: time.Now(), Epoch: s.number, Connection: &info})
	s.begun = true
	for _, m := range s.early {
		c.classify(m)
	}
	s.early = nil
	c.publishQueued().later()
}

// stayConnected runs one session after another until the client is closed.
func (c *Client) stayConnected(s *clientSession) {
	defer close(c.done)
	wait := newBackoff(c.cfg.Backoff)
	for {
		began := time.Now()
		err := c.runSession(s)
		switch denied := (*PermissionError)(nil); {
		case errors.As(err, &denied):
			if !c.pause(wait.NextBackOff(), denied) { // reconnecting will not help, so wait
				return
			}
		case time.Since(began) > time.Second:
			wait.Reset() // else a connection that dies at once would be retried without pause
		case !c.pause(wait.NextBackOff(), nil):
			return
		}
		for {
			var err error
			if s, err = c.connect(c.ctx); err == nil {
				break
			}
			if !c.pause(wait.NextBackOff(), err) {
				return
			}
		}
		c.mu.Lock()
		if c.closed {
			c.mu.Unlock()
			s.inspector.close(0)
			s.Close(0)
			return
		}
		c.begin(s)
		c.mu.Unlock()
	}
}

// pause waits before the next try to connect. It returns false if the client is
// closed.
func (c *Client) pause(d time.Duration, why error) bool {
	c.mu.Lock()
	if !c.closed {
		c.observe(Event{Kind: EventReconnecting, Time: time.Now(), Epoch: c.sessions, Delay: d, Text: errorText(why)})
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

// runSession serves a session from its beginning to its end, and returns why it ended.
func (c *Client) runSession(s *clientSession) error {
	s.wg.Go(s.Watch)
	select {
	case <-c.ctx.Done():
		s.Fail(ErrClosed)
	case <-s.Done():
	}
	err := whyLost(s.Link, s.info.Queue, &s.wg)
	learnMaxMessage(&c.maxMessage, err)

	c.mu.Lock()
	c.session = nil
	closeTimeout := 100 * time.Millisecond // perhaps only the channel has died
	now := time.Now()
	if c.closed {
		closeTimeout = time.Second
	} else {
		c.observe(Event{Kind: EventDisconnected, Time: now, Epoch: s.number, Code: brokerCode(err), Text: errorText(err)})
		for _, call := range c.calls {
			if call.state == published {
				c.lost(call, now, err)
			}
		}
	}
	s.confirms.Confirm(0, true, func(a attempt) {
		if a.message != nil {
			a.message.done <- c.lostOneWay(a.message, err)
		}
	})
	c.mu.Unlock()
	s.wg.Go(func() { s.inspector.close(closeTimeout) })
	s.Close(closeTimeout)
	s.wg.Wait()
	return err
}

// lost retries or fails a published call whose connection was lost. It is not retried if it would cost the next
// connection, too. c.mu is held.
func (c *Client) lost(call *Call, now time.Time, why error) {
	if reason, certain := c.refusedPublish(why, call.req.Exchange, len(call.req.Body)); reason != nil {
		if certain {
			call.unaccounted--
		}
		c.fail(call, now, Rejected, reason)
		return
	}
	c.retryOrFail(call, now, ConnectionLost, why, false)
}

// brokerCode is the reply code that a broker has closed a channel or connection with; 0 if
// it was not the broker.
func brokerCode(cause error) int {
	if e := (*amqp.Error)(nil); errors.As(cause, &e) && e.Server {
		return e.Code
	}
	return 0
}

// A flusher sends what was added to a link; nil does nothing.
type flusher struct{ link *link.Link }

// inline sends in the caller's goroutine. It may block for some milliseconds: no lock may be held.
func (f flusher) inline() {
	if f.link != nil {
		f.link.Flush()
	}
}

// later sends in the link's goroutine.
func (f flusher) later() {
	if f.link != nil {
		f.link.FlushLater()
	}
}

// publishQueued hands calls of the outbox to the connection, as many as it takes now. The caller must use
// the flusher. c.mu is held.
func (c *Client) publishQueued() flusher {
	s := c.session
	if s == nil {
		return flusher{}
	}
	for call := c.outbox.first; call != nil && s.ready(); call = c.outbox.first {
		c.outbox.remove(call)
		call.state = published
		now := time.Now()
		left := call.deadline.Sub(now)
		if left <= 0 {
			c.fail(call, now, Timeout, nil)
			continue
		}
		call.session, call.published = s.number, now
		call.attempts++
		p := s.publishing(call, now, left)
		exchange, key := call.req.destination()
		if err := s.Publish(exchange, key, !c.cfg.NoMandatory, &p); err != nil {
			c.fail(call, now, Rejected, fmt.Errorf("%w: %w", ErrInvalidRequest, err))
			continue
		}
		call.unaccounted++ // from here on a server may get it
		if !c.cfg.NoConfirms {
			s.confirms.Add(attempt{call: call, number: call.attempts})
		}
		if c.cfg.Observer != nil {
			m := messageFrom(exchange, key, &p)
			c.observe(Event{Kind: EventPublished, Time: now, ID: call.id, Attempt: call.attempts, Epoch: s.number, Message: &m})
		}
	}
	if s.room != nil && (s.blocked || s.ready()) {
		close(s.room)
		s.room = nil
	}
	return flusher{s.Link}
}

// ready reports whether the connection takes publishes now. If it returns false, a Blocked, Confirmed or
// Writable follows. client.mu is held.
func (s *clientSession) ready() bool {
	return !s.blocked && s.confirms.Len() < maxUnconfirmed && s.HasRoom()
}

// maxExpiration is the most that RabbitMQ takes, in ms (seven weeks).
const maxExpiration = 1<<32 - 1

func (s *clientSession) publishing(call *Call, now time.Time, left time.Duration) amqp.Publishing {
	req := &call.req
	headers := make(amqp.Table, len(req.Headers)+1)
	for k, v := range req.Headers {
		headers[k] = v
	}
	headers[HeaderRPC] = call.meta()
	left = min(left, maxExpiration*time.Millisecond)
	ms := (left + time.Millisecond - 1) / time.Millisecond // rounded up: never before the caller's own deadline
	p := amqp.Publishing{
		Headers:         headers,
		ContentType:     req.ContentType,
		ContentEncoding: req.ContentEncoding,
		Type:            req.Type,
		MessageId:       req.MessageID,
		Priority:        req.Priority,
		CorrelationId:   call.id,
		ReplyTo:         s.info.Queue,
		Expiration:      strconv.FormatInt(int64(ms), 10),
		Timestamp:       now,
		AppId:           s.client.cfg.Name,
		Body:            req.Body,
		DeliveryMode:    amqp.Transient,
	}
	if req.Persistent {
		p.DeliveryMode = amqp.Persistent
	}
	return p
}

// Delivered takes a reply off the callback queue.
func (s *clientSession) Delivered(d link.Delivery) {
	m := messageFrom(d.Exchange, d.RoutingKey, d.Properties)
	m.Redelivered = d.Redelivered
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if !s.begun {
		s.early = append(s.early, m)
		return
	}
	if c.classify(m) != Unknown {
		c.refusals.accepted()
	}
}

// Confirmed takes a publisher confirm.
func (s *clientSession) Confirmed(tag uint64, multiple, acked bool) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	now, n := time.Now(), 0
	s.confirms.Confirm(tag, multiple, func(a attempt) {
		n++
		if a.message != nil {
			s.confirmedOneWay(a.message, acked)
			return
		}
		s.confirmed(a, acked, now)
	})
	switch {
	case n == 0:
	case acked:
		c.refusals.accepted()
	case c.refusals.refused(n, now) && !s.waitsSince(c.refusals.since):
		s.Fail(fmt.Errorf("the broker has refused every request for %.0f s: connecting anew", c.refusals.bound().Seconds()))
		c.refusals.gaveUp()
	}
	c.publishQueued().later()
}

// confirmed takes the confirm of one attempt of a call. c.mu is held.
func (s *clientSession) confirmed(a attempt, acked bool, now time.Time) {
	c := s.client
	kind := EventConfirmed
	if !acked {
		kind = EventNacked
	}
	c.observe(Event{Kind: kind, Time: now, ID: a.call.id, Attempt: a.number, Epoch: s.number})
	if !acked && a.call.state == published && a.call.attempts == a.number {
		// A nack does not prove that nobody executed the request: a queue can die
		// between its delivery and its confirm.
		c.retryOrFail(a.call, now, Rejected, nil, true)
	}
}

// waitsSince reports whether a call waits that was published before t: the broker may have
// taken it, a server may be at it, and its reply would go with the connection. client.mu is held.
func (s *clientSession) waitsSince(t time.Time) bool {
	for _, call := range s.client.calls {
		if call.state == published && call.published.Before(t) {
			return true
		}
	}
	return false
}

// Returned takes a message that no queue took.
func (s *clientSession) Returned(r link.Return) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.returnedOneWay(&r) {
		return
	}
	now := time.Now()
	id := r.Properties.CorrelationId
	meta, _ := r.Properties.Headers[HeaderRPC].(string)
	c.observe(Event{Kind: EventReturned, Time: now, ID: id, Attempt: ParseMeta(meta).Attempt, Epoch: s.number, Code: r.Code, Text: r.Text})
	call := c.calls[id]
	if call == nil || call.state != published || call.meta() != meta { // of an earlier attempt, or of an earlier call of the same ID
		return
	}
	call.unaccounted--
	c.retryOrFail(call, now, Unroutable, fmt.Errorf("%d %s", r.Code, r.Text), true)
	c.publishQueued().later()
}

// Blocked is called if the broker blocks publishers, and if it unblocks them.
func (s *clientSession) Blocked(active bool, reason string) {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.blocked == active {
		return
	}
	s.blocked = active
	kind := EventUnblocked
	if active {
		kind = EventBlocked
	}
	c.observe(Event{Kind: kind, Time: time.Now(), Epoch: s.number, Text: reason})
	c.publishQueued().later()
}

// Writable is called once the connection takes more.
func (s *clientSession) Writable() {
	c := s.client
	c.mu.Lock()
	defer c.mu.Unlock()
	c.publishQueued().later()
}
