package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// What is done for every message is here a second time, without allocation.

// A Publish is basic.publish. Its slices alias the payload.
type Publish struct {
	Exchange, RoutingKey []byte
	Mandatory, Immediate bool
}

// ParsePublish parses the payload of a method frame that is basic.publish. Its errors are
// those of [ParseMethod].
func ParsePublish(payload []byte) (Publish, error) {
	d, err := fieldsOf(payload, basicPublish)
	if err != nil {
		return Publish{}, err
	}
	var p Publish
	d.uint16() // reserved
	p.Exchange = d.shortstr()
	p.RoutingKey = d.shortstr()
	flags := d.uint8()
	p.Mandatory, p.Immediate = flags&1 != 0, flags&2 != 0
	if err := d.end(basicPublish); err != nil {
		return Publish{}, err
	}
	return p, nil
}

// AppendPublish appends a frame of basic.publish. Strings above 255 octets make it panic.
func AppendPublish(dst []byte, channel uint16, exchange, routingKey string, mandatory bool) []byte {
	if n := max(len(exchange), len(routingKey)); n > math.MaxUint8 {
		panic(fmt.Errorf("%w: a short string of %d octets", ErrValue, n))
	}
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, ClassBasic, basicPublish)
	dst = append(dst, 0, 0) // reserved
	dst = appendShortstr(dst, exchange)
	dst = appendShortstr(dst, routingKey)
	return endFrame(append(dst, bit(mandatory)), start)
}

// A Deliver is basic.deliver. Its slices alias the payload.
type Deliver struct {
	ConsumerTag          []byte
	DeliveryTag          uint64
	Redelivered          bool
	Exchange, RoutingKey []byte
}

// ParseDeliver parses the payload of a method frame that is basic.deliver. Its errors are
// those of [ParseMethod].
func ParseDeliver(payload []byte) (Deliver, error) {
	d, err := fieldsOf(payload, basicDeliver)
	if err != nil {
		return Deliver{}, err
	}
	var m Deliver
	m.ConsumerTag = d.shortstr()
	m.DeliveryTag = d.uint64()
	m.Redelivered = d.uint8()&1 != 0
	m.Exchange = d.shortstr()
	m.RoutingKey = d.shortstr()
	if err := d.end(basicDeliver); err != nil {
		return Deliver{}, err
	}
	return m, nil
}

// ParseAck parses the payload of a method frame that is basic.ack. Its errors are those of
// [ParseMethod].
func ParseAck(payload []byte) (tag uint64, multiple bool, err error) {
	d, err := fieldsOf(payload, basicAck)
	if err != nil {
		return 0, false, err
	}
	tag = d.uint64()
	multiple = d.uint8()&1 != 0
	if err := d.end(basicAck); err != nil {
		return 0, false, err
	}
	return tag, multiple, nil
}

// AppendDeliver appends a frame of basic.deliver. Strings above 255 octets make it panic.
func AppendDeliver(dst []byte, channel uint16, consumerTag string, deliveryTag uint64, redelivered bool, exchange, routingKey string) []byte {
	if n := max(len(consumerTag), len(exchange), len(routingKey)); n > math.MaxUint8 {
		panic(fmt.Errorf("%w: a short string of %d octets", ErrValue, n))
	}
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, ClassBasic, basicDeliver)
	dst = appendShortstr(dst, consumerTag)
	dst = binary.BigEndian.AppendUint64(dst, deliveryTag)
	dst = append(dst, bit(redelivered))
	dst = appendShortstr(dst, exchange)
	dst = appendShortstr(dst, routingKey)
	return endFrame(dst, start)
}

// AppendAck appends a frame of basic.ack: to a publisher, that is a confirm.
func AppendAck(dst []byte, channel uint16, deliveryTag uint64, multiple bool) []byte {
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, ClassBasic, basicAck)
	dst = binary.BigEndian.AppendUint64(dst, deliveryTag)
	return endFrame(append(dst, bit(multiple)), start)
}

// Methods of basic that have functions of their own.
const (
	basicPublish = 40
	basicDeliver = 60
	basicAck     = 80
)

// The same for those who look at a method before they parse it.
const (
	ConnectionBlockedID   = 60
	ConnectionUnblockedID = 61

	BasicCancelID  = 30
	BasicReturnID  = 50
	BasicDeliverID = basicDeliver
	BasicAckID     = basicAck
	BasicNackID    = 120
)

// fieldsOf returns a decoder of the fields of a method of basic, which the payload has to be.
func fieldsOf(payload []byte, method uint16) (decoder, error) {
	class, got, err := MethodID(payload)
	if err != nil {
		return decoder{}, err
	}
	if class != ClassBasic || got != method {
		return decoder{}, about(Errorf(CommandInvalid, "%s is not %s",
			MethodName(class, got), MethodName(ClassBasic, method)), class, got)
	}
	return decoder{b: payload[methodHead:]}, nil
}

// end returns what was wrong with the fields of a method of basic.
func (d *decoder) end(method uint16) error {
	d.done()
	if !d.failed() {
		return nil
	}
	return about(d.err(MethodName(ClassBasic, method)), ClassBasic, method)
}
