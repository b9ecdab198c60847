package compare

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/google/uuid"
	amqp "github.com/rabbitmq/amqp091-go"
)

func servePlain(s setting) error {
	ch, requests, err := requestsOf(s, amqp.Config{})
	if err != nil {
		return err
	}
	for d := range requests {
		if err := reply(ch, d); err != nil {
			return err
		}
		if err := d.Ack(false); err != nil {
			return err
		}
	}
	return errors.New("the channel was closed")
}

// serveCoalesced acks when no request is at hand, and at the latest after 64.
func serveCoalesced(s setting) error {
	ch, requests, err := requestsOf(s, coalescing)
	if err != nil {
		return err
	}
	for {
		d, ok := <-requests
		for more, n := ok, 1; more; n++ {
			if err := reply(ch, d); err != nil {
				return err
			}
			more = false
			if n < 64 {
				select {
				case next, open := <-requests:
					if more, ok = open, open; open {
						d = next
					}
				default:
				}
			}
		}
		if !ok {
			return errors.New("the channel was closed")
		}
		if err := d.Ack(true); err != nil {
			return err
		}
	}
}

func requestsOf(s setting, cfg amqp.Config) (*amqp.Channel, <-chan amqp.Delivery, error) {
	ch, err := channelTo(s.url, cfg)
	if err != nil {
		return nil, nil, err
	}
	if err := ch.Qos(s.prefetch, 0, false); err != nil {
		return nil, nil, err
	}
	requests, err := ch.Consume(s.queue, "", false, false, false, false, nil)
	return ch, requests, err
}

func reply(ch *amqp.Channel, d amqp.Delivery) error {
	return ch.PublishWithContext(context.Background(), "", d.ReplyTo, false, false, amqp.Publishing{CorrelationId: d.CorrelationId, Body: d.Body})
}

func connectPlain(s setting) (loop, error)     { return connectLoop(s, amqp.Config{}) }
func connectCoalesced(s setting) (loop, error) { return connectLoop(s, coalescing) }

// connectLoop makes calls in one goroutine.
func connectLoop(s setting, cfg amqp.Config) (loop, error) {
	ch, err := channelTo(s.url, cfg)
	if err != nil {
		return nil, err
	}
	callback, err := ch.QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		return nil, err
	}
	replies, err := ch.Consume(callback.Name, "", true, true, false, false, nil)
	if err != nil {
		return nil, err
	}
	began := make(map[string]time.Time, s.inFlight)
	call := func(now time.Time) error {
		id := uuid.NewString()
		began[id] = now
		return ch.PublishWithContext(context.Background(), "", s.queue, false, false,
			amqp.Publishing{CorrelationId: id, ReplyTo: callback.Name, Body: body})
	}
	return func(w *watch) error {
		late := time.After(time.Until(w.until) + testTimeout)
		for range s.inFlight {
			if err := call(time.Now()); err != nil {
				return err
			}
		}
		var took []time.Duration
		for len(began) > 0 {
			select {
			case d, ok := <-replies:
				now := time.Now()
				sent, asked := began[d.CorrelationId]
				switch {
				case !ok:
					return errors.New("the channel was closed")
				case !asked:
					return fmt.Errorf("a reply to %q, which was not asked", d.CorrelationId)
				}
				delete(began, d.CorrelationId)
				took = append(took, now.Sub(sent))
				if !w.over(now) {
					if err := call(now); err != nil {
						return err
					}
				}
			case <-late:
				return fmt.Errorf("%d replies are missing", len(began))
			}
		}
		w.add(took)
		return nil
	}, nil
}

func channelTo(url string, cfg amqp.Config) (*amqp.Channel, error) {
	conn, err := amqp.DialConfig(url, cfg)
	if err != nil {
		return nil, err
	}
	return conn.Channel()
}

var coalescing = amqp.Config{Dial: func(network, address string) (net.Conn, error) {
	conn, err := amqp.DefaultDial(testTimeout)(network, address)
	if err != nil {
		return nil, err
	}
	c := &coalescer{Conn: conn, filled: make(chan struct{}, 1)}
	go c.flush()
	return c, nil
}}

// A coalescer writes in its own goroutine, which takes all that was written since its last write.
// It lives as long as the process.
type coalescer struct {
	net.Conn
	filled chan struct{} // holds one token while there may be something to write

	mu      sync.Mutex
	pending []byte
	err     error // of the last write
}

func (c *coalescer) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.pending = append(c.pending, p...)
	select {
	case c.filled <- struct{}{}:
	default:
	}
	return len(p), nil
}

func (c *coalescer) flush() {
	var spare []byte
	for range c.filled {
		c.mu.Lock()
		out := c.pending
		c.pending = spare[:0]
		c.mu.Unlock()
		if _, err := c.Conn.Write(out); err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			return
		}
		spare = out
	}
}
