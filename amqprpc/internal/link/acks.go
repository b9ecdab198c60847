package link

import (
	"slices"

	"rpcscope/amqprpc/internal/wire"
)

// A settlement is how one delivery ends.
type settlement struct {
	tag uint64
	disposition
}

type disposition uint8

const (
	ack     disposition = iota
	reject              // drop or dead-letter
	requeue             // redeliver
)

// acks turns acks of single deliveries into acks of all up to a tag (basic.ack's "multiple"), as far as
// they were settled in the order of delivery. Delivery tags count from 1 on each channel.
//
// Its memory grows with the unsettled deliveries, not with the settled ones: one that takes hours may lie
// below a million others.
type acks struct {
	pending []settlement // to write
	settled []run        // in order, with unsettled tags between them; the first begins with tag 0
}

// A run is a range of settled tags.
type run struct{ first, last uint64 }

// add adds a settled tag.
func (a *acks) add(tag uint64) {
	i, _ := slices.BinarySearchFunc(a.settled, tag, func(r run, tag uint64) int {
		if r.last+1 < tag {
			return -1
		}
		return 1 // the tag is in this run, or next to it, or before it
	})
	if i == len(a.settled) || tag+1 < a.settled[i].first {
		a.settled = slices.Insert(a.settled, i, run{tag, tag})
		return
	}
	r := &a.settled[i]
	r.first, r.last = min(r.first, tag), max(r.last, tag)
	if i+1 < len(a.settled) && a.settled[i+1].first == r.last+1 {
		r.last = a.settled[i+1].last
		a.settled = slices.Delete(a.settled, i+1, i+2)
	}
}

// appendTo appends the frames of the pending settlements.
func (a *acks) appendTo(b []byte) []byte {
	if len(a.pending) == 0 {
		return b
	}
	if len(a.settled) == 0 {
		a.settled = append(a.settled, run{})
	}
	for _, s := range a.pending {
		switch s.disposition {
		case reject:
			b = wire.AppendMethod(b, channelNumber, &wire.BasicReject{DeliveryTag: s.tag})
		case requeue:
			b = wire.AppendMethod(b, channelNumber, &wire.BasicNack{DeliveryTag: s.tag, Requeue: true})
		}
		a.add(s.tag)
	}
	// The tag of a multiple ack must be unacked, so it is the last pending one, not the last settled one.
	upTo, last := a.settled[0].last, uint64(0)
	for _, s := range a.pending {
		if s.disposition == ack && s.tag <= upTo {
			last = max(last, s.tag)
		}
	}
	if last > 0 {
		b = wire.AppendAck(b, channelNumber, last, true)
	}
	for _, s := range a.pending {
		if s.disposition == ack && s.tag > upTo {
			b = wire.AppendAck(b, channelNumber, s.tag, false)
		}
	}
	a.pending = a.pending[:0]
	return b
}
