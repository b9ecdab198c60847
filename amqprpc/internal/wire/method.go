package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"

	amqp "github.com/rabbitmq/amqp091-go"
)

// IDs of classes.
const (
	ClassConnection = 10
	ClassChannel    = 20
	ClassAccess     = 30 // of AMQP 0-9; not implemented
	ClassExchange   = 40 // not implemented
	ClassQueue      = 50
	ClassBasic      = 60
	ClassConfirm    = 85
	ClassTx         = 90 // not implemented
)

// A Method is a pointer to one of the method structs of this package. Their fields are
// those of the specification, without the reserved ones.
type Method interface {
	// ID returns the IDs of the method's class and of the method in it.
	ID() (class, method uint16)
	// fields passes all fields, in their order, to a codec that parses or appends them.
	fields(c *codec)
}

const methodHead = 4 // octets before the fields: class, method

// MethodID returns which method a method frame's payload is about. It returns a syntax
// error if it is too short to say.
func MethodID(payload []byte) (class, method uint16, err error) {
	if len(payload) < methodHead {
		return 0, 0, Errorf(SyntaxError, "a method of %d octets", len(payload))
	}
	return binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:]), nil
}

// ParseMethod parses the payload of a method frame. Its errors are [*Error] with the
// method that they are about: [SyntaxError] for fields that are cut short, malformed or
// followed by more, [NotImplemented] for a method that the specification or RabbitMQ has
// and this package has not, [CommandInvalid] for one that does not exist. Undefined bits
// next to defined ones are ignored. Tables are never nil.
func ParseMethod(payload []byte) (Method, error) {
	class, method, err := MethodID(payload)
	if err != nil {
		return nil, err
	}
	known, ok := methods[methodKey(class, method)]
	switch {
	case !ok:
		return nil, about(Errorf(CommandInvalid, "unknown method %s", MethodName(class, method)), class, method)
	case known.make == nil:
		return nil, about(Errorf(NotImplemented, "%s is not implemented", known.name), class, method)
	}
	c := codec{decoder: decoder{b: payload[methodHead:]}}
	m := known.make()
	m.fields(&c)
	c.done()
	if err := c.err(known.name); err != nil {
		return nil, about(err, class, method)
	}
	return m, nil
}

// AppendMethod appends a method frame. Reply texts and reasons above 255 octets are cut.
// Other short strings above 255 octets, and tables that [AppendTable] refuses, are errors
// of the calling program: it panics. Strings that were parsed from short ones always fit,
// and so do parsed tables.
func AppendMethod(dst []byte, channel uint16, m Method) []byte {
	class, method := m.ID()
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, class, method)
	c := codec{write: true, out: dst}
	m.fields(&c)
	return endFrame(c.out, start)
}

func appendMethodID(dst []byte, class, method uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(dst, class), method)
}

// MethodName returns a name such as "queue.declare", of methods that are not implemented
// too, and the numbers, such as "60.99", for what is not a method.
func MethodName(class, method uint16) string {
	if known, ok := methods[methodKey(class, method)]; ok {
		return known.name
	}
	return fmt.Sprintf("%d.%d", class, method)
}

func methodKey(class, method uint16) uint32 { return uint32(class)<<16 | uint32(method) }

// A codec either parses fields or appends them, so that every method says only once which
// fields it has.
type codec struct {
	decoder
	write bool
	out   []byte
}

func (c *codec) octet(v *uint8) {
	if c.write {
		c.out = append(c.out, *v)
	} else {
		*v = c.uint8()
	}
}

func (c *codec) short(v *uint16) {
	if c.write {
		c.out = binary.BigEndian.AppendUint16(c.out, *v)
	} else {
		*v = c.uint16()
	}
}

func (c *codec) long(v *uint32) {
	if c.write {
		c.out = binary.BigEndian.AppendUint32(c.out, *v)
	} else {
		*v = c.uint32()
	}
}

func (c *codec) longlong(v *uint64) {
	if c.write {
		c.out = binary.BigEndian.AppendUint64(c.out, *v)
	} else {
		*v = c.uint64()
	}
}

// bits are up to eight flags in one octet, the first in its lowest bit.
func (c *codec) bits(vs ...*bool) {
	var octet uint8
	for i, v := range vs {
		octet |= bit(c.write && *v) << i
	}
	c.octet(&octet)
	if c.write {
		return // what is appended may be in use elsewhere
	}
	for i, v := range vs {
		*v = octet&(1<<i) != 0
	}
}

func (c *codec) str(v *string) {
	switch {
	case !c.write:
		*v = string(c.shortstr())
	case len(*v) > math.MaxUint8:
		panic(fmt.Errorf("%w: a short string of %d octets", ErrValue, len(*v)))
	default:
		c.out = appendShortstr(c.out, *v)
	}
}

// text is a short string for people to read, which may be cut.
func (c *codec) text(v *string) {
	s := *v
	if c.write && len(s) > math.MaxUint8 {
		const more = "..."
		n := math.MaxUint8 - len(more)
		for i := 1; i < utf8.UTFMax && !utf8.RuneStart(s[n]); i++ {
			n--
		}
		s = s[:n] + more
		c.str(&s)
		return
	}
	c.str(v)
}

func (c *codec) longtext(v *string) {
	if !c.write {
		*v = string(c.longstr())
		return
	}
	var start int
	c.out, start = beginLong(c.out)
	c.mustEnd(endLong(append(c.out, *v...), start))
}

func (c *codec) fieldTable(v *amqp.Table) {
	if !c.write {
		*v = c.table(0, true)
		return
	}
	c.mustEnd(AppendTable(c.out, *v))
}

func (c *codec) mustEnd(out []byte, err error) {
	if err != nil {
		panic(err)
	}
	c.out = out
}

// Reserved fields are ignored when parsed, and appended as zero.

func (c *codec) reservedShort()    { c.short(new(uint16)) }
func (c *codec) reservedStr()      { c.str(new(string)) }
func (c *codec) reservedLongtext() { c.longtext(new(string)) }
