package amqprpc

import (
	"fmt"
	"runtime"
	"slices"
)

// verdict is what becomes of a delivery.
type verdict uint8

const (
	accept  verdict = iota // ack
	refuse                 // reject, never to be seen again (or dead-lettered)
	requeue                // nack, to be delivered again
)

// A settlement is the verdict on one delivery.
type settlement struct {
	tag uint64
	verdict
}

// ack settles deliveries: the one goroutine that writes to the consuming channel.
func (ss *session) ack() {
	out := outgoing{to: ss.consumer.wire}
	var batch []settlement
	var order ackOrder
	var settled int64
	for {
		select {
		case <-ss.acks.wake:
		case <-ss.over:
			return
		}
		runtime.Gosched() // see epoch.publish
		batch = ss.acks.take(batch)
		if ss.sub.IsClosed() {
			continue // why, lost is about to learn
		}
		order.settle(batch, &out)
		if err := out.flush(); err != nil {
			ss.end(fmt.Errorf("ack: %w", err))
			return
		}
		settled += int64(len(batch))
		if ss.allTaken.Load() && settled == ss.taken.Load() {
			close(ss.drained)
			return
		}
	}
}

// acknowledger is what ackOrder needs of an outgoing.
type acknowledger interface {
	Ack(tag uint64, multiple bool)
	Nack(tag uint64, multiple, requeue bool)
	Reject(tag uint64, requeue bool)
}

// ackOrder turns acks of single deliveries into acks of all up to one
// (basic.ack's "multiple"), as far as they were settled in the order of delivery.
// Delivery tags count from 1 on each channel.
//
// What it remembers grows with the requests that are not settled, and not with those that are:
// one that takes hours may lie below a million others.
type ackOrder struct {
	settled []run // in order, with tags between them that are not; the first begins with tag 0
}

// A run is tags without a gap.
type run struct{ first, last uint64 }

// add enters that a tag is settled.
func (o *ackOrder) add(tag uint64) {
	if len(o.settled) == 0 {
		o.settled = append(o.settled, run{})
	}
	i, _ := slices.BinarySearchFunc(o.settled, tag, func(r run, tag uint64) int {
		if r.last+1 < tag {
			return -1
		}
		return 1 // the tag is in this run, or next to it, or before it
	})
	if i == len(o.settled) || tag+1 < o.settled[i].first {
		o.settled = slices.Insert(o.settled, i, run{tag, tag})
		return
	}
	r := &o.settled[i]
	r.first, r.last = min(r.first, tag), max(r.last, tag)
	if i+1 < len(o.settled) && o.settled[i+1].first == r.last+1 {
		r.last = o.settled[i+1].last
		o.settled = slices.Delete(o.settled, i+1, i+2)
	}
}

func (o *ackOrder) settle(batch []settlement, ch acknowledger) {
	for _, s := range batch {
		switch s.verdict {
		case refuse:
			ch.Reject(s.tag, false)
		case requeue:
			ch.Nack(s.tag, false, true)
		}
		o.add(s.tag)
	}
	if len(batch) == 0 {
		return
	}
	// The tag of a multiple ack must itself be unacked, so it is the last one of this
	// batch, not the last one that is settled.
	upTo, last := o.settled[0].last, uint64(0)
	for _, s := range batch {
		if s.verdict == accept && s.tag <= upTo {
			last = max(last, s.tag)
		}
	}
	if last > 0 {
		ch.Ack(last, true)
	}
	for _, s := range batch {
		if s.verdict == accept && s.tag > upTo {
			ch.Ack(s.tag, false)
		}
	}
}
