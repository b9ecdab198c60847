package amqprpc

import (
	"fmt"
	"runtime"
	"time"
)

// verdict is what becomes of a delivery.
type verdict uint8

const (
	accept  verdict = iota // ack
	refuse                 // reject, never to be seen again (or dead-lettered)
	requeue                // nack, to be delivered again

	// requeueTogether is requeue, with one nack for many once nothing before them is open.
	requeueTogether
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
	var late <-chan time.Time // for those that wait to be given back together
	for {
		apart := false
		select {
		case <-ss.acks.wake:
		case <-late:
			apart = true
		case <-ss.over:
			return
		}
		runtime.Gosched() // see epoch.publish
		batch = ss.acks.take(batch)
		if ss.sub.IsClosed() {
			continue // why, lost is about to learn
		}
		order.settle(batch, &out)
		switch {
		case apart:
			order.requeueApart(&out)
		case late == nil && len(order.together) > 0:
			late = time.After(giveBackWait)
		}
		if err := out.flush(); err != nil {
			ss.end(fmt.Errorf("ack: %w", err))
			return
		}
		settled += int64(len(batch))
		if ss.allTaken.Load() && settled == ss.taken.Load() && len(order.together) == 0 {
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
	// together are tags above upTo that wait to be given back, in order.
	together []uint64
}

func (o *ackOrder) settle(batch []settlement, ch acknowledger) {
	if o.settled == nil {
		o.settled = make(map[uint64]uint64)
	}
	o.batch++
	for _, s := range batch {
		number := uint64(0) // of no batch: it needs no ack any more
		switch s.verdict {
		case requeueTogether:
			o.together = append(o.together, s.tag)
			continue
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
	o.requeueTogether(ch)
}

// requeueTogether gives back with one nack those before which nothing is open.
func (o *ackOrder) requeueTogether(ch acknowledger) {
	last := uint64(0)
	for {
		if len(o.together) > 0 && o.together[0] == o.upTo+1 {
			o.together = o.together[1:]
			last = o.upTo + 1
		} else if _, ok := o.settled[o.upTo+1]; ok && last > 0 {
			delete(o.settled, o.upTo+1)
		} else {
			break
		}
		o.upTo++
	}
	if last > 0 {
		ch.Nack(last, true, true)
	}
}

// requeueApart gives back one by one those that have waited for long enough.
func (o *ackOrder) requeueApart(ch acknowledger) {
	for _, tag := range o.together {
		ch.Nack(tag, false, true)
		o.settled[tag] = 0
	}
	o.together = nil
	o.settle(nil, ch)
}
