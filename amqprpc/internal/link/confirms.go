package link

import "github.com/gammazero/deque"

// Confirms matches the broker's confirms with publishes: in confirm mode both sides number the
// publishes of a channel from 1 (RabbitMQ's "Publisher Confirms"). Its owner locks it.
//
// A confirm has three values: acked, nacked, or never known because the connection died; nobody is told of
// the last. RabbitMQ sends a return before the confirm of the same publish.
type Confirms[T any] struct {
	waiting deque.Deque[publish[T]] // by tag, without gaps
	before  uint64                  // publishes before the first that waits
}

type publish[T any] struct {
	of        T
	confirmed bool // out of order: those before it are not
}

// Add adds the next publish.
func (c *Confirms[T]) Add(of T) { c.waiting.PushBack(publish[T]{of: of}) }

// Len returns how many publishes wait for a confirm, or for the confirm of one before them.
func (c *Confirms[T]) Len() int { return c.waiting.Len() }

// Confirm calls f for each publish that a confirm is about: this tag, or all up to it (0: all there are).
// Tags that do not wait for a confirm are ignored.
func (c *Confirms[T]) Confirm(tag uint64, multiple bool, f func(T)) {
	last := c.before + uint64(c.waiting.Len())
	switch {
	case multiple && tag == 0:
		tag = last
	case tag <= c.before || tag > last:
		return
	}
	from := tag
	if multiple {
		from = c.before + 1
	}
	for ; from <= tag; from++ {
		i := int(from - c.before - 1)
		if p := c.waiting.At(i); !p.confirmed {
			c.waiting.Set(i, publish[T]{confirmed: true})
			f(p.of)
		}
	}
	for c.waiting.Len() > 0 && c.waiting.Front().confirmed {
		c.waiting.PopFront()
		c.before++
	}
}
