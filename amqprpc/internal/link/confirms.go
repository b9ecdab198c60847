package link

import "github.com/gammazero/deque"

// Confirms matches the broker's confirms with publishes: in confirm mode both sides number the
// publishes of a channel from 1 (RabbitMQ's "Publisher Confirms"). Its owner locks it.
//
// RabbitMQ sends a return before the confirm of the same publish.
type Confirms[T any] struct {
	waiting deque.Deque[publish[T]] // by tag, without gaps
	before  uint64                  // publishes before the first that waits
}

type publish[T any] struct {
	of        T
	confirmed bool // out of order: an earlier one is not
}

// Add adds the next publish.
func (c *Confirms[T]) Add(of T) { c.waiting.PushBack(publish[T]{of: of}) }

// Len returns the number of publishes that wait for their own confirm or for an earlier one.
func (c *Confirms[T]) Len() int { return c.waiting.Len() }

// Confirm calls f for each publish that a confirm covers: its tag, or all tags up to it (0: all tags). It
// ignores tags that do not wait for a confirm.
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
