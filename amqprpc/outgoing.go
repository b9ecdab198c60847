package amqprpc

import (
	"fmt"

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

// prepare makes the properties of the message that publish is called for next. The error
// is for what cannot be carried: values that AMQP has no form for, and headers that are
// more than this broker takes, since they have to fit into one frame.
func (o *outgoing) prepare(p *amqp.Publishing) error {
	var err error
	if o.prp, err = wire.AppendProperties(o.prp[:0], p); err != nil {
		return err
	}
	const besides = wire.FrameOverhead + 12 // class, weight, body size
	if size := uint32(len(o.prp)) + besides; o.max != 0 && size > o.max {
		return fmt.Errorf("properties of %d bytes in all, where the broker takes frames of %d bytes", len(o.prp), o.max)
	}
	return nil
}

// publish adds a basic.publish of what was prepared, and its body.
func (o *outgoing) publish(exchange, key string, mandatory bool, body []byte) {
	o.buf = wire.AppendPublish(o.buf, callChannel, exchange, key, mandatory)
	o.buf = wire.AppendContent(o.buf, callChannel, wire.ClassBasic, o.prp, body, o.max)
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
