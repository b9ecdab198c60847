package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// maxDepth is how deep tables and arrays may be in one another: as deep as fits into a frame of 128 KiB,
// as RabbitMQ has it.
const maxDepth = 1 << 15

// The bounds of the headers that [ParseProperties] returns: as many as amqp091-go reads, since other
// clients, a recording and a screen have to walk through them too.
const (
	boundedDepth   = 32
	boundedEntries = 8192
)

// ParseTable parses the field table that b begins with, and returns what follows it. Of a
// key that comes twice the last value counts. Strings need not be UTF-8. Values have the
// Go types that amqp.Table lists, one for each of RabbitMQ's types, so that appending the
// table gives the same values again; nested tables are amqp.Table and arrays []any, never
// nil. Timestamps are in local time, as amqp091-go has them.
func ParseTable(b []byte) (t amqp.Table, rest []byte, err error) {
	d := decoder{b: b}
	t = d.table(0, true)
	if err := d.err("malformed field table"); err != nil {
		return nil, nil, err
	}
	return t, d.b, nil
}

// table walks over a table, and builds it only if it is told to. What is valid therefore
// never depends on whether anyone wants the values.
func (d *decoder) table(depth int, build bool) amqp.Table {
	in := d.nested(depth)
	var t amqp.Table
	if build {
		t = amqp.Table{}
	}
	for n := 0; len(in.b) > 0; n++ {
		if in.bounded && n == boundedEntries {
			in.fail("too many fields")
			break
		}
		key := in.shortstr()
		v := in.value(depth, build)
		if build && !in.failed() {
			t[string(key)] = v
		}
	}
	d.join(&in)
	return t
}

func (d *decoder) array(depth int, build bool) []any {
	in := d.nested(depth)
	var a []any
	if build {
		a = []any{}
	}
	for n := 0; len(in.b) > 0; n++ { // each value has an octet at least, so the input bounds what is built
		if in.bounded && n == boundedEntries {
			in.fail("too many values")
			break
		}
		v := in.value(depth, build)
		if build && !in.failed() {
			a = append(a, v)
		}
	}
	d.join(&in)
	return a
}

// nested returns a decoder of the octets of a table or array.
func (d *decoder) nested(depth int) decoder {
	if depth > maxDepth || d.bounded && depth > boundedDepth {
		d.fail("tables nested too deeply")
	}
	return decoder{b: d.longstr(), bounded: d.bounded}
}

func (d *decoder) join(in *decoder) {
	if in.failed() {
		d.fail(in.reason)
	}
}

func (d *decoder) value(depth int, build bool) any {
	var raw []byte
	tag := d.uint8()
	switch tag {
	case 'F':
		return d.table(depth+1, build)
	case 'A':
		return d.array(depth+1, build)
	case 'S', 'x':
		raw = d.longstr()
	case 'V':
		return nil
	case 't', 'b', 'B':
		raw = d.take(1)
	case 's', 'u':
		raw = d.take(2)
	case 'I', 'i', 'f':
		raw = d.take(4)
	case 'D':
		raw = d.take(5)
	case 'l', 'L', 'd', 'T':
		raw = d.take(8)
	default:
		d.fail("unknown type of field")
	}
	if !build || d.failed() {
		return nil
	}
	return scalar(tag, raw)
}

// scalar makes the value of a type that holds no others from the octets it has.
func scalar(tag byte, raw []byte) any {
	switch be := binary.BigEndian; tag {
	case 't':
		return raw[0] != 0 // RabbitMQ takes 2 for true as well
	case 'b':
		return int8(raw[0])
	case 'B':
		return raw[0]
	case 's':
		return int16(be.Uint16(raw))
	case 'u':
		return be.Uint16(raw)
	case 'I':
		return int32(be.Uint32(raw))
	case 'i':
		return be.Uint32(raw)
	case 'l', 'L': // L is what some clients write, and RabbitMQ reads as l
		return int64(be.Uint64(raw))
	case 'f':
		return math.Float32frombits(be.Uint32(raw))
	case 'd':
		return math.Float64frombits(be.Uint64(raw))
	case 'D':
		return amqp.Decimal{Scale: raw[0], Value: int32(be.Uint32(raw[1:]))}
	case 'T':
		return time.Unix(int64(be.Uint64(raw)), 0)
	case 'S':
		return string(raw)
	}
	return append([]byte{}, raw...) // x
}

