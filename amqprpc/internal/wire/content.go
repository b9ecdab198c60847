package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Header is the payload of a content header frame.
type Header struct {
	Class      uint16 // that of basic, unless the other side is broken
	BodySize   uint64 // as announced
	Properties []byte // see ParseProperties; aliases the payload
}

const headerHead = 12 // bytes before the properties: class, weight, body size

// ParseHeader parses the payload of a content header frame. It does not check the properties.
func ParseHeader(payload []byte) (Header, error) {
	if len(payload) < headerHead {
		return Header{}, Errorf(FrameError, "a content header of %d bytes", len(payload))
	}
	if weight := binary.BigEndian.Uint16(payload[2:]); weight != 0 {
		return Header{}, Errorf(UnexpectedFrame, "a content header of weight %d, which must be 0", weight)
	}
	return Header{
		Class:      binary.BigEndian.Uint16(payload),
		BodySize:   binary.BigEndian.Uint64(payload[4:]),
		Properties: payload[headerHead:],
	}, nil
}

// AppendContent appends a header frame, and body frames unless the body is empty. Properties are those of
// [AppendProperties]; they must fit into one frame. frameMax is the max size of a frame, with its
// [FrameOverhead]; 0 is no limit, and [FrameMinSize] is the least.
func AppendContent(dst []byte, channel, class uint16, properties, body []byte, frameMax uint32) []byte {
	dst, start := beginFrame(dst, FrameHeader, channel)
	dst = binary.BigEndian.AppendUint16(dst, class)
	dst = append(dst, 0, 0) // weight
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(body)))
	dst = endFrame(append(dst, properties...), start)
	if frameMax == 0 {
		frameMax = math.MaxInt32
	}
	maxPayload := int(min(max(frameMax, FrameMinSize), math.MaxInt32)) - FrameOverhead
	for len(body) > 0 {
		n := min(len(body), maxPayload)
		dst = AppendFrame(dst, FrameBody, channel, body[:n])
		body = body[n:]
	}
	return dst
}

// Property flags, in the order of the values.
const (
	flagContentType     = 1 << 15
	flagContentEncoding = 1 << 14
	flagHeaders         = 1 << 13
	flagDeliveryMode    = 1 << 12
	flagPriority        = 1 << 11
	flagCorrelationID   = 1 << 10
	flagReplyTo         = 1 << 9
	flagExpiration      = 1 << 8
	flagMessageID       = 1 << 7
	flagTimestamp       = 1 << 6
	flagType            = 1 << 5
	flagUserID          = 1 << 4
	flagAppID           = 1 << 3
	flagClusterID       = 1 << 2 // reserved, and ignored

	flagsUndefined = 1<<1 | 1<<0
)

// A Brief has the properties by which a broker routes and keeps a message.
type Brief struct {
	DeliveryMode    uint8 // 2 is persistent
	HasDeliveryMode bool  // even if it is 0
	Expiration      string
	HasExpiration   bool // even if it is empty
	UserID          string
	HasUserID       bool // even if it is empty
	DirectReply     bool // the reply-to is [DirectReplyTo]
	Copies          bool // there is a header CC or BCC, which RabbitMQ takes for routing keys
}

// DirectReplyTo is the name of the pseudo-queue by which RabbitMQ sends replies straight to a channel.
const DirectReplyTo = "amq.rabbitmq.reply-to"

// properties are property values as they came. Their slices alias the input.
type properties struct {
	flags                                                uint16
	contentType, contentEncoding, correlationID, replyTo []byte
	expiration, messageID, typ, userID, appID            []byte
	headers                                              []byte // the table, with its length
	table                                                amqp.Table
	deliveryMode, priority                               uint8
	timestamp                                            uint64
}

// parse parses properties. It checks the headers, and builds the table if it is to and they are within the
// bounds of ParseProperties.
func (v *properties) parse(p []byte, build bool) error {
	d := decoder{b: p, build: build, bounded: true}
	v.flags = d.uint16()
	if v.flags&flagsUndefined != 0 {
		d.fail("undefined property flags")
	}
	str := func(flag uint16) []byte {
		if v.flags&flag == 0 {
			return nil
		}
		return d.shortstr()
	}
	v.contentType = str(flagContentType)
	v.contentEncoding = str(flagContentEncoding)
	if v.flags&flagHeaders != 0 {
		from := d.b
		v.table = d.table()
		v.headers = from[:len(from)-len(d.b)]
	}
	if v.flags&flagDeliveryMode != 0 {
		v.deliveryMode = d.uint8()
	}
	if v.flags&flagPriority != 0 {
		v.priority = d.uint8()
	}
	v.correlationID = str(flagCorrelationID)
	v.replyTo = str(flagReplyTo)
	v.expiration = str(flagExpiration)
	v.messageID = str(flagMessageID)
	if v.flags&flagTimestamp != 0 {
		v.timestamp = d.uint64()
	}
	v.typ = str(flagType)
	v.userID = str(flagUserID)
	v.appID = str(flagAppID)
	str(flagClusterID)
	d.done()
	return d.err("malformed properties")
}

