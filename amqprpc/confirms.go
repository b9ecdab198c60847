package amqprpc

import (
	"sync"

	"github.com/gammazero/deque"
)

// A confirms matches the broker's confirms with what was published: in confirm mode both
// sides number a channel's publishes from 1 (RabbitMQ's "Publisher Confirms").
//
// A confirm is three-valued: acked, nacked, or never known because the connection died;
// of the last nobody is told. RabbitMQ sends a return before the confirm of the same publish.
type confirms[T any] struct {
	mu      sync.Mutex
	waiting deque.Deque[publish[T]] // by tag, without gaps
	first   uint64                  // the tag of the first that waits
	room    chan struct{}           // has a token where there may be room again
}

type publish[T any] struct {
	of      T
	settled bool // out of order: those before it are not
}

// mostUnconfirmed bounds the publishes whose confirms are outstanding, and with them the memory
// that a broker can take by withholding them.
const mostUnconfirmed = 4096

func newConfirms[T any]() *confirms[T] {
	return &confirms[T]{first: 1, room: make(chan struct{}, 1)}
}

// add adds the next publish, which must be written after that and before any other. It
// says false, and adds nothing, where too many are outstanding: room then tells when to
// try again.
func (c *confirms[T]) add(of T) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.waiting.Len() >= mostUnconfirmed {
		select {
		case <-c.room: // of earlier
		default:
		}
		return false
	}
	c.waiting.PushBack(publish[T]{of: of})
	return true
}

// instead calls what settles a publish that was not made, one at a time with settle.
func (c *confirms[T]) instead(what func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what()
}

// none says whether no confirm is outstanding.
func (c *confirms[T]) none() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting.Len() == 0
}

// settle calls settled for what a confirm is about: this tag, or all up to it (0: all there are). What is
// not outstanding, a sane broker does not confirm; it is passed over.
func (c *confirms[T]) settle(tag uint64, multiple bool, settled func(T)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.first + uint64(c.waiting.Len()) // the tag after the last one
	switch {
	case multiple && tag == 0:
		tag = last - 1
	case tag < c.first || tag >= last:
		return
	}
	from := tag
	if multiple {
		from = c.first
	}
	for ; from <= tag; from++ {
		i := int(from - c.first)
		p := c.waiting.At(i)
		if p.settled {
			continue
		}
		settled(p.of)
		c.waiting.Set(i, publish[T]{settled: true})
	}
	full := c.waiting.Len() >= mostUnconfirmed
	for c.waiting.Len() > 0 && c.waiting.Front().settled {
		c.waiting.PopFront()
		c.first++
	}
	if full && c.waiting.Len() < mostUnconfirmed {
		select {
		case c.room <- struct{}{}:
		default:
		}
	}
}