// ErrValue is wrapped by what is returned for values that have no form on the wire: of a
// type that amqp.Table does not list, strings too long, tables nested too deeply.
var ErrValue = errors.New("not a value of AMQP 0-9-1")

// AppendTable appends a field table, in no particular order. An int is written as 32
// bits, as amqp091-go does. On errors, which wrap [ErrValue], it returns dst as it was.
func AppendTable(dst []byte, t amqp.Table) ([]byte, error) {
	out, err := appendTable(dst, t, 0)
	if err != nil {
		return dst, err
	}
	return out, nil
}

func appendTable(dst []byte, t amqp.Table, depth int) (_ []byte, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: tables nested too deeply", ErrValue)
	}
	dst, start := beginLong(dst)
	for key, v := range t {
		if len(key) > math.MaxUint8 {
			return nil, fmt.Errorf("%w: a key of %d octets", ErrValue, len(key))
		}
		dst = appendShortstr(dst, key)
		if dst, err = appendValue(dst, v, depth); err != nil {
			return nil, err
		}
	}
	return endLong(dst, start)
}

func appendArray(dst []byte, a []any, depth int) (_ []byte, err error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("%w: arrays nested too deeply", ErrValue)
	}
	dst, start := beginLong(dst)
	for _, v := range a {
		if dst, err = appendValue(dst, v, depth); err != nil {
			return nil, err
		}
	}
	return endLong(dst, start)
}

func appendValue(dst []byte, value any, depth int) ([]byte, error) {
	be := binary.BigEndian
	switch v := value.(type) {
	case nil:
		return append(dst, 'V'), nil
	case bool:
		return append(dst, 't', bit(v)), nil
	case int8:
		return append(dst, 'b', byte(v)), nil
	case uint8:
		return append(dst, 'B', v), nil
	case int16:
		return be.AppendUint16(append(dst, 's'), uint16(v)), nil
	case uint16:
		return be.AppendUint16(append(dst, 'u'), v), nil
	case int32:
		return be.AppendUint32(append(dst, 'I'), uint32(v)), nil
	case int:
		if int64(v) != int64(int32(v)) {
			return nil, fmt.Errorf("%w: an int of more than 32 bits", ErrValue)
		}
		return be.AppendUint32(append(dst, 'I'), uint32(v)), nil
	case uint32:
		return be.AppendUint32(append(dst, 'i'), v), nil
	case int64:
		return be.AppendUint64(append(dst, 'l'), uint64(v)), nil
	case float32:
		return be.AppendUint32(append(dst, 'f'), math.Float32bits(v)), nil
	case float64:
		return be.AppendUint64(append(dst, 'd'), math.Float64bits(v)), nil
	case amqp.Decimal:
		return be.AppendUint32(append(dst, 'D', v.Scale), uint32(v.Value)), nil
	case time.Time:
		return be.AppendUint64(append(dst, 'T'), uint64(v.Unix())), nil
	case string:
		dst, start := beginLong(append(dst, 'S'))
		return endLong(append(dst, v...), start)
	case []byte:
		dst, start := beginLong(append(dst, 'x'))
		return endLong(append(dst, v...), start)
	case amqp.Table:
		return appendTable(append(dst, 'F'), v, depth+1)
	case []any:
		return appendArray(append(dst, 'A'), v, depth+1)
	}
	return nil, fmt.Errorf("%w: a %T", ErrValue, value)
}

func bit(v bool) byte {
	if v {
		return 1
	}
	return 0
}

// beginLong appends room for a length of 32 bits, which endLong fills in.
func beginLong(dst []byte) ([]byte, int) {
	dst = append(dst, 0, 0, 0, 0)
	return dst, len(dst)
}

func endLong(dst []byte, start int) ([]byte, error) {
	n := len(dst) - start
	if uint64(n) > math.MaxUint32 {
		return nil, fmt.Errorf("%w: %d octets", ErrValue, n)
	}
	binary.BigEndian.PutUint32(dst[start-4:], uint32(n))
	return dst, nil
}

// appendShortstr appends a string that is known to have at most 255 octets.
func appendShortstr(dst []byte, s string) []byte {
	return append(append(dst, byte(len(s))), s...)
}
