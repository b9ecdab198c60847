package amqprpc

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A pair is what clients and servers both live on, from one connect to the loss
// of that connection: two connections, each with one channel. The one that
// publishes is apart from the one that consumes, because a broker under an alarm
// stops reading from publishers. When either is lost, the pair is over.
type pair struct {
	url       string
	info      ConnectionInfo
	publisher *link
	consumer  *link
	pub, sub  *amqp.Channel

	pubShut chan *amqp.Error
	subShut chan *amqp.Error

	over    chan struct{} // closed when the pair is over
	endOnce sync.Once
	cause   error
}

// connect opens a pair on the first URL that answers, trying each once, from the one whose turn
// it is. After a success it is the turn of the one after it, so that a node that hangs is
// the last to be tried again. prepare declares and consumes on the new pair; it need not watch
// the context. in is told of what comes, from before prepare returns until close does.
func (b *Broker) connect(ctx context.Context, turn *int, publishes, consumes string, confirms bool, in inbox, prepare func(*pair) error) (*pair, error) {
	var errs []error
	for i := range b.URLs {
		at := (*turn + i) % len(b.URLs)
		p, err := b.open(ctx, b.URLs[at], publishes, consumes, confirms, in, prepare)
		if err == nil {
			*turn = at + 1
			return p, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (b *Broker) open(ctx context.Context, url, publishes, consumes string, confirms bool, in inbox, prepare func(*pair) error) (_ *pair, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.DialTimeout)
	defer cancel()
	p := &pair{url: url, over: make(chan struct{})}
	if p.info.Address, err = Address(url); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			if ctx.Err() != nil {
				err = ctx.Err() // rather than "use of closed network connection"
			}
			p.close(0)
			if d := (*DialError)(nil); !errors.As(err, &d) {
				err = &DialError{Address: p.info.Address, Err: err, Connected: ctx.Err() == nil}
			}
		}
	}()
	if p.publisher, err = b.dial(ctx, url, publishes, in); err != nil {
		return nil, err
	}
	if p.consumer, err = b.dial(ctx, url, consumes, in); err != nil {
		return nil, err
	}
	p.info.Product, _ = p.publisher.Properties["product"].(string)
	p.info.Version, _ = p.publisher.Properties["version"].(string)

	// What follows takes no context: a broker that has stopped answering is left by
	// closing the sockets.
	stop := context.AfterFunc(ctx, func() {
		p.publisher.cut()
		p.consumer.cut()
	})
	defer stop()
	if p.pub, err = p.publisher.Channel(); err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	if confirms {
		if err = p.pub.Confirm(false); err != nil {
			return nil, fmt.Errorf("select confirms: %w", err)
		}
	}
	p.pubShut = p.pub.NotifyClose(make(chan *amqp.Error, 1))
	if p.sub, err = p.consumer.Channel(); err != nil {
		return nil, fmt.Errorf("open a channel: %w", err)
	}
	p.subShut = p.sub.NotifyClose(make(chan *amqp.Error, 1))
	if err = prepare(p); err != nil {
		return nil, err
	}
	return p, nil
}

// lost ends the pair when one of its halves has died. It blocks until then, or
// until something else has ended it.
func (p *pair) lost() {
	var why *amqp.Error
	select {
	case <-p.over:
		return
	case <-p.consumer.wire.cancels:
		p.end(p.canceled())
		return
	case why = <-p.pubShut:
	case why = <-p.subShut:
	case why = <-p.publisher.closing:
		// What is published to a channel that was just closed costs the connection too (504): the
		// first reason is the one to tell.
		select {
		case first := <-p.pubShut:
			if first != nil {
				why = first
			}
		default:
		}
	case why = <-p.consumer.closing:
	}
	if why != nil {
		p.end(WithPermission(withTimeout(why), "read"))
	} else {
		p.end(errors.New("the connection was closed"))
	}
}

// broken ends the pair after a write has failed. Where the broker has closed the channel
// before, why is for lost to say, which knows as soon.
func (p *pair) broken(err error) {
	if p.pub.IsClosed() {
		<-p.over
		return
	}
	p.end(err)
}

// end ends the pair; the first cause stays.
func (p *pair) end(cause error) {
	p.endOnce.Do(func() {
		p.cause = cause
		close(p.over)
	})
}

func (p *pair) isOver() bool {
	select {
	case <-p.over:
		return true
	default:
		return false
	}
}

// close closes both connections, politely if it can be done within the time, and
// returns when amqp091-go is done with them.
func (p *pair) close(polite time.Duration) {
	p.end(ErrClosed)
	var wg sync.WaitGroup
	for _, l := range []*link{p.publisher, p.consumer} {
		if l != nil {
			wg.Go(func() { l.close(polite) })
		}
	}
	wg.Wait()
}
