package broker

import (
	"fmt"
	"reflect"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

const expiresArgument = "x-expires"

// A lease deletes a queue that has not been used for some time (x-expires). Consuming and getting are uses, and, as
// in RabbitMQ, declaring a classic queue again. Publishing is not.
type lease struct {
	time  time.Duration // 0: forever
	ends  time.Time
	timer *time.Timer
}

// leaseTime parses x-expires in a declaration.
func leaseTime(m *wire.QueueDeclare) (time.Duration, *wire.Error) {
	value, given := m.Arguments[expiresArgument]
	if !given {
		return 0, nil
	}
	var ms int64
	fault := ""
	switch v := reflect.ValueOf(value); {
	case v.CanInt():
		ms = v.Int()
	case v.CanUint():
		ms = int64(v.Uint()) // at most 32 bits on the wire
	default:
		fault = fmt.Sprintf("\"expected integer, got %T\"", value)
	}
	switch {
	case fault != "":
	case ms == 0:
		fault = "{value_zero,0}"
	case ms < 0:
		fault = fmt.Sprintf("{value_negative,%d}", ms)
	case ms > maxExpiration.Milliseconds():
		fault = fmt.Sprintf("{value_too_large,%d}", ms)
	default:
		return time.Duration(ms) * time.Millisecond, nil
	}
	return 0, wire.Errorf(wire.PreconditionFailed, "invalid arg '%s' for queue '%s' in vhost '/': %s", expiresArgument, printable(m.Queue), fault)
}

// leaseText formats a lease for an error, as RabbitMQ does.
func leaseText(d time.Duration) string {
	if d == 0 {
		return "none"
	}
	return fmt.Sprintf("the value '%d' of type 'signedint'", d.Milliseconds())
}

// renewLease starts the lease anew. It needs the broker's lock.
func (q *queue) renewLease() {
	l := &q.lease
	if l.time == 0 || q.deleted {
		return
	}
	l.ends = time.Now().Add(l.time)
	if l.timer == nil {
		l.timer = time.AfterFunc(l.time, q.endLease)
	} else {
		l.timer.Reset(l.time)
	}
}

// endLease deletes the queue if its lease has ended. The caller must not hold the lock.
func (q *queue) endLease() {
	q.b.gate.wait()
	q.b.lock()
	defer q.b.unlock()
	// The end of the last consumer, or a restart, renews the lease.
	if len(q.consumers) == 0 && q.b.run != nil && !time.Now().Before(q.lease.ends) {
		q.delete()
	}
}
