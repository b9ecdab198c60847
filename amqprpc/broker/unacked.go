package broker

import (
	"slices"
	"sort"
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
	list []delivery // by tag; those without a message are done
	live int
}

func (u *unacked) add(d delivery) {
	// One that is never acked must not make all after it pile up.
	if len(u.list) > 64 && len(u.list) > 2*u.live {
		u.list = slices.DeleteFunc(u.list, func(d delivery) bool { return d.m == nil })
	}
	u.list = append(u.list, d)
	u.live++
}

// take removes the delivery with this tag, and says whether there was one.
func (u *unacked) take(tag uint64) (delivery, bool) {
	i := u.after(tag) - 1
	if i < 0 || u.list[i].tag != tag || u.list[i].m == nil {
		return delivery{}, false
	}
	taken := u.list[i]
	u.list[i] = delivery{tag: tag}
	u.live--
	for len(u.list) > 0 && u.list[0].m == nil {
		u.list = u.list[1:]
	}
	return taken, true
}

// takeTo removes all deliveries up to this tag, which must be one of them, and returns them in
// the order of their tags; tag 0 is all that there are, be it none.
func (u *unacked) takeTo(tag uint64) ([]delivery, bool) {
	end := len(u.list)
	if tag != 0 {
		end = u.after(tag)
		if end == 0 || u.list[end-1].tag != tag || u.list[end-1].m == nil {
			return nil, false
		}
	}
	taken := slices.DeleteFunc(slices.Clone(u.list[:end]), func(d delivery) bool { return d.m == nil })
	clear(u.list[:end])
	u.list = u.list[end:]
	u.live -= len(taken)
	return taken, true
}

// after is the index of the first delivery with a higher tag.
func (u *unacked) after(tag uint64) int {
	return sort.Search(len(u.list), func(i int) bool { return u.list[i].tag > tag })
}
