package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Header is the payload of a content header frame.
type Header struct {
	Class    uint16 // 60, that of basic, if the other side is sane: this is for the caller to judge
	BodySize uint64 // octets of body in the frames to come, as announced

	// Properties are the flags and values of the properties as they came, unchecked. They
	// alias the payload.
	Properties []byte
}

const headerHead = 12 // octets before the properties: class, weight, body size

// ParseHeader parses the payload of a content header frame.
func ParseHeader(payload []byte) (Header, error) {
	if len(payload) < headerHead {
		return Header{}, frameError(Frame{Type: FrameHeader, Payload: payload}, "unknown_frame")
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

// AppendContent appends a header frame and as many body frames as the body needs, none for
// an empty one. Properties are such as [Header.Properties] is. frameMax is the size of the
// largest frame that the other side takes, with [FrameOverhead]; 0 is no limit, and less
// than [FrameMinSize] counts as that. A header cannot be split: its properties have to
// fit.
func AppendContent(dst []byte, channel, class uint16, properties, body []byte, frameMax uint32) []byte {
	dst, start := beginFrame(dst, FrameHeader, channel)
	dst = binary.BigEndian.AppendUint16(dst, class)
	dst = append(dst, 0, 0) // weight
	dst = binary.BigEndian.AppendUint64(dst, uint64(len(body)))
	dst = endFrame(append(dst, properties...), start)
	if frameMax == 0 {
		frameMax = math.MaxInt32
	}
	most := int(min(max(frameMax, FrameMinSize), math.MaxInt32)) - FrameOverhead
	for len(body) > 0 {
		n := min(len(body), most)
		dst = AppendFrame(dst, FrameBody, channel, body[:n])
		body = body[n:]
	}
	return dst
}

// Property flags, in the order in which the values follow.
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
	flagClusterID       = 1 << 2 // reserved: taken, and dropped

	flagsUndefined = 1<<1 | 1<<0 // the last says that more flags follow, of which there are none
)

// A Brief is what a broker must know of a message's properties to route and keep it.
type Brief struct {
	DeliveryMode    uint8  // 2 is persistent
	HasDeliveryMode bool   // also where it is 0
	Expiration      string // unchecked
	HasExpiration   bool   // also where it is the empty string
	UserID          string
	HasUserID       bool
	DirectReply     bool // the reply-to is [DirectReplyTo]
	Copies          bool // there is a header CC or BCC: to RabbitMQ, more routing keys
}

// DirectReplyTo is the queue that is none, by which RabbitMQ sends replies straight to a channel.
const DirectReplyTo = "amq.rabbitmq.reply-to"

// A properties collects the values that a walk meets, as they are. Those of strings and
// of headers alias the payload.
type properties struct {
	flags                                                uint16
	contentType, contentEncoding, correlationID, replyTo []byte
	expiration, messageID, typ, userID, appID            []byte
	headers                                              amqp.Table
	headerOctets                                         []byte // the table that headers is of, with its length
	deliveryMode, priority                               uint8
	timestamp                                            uint64
}

// boundedTable returns the table, or nil if it is out of bounds.
func (d *decoder) boundedTable() amqp.Table {
	in := decoder{b: d.b, bounded: true}
	t := in.table(0, true)
	if in.failed() {
		return d.table(0, false) // malformed, or only out of bounds
	}
	d.b = in.b
	return t
}

// walk takes all of p apart. Headers are built, or else checked.
func (v *properties) walk(p []byte, build bool) error {
	d := decoder{b: p}
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
		if build {
			v.headers = d.boundedTable()
		} else {
			d.table(0, false)
		}
		v.headerOctets = from[:len(from)-len(d.b)]
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

// CheckProperties walks all of p, headers included, and builds nothing of them. It allocates
// for an expiration and a user ID only.
func CheckProperties(p []byte) (Brief, error) {
	var v properties
	if err := v.walk(p, false); err != nil {
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

// copies says whether there is a header CC or BCC. The walk found nothing wrong with the headers.
func (v *properties) copies() bool {
	if !bytes.Contains(v.headerOctets, []byte("CC")) { // as good as always: no second walk
		return false
	}
	d := decoder{b: v.headerOctets}
	for in := d.nested(0); len(in.b) > 0; in.value(0, false) {
		if key := string(in.shortstr()); key == "CC" || key == "BCC" {
			return true
		}
	}
	return false
}

// ParseProperties returns the properties, of what is valid for [CheckProperties]. A property that is
// there and empty cannot be told from one that is not, and the reserved cluster ID is dropped.
// Headers that are nested over 32 levels, or have over 8,192 fields in one table, are left out:
// nobody should have to walk through them, and the message would come back for ever if its receiver
// closed the connection instead.
func ParseProperties(p []byte) (amqp.Publishing, error) {
	var v properties
	if err := v.walk(p, true); err != nil {
		return amqp.Publishing{}, err
	}
	out := amqp.Publishing{
		Headers:         v.headers,
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
	}
	if v.flags&flagTimestamp != 0 {
		out.Timestamp = time.Unix(int64(v.timestamp), 0)
	}
	return out, nil
}

// AppendProperties appends flags and values, such as [Header.Properties] is. As amqp091-go
// does, it leaves out what is zero or empty; the body is not looked at. On errors, which
// wrap [ErrValue], it returns dst as it was.
func AppendProperties(dst []byte, p *amqp.Publishing) ([]byte, error) {
	start := len(dst)
	out := append(dst, 0, 0)
	var flags uint16
	var err error
	str := func(flag uint16, s string) {
		if s == "" {
			return
		}
		if len(s) > math.MaxUint8 && err == nil {
			err = fmt.Errorf("%w: a property of %d octets", ErrValue, len(s))
		}
		flags |= flag
		out = appendShortstr(out, s)
	}
	octet := func(flag uint16, v uint8) {
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
	octet(flagDeliveryMode, p.DeliveryMode)
	octet(flagPriority, p.Priority)
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
