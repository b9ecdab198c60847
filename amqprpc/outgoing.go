package amqprpc

import (
	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// An outgoing holds frames to be written, gathered so that many become one system call. It
// is for one goroutine.
type outgoing struct {
	to  *stream
	max uint32 // the largest frame that the broker takes
	buf []byte
	prp []byte // reused
}

// full says that it is time to write.
func (o *outgoing) full() bool { return len(o.buf) >= 64<<10 }

// publish adds a basic.publish. The error is for values that AMQP cannot carry.
func (o *outgoing) publish(exchange, key string, mandatory bool, p *amqp.Publishing) error {
	var err error
	if o.prp, err = wire.AppendProperties(o.prp[:0], p); err != nil {
		return err
	}
	o.buf = wire.AppendPublish(o.buf, callChannel, exchange, key, mandatory)
	o.buf = wire.AppendContent(o.buf, callChannel, wire.ClassBasic, o.prp, p.Body, o.max)
	return nil
}

// Ack, Nack and Reject add what they are named after.
func (o *outgoing) Ack(tag uint64, multiple bool) {
	o.buf = wire.AppendAck(o.buf, callChannel, tag, multiple)
}

func (o *outgoing) Nack(tag uint64, multiple, requeue bool) {
	o.buf = wire.AppendMethod(o.buf, callChannel, &wire.BasicNack{DeliveryTag: tag, Multiple: multiple, Requeue: requeue})
}

func (o *outgoing) Reject(tag uint64, requeue bool) {
	o.buf = wire.AppendMethod(o.buf, callChannel, &wire.BasicReject{DeliveryTag: tag, Requeue: requeue})
}

// flush writes what was added. It blocks while the broker does not read.
func (o *outgoing) flush() error {
	if len(o.buf) == 0 {
		return nil
	}
	_, err := o.to.Write(o.buf)
	if o.buf = o.buf[:0]; cap(o.buf) > 256<<10 {
		o.buf = nil // one large body is no reason to keep its room for ever
	}
	return err
}
