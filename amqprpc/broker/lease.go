package broker

import (
	"fmt"
	"reflect"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

// expiresArgument says for how many ms a queue may go unused before it is deleted.
const expiresArgument = "x-expires"

// mostLease is the longest that RabbitMQ takes: ten years.
const mostLease = 10 * 365 * 24 * time.Hour

// A lease is the time that a queue is kept while nobody uses it. Using it is to consume from it, to get from
// it, and, as RabbitMQ has it, to declare a classic one again; what is published to it does not matter.
type lease struct {
	time  time.Duration // 0: for ever
	ends  time.Time
	timer *time.Timer
}

// leaseTime reads the argument of a declaration.
func leaseTime(m *wire.QueueDeclare) (time.Duration, *wire.Error) {
	asked, given := m.Arguments[expiresArgument]
	if !given {
		return 0, nil
	}
	invalid := func(why string) (time.Duration, *wire.Error) {
		return 0, exception(wire.PreconditionFailed, "invalid arg '%s' for queue '%s' in vhost '/': %s", expiresArgument, printable(m.Queue), why)
	}
	ms, ok := integer(asked)
	switch {
	case !ok:
		return invalid(fmt.Sprintf("\"expected integer, got %T\"", asked))
	case ms == 0:
		return invalid("{value_zero,0}")
	case ms < 0:
		return invalid(fmt.Sprintf("{value_negative,%d}", ms))
	case ms > mostLease.Milliseconds():
		return invalid(fmt.Sprintf("{value_too_large,%d}", ms))
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// integer is the value of a field that is one, of whatever size.
func integer(field any) (int64, bool) {
	v := reflect.ValueOf(field)
	switch {
	case v.CanInt():
		return v.Int(), true
	case v.CanUint():
		return int64(v.Uint()), true // of 32 bits at most on the wire
	}
	return 0, false
}

// leased is a lease as errors name it.
func leased(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return fmt.Sprintf("the value '%d' of type 'signedint'", d.Milliseconds())
}

// used begins the lease anew. Like all that follows it needs the broker's lock.
func (q *queue) used() {
	l := &q.lease
	if l.time == 0 || q.deleted {
		return
	}
	l.ends = time.Now().Add(l.time)
	if l.timer == nil {
		l.timer = time.AfterFunc(l.time, q.leaseDue)
	} else {
		l.timer.Reset(l.time)
	}
}

// leaseDue is called without the lock when the lease may have ended.
func (q *queue) leaseDue() {
	q.b.gate.wait()
	q.b.lock()
	defer q.b.unlock()
	switch {
	case q.deleted || len(q.consumers) > 0 || q.b.up == nil: // it begins anew when they have gone, or with the restart
	case time.Now().Before(q.lease.ends):
		q.lease.timer.Reset(time.Until(q.lease.ends))
	default:
		q.delete()
	}
}