// ParseBrief checks all properties and returns those that a broker needs. It allocates only for an
// expiration and a user ID.
func ParseBrief(p []byte) (Brief, error) {
	var v properties
	if err := v.parse(p, false); err != nil {
		return Brief{}, err
	}
	return Brief{
		DeliveryMode: v.deliveryMode, HasDeliveryMode: v.flags&flagDeliveryMode != 0,
		Expiration: string(v.expiration), HasExpiration: v.flags&flagExpiration != 0,
		UserID: string(v.userID), HasUserID: v.flags&flagUserID != 0,
		DirectReply: string(v.replyTo) == DirectReplyTo,
		Copies:      v.copies(),
	}, nil
}

// copies reports whether there is a header CC or BCC.
func (v *properties) copies() bool {
	if !bytes.Contains(v.headers, []byte("CC")) { // the rule, and cheaper
		return false
	}
	d := decoder{b: v.headers}
	for in := d.nested(); len(in.b) > 0; in.value() {
		if key := string(in.shortstr()); key == "CC" || key == "BCC" {
			return true
		}
	}
	return false
}

// ParseProperties parses the properties of a header. An empty property is the same as an absent one. It
// leaves out headers with more than 32 levels of nesting or more than 8,192 fields in a table, because
// amqp091-go could not read them. It is no error: a receiver that closes the connection on an error gets
// the message redelivered.
func ParseProperties(p []byte) (amqp.Publishing, error) {
	var v properties
	if err := v.parse(p, true); err != nil {
		return amqp.Publishing{}, err
	}
	out := amqp.Publishing{
		ContentType:     string(v.contentType),
		ContentEncoding: string(v.contentEncoding),
		DeliveryMode:    v.deliveryMode,
		Priority:        v.priority,
		CorrelationId:   string(v.correlationID),
		ReplyTo:         string(v.replyTo),
		Expiration:      string(v.expiration),
		MessageId:       string(v.messageID),
		Type:            string(v.typ),
		UserId:          string(v.userID),
		AppId:           string(v.appID),
		Headers:         v.table,
	}
	if v.flags&flagTimestamp != 0 {
		out.Timestamp = time.Unix(int64(v.timestamp), 0)
	}
	return out, nil
}

// AppendProperties appends property flags and values. Like amqp091-go it leaves out zero values. It
// ignores the body. Errors wrap [ErrValue]; then it returns dst unchanged.
func AppendProperties(dst []byte, p *amqp.Publishing) ([]byte, error) {
	start := len(dst)
	out := append(dst, 0, 0)
	var flags uint16
	var err error
	str := func(flag uint16, s string) {
		switch {
		case len(s) > math.MaxUint8:
			err = tooLong(s)
		case s != "":
			flags |= flag
			out = appendShortstr(out, s)
		}
	}
	number := func(flag uint16, v uint8) {
		if v != 0 {
			flags |= flag
			out = append(out, v)
		}
	}
	str(flagContentType, p.ContentType)
	str(flagContentEncoding, p.ContentEncoding)
	if len(p.Headers) > 0 {
		flags |= flagHeaders
		var bad error
		if out, bad = AppendTable(out, p.Headers); bad != nil {
			return dst, bad
		}
	}
	number(flagDeliveryMode, p.DeliveryMode)
	number(flagPriority, p.Priority)
	str(flagCorrelationID, p.CorrelationId)
	str(flagReplyTo, p.ReplyTo)
	str(flagExpiration, p.Expiration)
	str(flagMessageID, p.MessageId)
	if !p.Timestamp.IsZero() {
		flags |= flagTimestamp
		out = binary.BigEndian.AppendUint64(out, uint64(p.Timestamp.Unix()))
	}
	str(flagType, p.Type)
	str(flagUserID, p.UserId)
	str(flagAppID, p.AppId)
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint16(out[start:], flags)
	return out, nil
}
