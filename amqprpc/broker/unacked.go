package broker

import (
	"cmp"
	"slices"
)

// A delivery is a message that was delivered and is not acked.
type delivery struct {
	tag uint64
	m   *message
	q   *queue
	c   *consumer // nil for basic.get
}

// An unacked holds the deliveries of a channel that are not acked, in the order of their tags.
type unacked []delivery

func (u *unacked) add(d delivery) { *u = append(*u, d) }

func (u unacked) find(tag uint64) (i int, ok bool) {
	return slices.BinarySearchFunc(u, tag, func(d delivery, tag uint64) int { return cmp.Compare(d.tag, tag) })
}

// take removes and returns the delivery with this tag.
func (u *unacked) take(tag uint64) (d delivery, ok bool) {
	i, ok := u.find(tag)
	if !ok {
		return d, false
	}
	d = (*u)[i]
	if i == 0 { // most acks are in order, and Delete would move all others
		(*u)[0] = delivery{}
		*u = (*u)[1:]
	} else {
		*u = slices.Delete(*u, i, i+1)
	}
	return d, true
}

// takeTo removes and returns the deliveries up to this tag, which must be one of them. Tag 0 stands for all.
func (u *unacked) takeTo(tag uint64) (taken []delivery, ok bool) {
	if tag == 0 {
		return u.takeAll(), true
	}
	i, ok := u.find(tag)
	if !ok {
		return nil, false
	}
	taken = slices.Clone((*u)[:i+1])
	clear((*u)[:i+1])
	*u = (*u)[i+1:]
	return taken, true
}

// takeAll removes and returns all deliveries.
func (u *unacked) takeAll() []delivery {
	all := *u
	*u = nil
	return all
}
