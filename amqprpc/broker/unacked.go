package broker

import (
	"sort"

	"github.com/gammazero/deque"
)

// A delivery is a message that was sent and is not acked yet.
type delivery struct {
	tag uint64
	m   *message
	q   *queue
	c   *consumer // nil: basic.get
}

// An unacked is the deliveries of a channel that are not acked yet.
type unacked struct {
	list deque.Deque[delivery] // by tag; those without a message are done
	live int
}

func (u *unacked) add(d delivery) {
	// One that is never acked must not make all after it pile up.
	if n := u.list.Len(); n > 64 && n > 2*u.live {
		for range n {
			if d := u.list.PopFront(); d.m != nil {
				u.list.PushBack(d)
			}
		}
	}
	u.list.PushBack(d)
	u.live++
}

// take removes the delivery with this tag, and says whether there was one.
func (u *unacked) take(tag uint64) (delivery, bool) {
	i := u.after(tag) - 1
	if i < 0 {
		return delivery{}, false
	}
	taken := u.list.At(i)
	if taken.tag != tag || taken.m == nil {
		return delivery{}, false
	}
	u.list.Set(i, delivery{tag: tag})
	u.live--
	for u.list.Len() > 0 && u.list.Front().m == nil {
		u.list.PopFront()
	}
	return taken, true
}

// takeTo removes all deliveries up to this tag, which must be one of them, and returns them in
// the order of their tags; tag 0 is all that there are, be it none.
func (u *unacked) takeTo(tag uint64) (taken []delivery, ok bool) {
	if tag != 0 {
		i := u.after(tag) - 1
		if i < 0 || u.list.At(i).tag != tag || u.list.At(i).m == nil {
			return nil, false
		}
	}
	for u.list.Len() > 0 && (tag == 0 || u.list.Front().tag <= tag) {
		if d := u.list.PopFront(); d.m != nil {
			taken = append(taken, d)
		}
	}
	u.live -= len(taken)
	return taken, true
}

// after is the index of the first delivery with a higher tag.
func (u *unacked) after(tag uint64) int {
	return sort.Search(u.list.Len(), func(i int) bool { return u.list.At(i).tag > tag })
}
