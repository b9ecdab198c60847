package wire

import "encoding/binary"

// The methods of every message have functions here that do not allocate.

// A Publish is basic.publish. Its slices alias the payload.
type Publish struct {
	Exchange, RoutingKey []byte
	Mandatory, Immediate bool
}

// ParsePublish parses the payload of a method frame that is basic.publish. Its errors are those of
// [ParseMethod], as are those of ParseDeliver and ParseAck.
func ParsePublish(payload []byte) (Publish, error) {
	d, err := fieldsOf(payload, BasicPublishID)
	if err != nil {
		return Publish{}, err
	}
	d.uint16() // reserved
	p := Publish{Exchange: d.shortstr(), RoutingKey: d.shortstr()}
	flags := d.uint8()
	p.Mandatory, p.Immediate = flags&1 != 0, flags&2 != 0
	return p, d.end(ClassBasic, BasicPublishID)
}

// AppendPublish appends a frame of basic.publish. It panics on strings above 255 bytes.
func AppendPublish(dst []byte, channel uint16, exchange, routingKey string, mandatory bool) []byte {
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, ClassBasic, BasicPublishID)
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

// ParseDeliver parses the payload of a method frame that is basic.deliver.
func ParseDeliver(payload []byte) (Deliver, error) {
	d, err := fieldsOf(payload, BasicDeliverID)
	if err != nil {
		return Deliver{}, err
	}
	m := Deliver{
		ConsumerTag: d.shortstr(), DeliveryTag: d.uint64(), Redelivered: d.uint8()&1 != 0,
		Exchange: d.shortstr(), RoutingKey: d.shortstr(),
	}
	return m, d.end(ClassBasic, BasicDeliverID)
}

// AppendDeliver appends a frame of basic.deliver. It panics on strings above 255 bytes.
func AppendDeliver(dst []byte, channel uint16, consumerTag string, deliveryTag uint64, redelivered bool, exchange, routingKey string) []byte {
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, ClassBasic, BasicDeliverID)
	dst = appendShortstr(dst, consumerTag)
	dst = binary.BigEndian.AppendUint64(dst, deliveryTag)
	dst = append(dst, bit(redelivered))
	dst = appendShortstr(dst, exchange)
	dst = appendShortstr(dst, routingKey)
	return endFrame(dst, start)
}

// ParseAck parses the payload of a method frame that is basic.ack.
func ParseAck(payload []byte) (tag uint64, multiple bool, err error) {
	d, err := fieldsOf(payload, BasicAckID)
	if err != nil {
		return 0, false, err
	}
	tag, multiple = d.uint64(), d.uint8()&1 != 0
	return tag, multiple, d.end(ClassBasic, BasicAckID)
}

// AppendAck appends a frame of basic.ack: to a publisher, that is a confirm.
func AppendAck(dst []byte, channel uint16, deliveryTag uint64, multiple bool) []byte {
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, ClassBasic, BasicAckID)
	dst = binary.BigEndian.AppendUint64(dst, deliveryTag)
	return endFrame(append(dst, bit(multiple)), start)
}

// fieldsOf returns a decoder of the fields of a method of the class basic. It returns an error if the
// payload is another method.
func fieldsOf(payload []byte, method uint16) (decoder, error) {
	class, id, err := MethodID(payload)
	if err != nil {
		return decoder{}, err
	}
	if class != ClassBasic || id != method {
		return decoder{}, Errorf(CommandInvalid, "%s is not %s", MethodName(class, id), MethodName(ClassBasic, method)).about(class, id)
	}
	return decoder{b: payload[methodHead:]}, nil
}
