package amqprpc

import (
	"fmt"
	"runtime"
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
type ackOrder struct {
	upTo    uint64            // every tag up to this one is settled
	settled map[uint64]uint64 // tags above upTo that are; the value is the number of their batch
	batch   uint64
}

func (o *ackOrder) settle(batch []settlement, ch acknowledger) {
	if o.settled == nil {
		o.settled = make(map[uint64]uint64)
	}
	o.batch++
	for _, s := range batch {
		number := uint64(0) // of no batch: it needs no ack any more
		switch s.verdict {
		case refuse:
			ch.Reject(s.tag, false)
		case requeue:
			ch.Nack(s.tag, false, true)
		default:
			number = o.batch
		}
		o.settled[s.tag] = number
	}
	// The tag of a multiple ack must itself be unacked, so it is the last one of this
	// batch, not the last one that is settled.
	last := uint64(0)
	for {
		number, ok := o.settled[o.upTo+1]
		if !ok {
			break
		}
		o.upTo++
		delete(o.settled, o.upTo)
		if number == o.batch {
			last = o.upTo
		}
	}
	if last > 0 {
		ch.Ack(last, true)
	}
	for _, s := range batch {
		if s.verdict == accept && s.tag > o.upTo {
			ch.Ack(s.tag, false)
		}
	}
}
