package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// maxDepth bounds the nesting of tables and arrays: as deep as fits into a frame of 128 KiB.
const maxDepth = 1 << 15

// The bounds of the headers that [ParseProperties] returns are those of amqp091-go.
const (
	boundedDepth  = 32
	boundedFields = 8192
)

// ParseTable parses the field table that b begins with, and returns the bytes after it. If a key comes
// twice, the last value counts. Strings need not be UTF-8. Values have the Go types that amqp.Table
// lists, one for each type of RabbitMQ, so that [AppendTable] appends the same values. Tables are
// amqp.Table and arrays []any, never nil. Timestamps are in local time.
func ParseTable(b []byte) (t amqp.Table, rest []byte, err error) {
	d := decoder{b: b, build: true}
	t = d.table()
	if err := d.err("malformed field table"); err != nil {
		return nil, nil, err
	}
	return t, d.b, nil
}

// table parses a table. Unless it builds tables, it only checks it and returns nil.
func (d *decoder) table() amqp.Table {
	in := d.nested()
	var t amqp.Table
	if in.build {
		t = amqp.Table{}
	}
	for n := 0; in.more(n); n++ {
		key := in.shortstr()
		if v := in.value(); in.build && !in.failed() {
			t[string(key)] = v
		}
	}
	if !d.join(&in) {
		return nil
	}
	return t
}

func (d *decoder) array() []any {
	in := d.nested()
	var a []any
	if in.build {
		a = []any{}
	}
	for n := 0; in.more(n); n++ { // each value takes a byte at least, so the input bounds the memory
		if v := in.value(); in.build && !in.failed() {
			a = append(a, v)
		}
	}
	if !d.join(&in) {
		return nil
	}
	return a
}

// nested returns a decoder of the bytes of a table or array.
func (d *decoder) nested() decoder {
	if d.depth > maxDepth {
		d.fail("tables nested too deeply")
	}
	return decoder{
		b: d.longstr(), depth: d.depth + 1, bounded: d.bounded, build: d.build && !(d.bounded && d.depth > boundedDepth),
	}
}

// more reports whether there is another field after n of a table or array.
func (d *decoder) more(n int) bool {
	more := len(d.b) > 0
	if more && d.bounded && n == boundedFields {
		d.build = false
	}
	return more
}

// join ends a table or array. It reports whether it was built.
func (d *decoder) join(in *decoder) bool {
	if in.failed() {
		d.fail(in.reason)
	}
	d.build = in.build
	return in.build
}

func (d *decoder) value() any {
	var raw []byte
	tag := d.uint8()
	switch tag {
	case 'F':
		return d.table()
	case 'A':
		return d.array()
	case 'S', 'x':
		raw = d.longstr()
	case 'V':
		return nil
	case 't', 'b', 'B':
		raw = d.next(1)
	case 's', 'u':
		raw = d.next(2)
	case 'I', 'i', 'f':
		raw = d.next(4)
	case 'D':
		raw = d.next(5)
	case 'l', 'L', 'd', 'T':
		raw = d.next(8)
	default:
		d.fail("unknown type of field")
	}
	if !d.build || d.failed() {
		return nil
	}
	return scalar(tag, raw)
}

// scalar returns the value of a type that holds no others.
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
	case 'l', 'L': // some clients write L, and RabbitMQ reads it as l
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

// ErrValue is wrapped by the errors of values that have no form on the wire: of a type that amqp.Table
// does not list, strings that are too long, and headers that [CheckHeaders] refuses.
var ErrValue = errors.New("not a value of AMQP 0-9-1")

// AppendTable appends a field table, in no particular order. An int is written as 32 bits, as amqp091-go
// does. No table may contain itself: see [CheckHeaders]. Errors wrap [ErrValue]; then it returns dst
// unchanged.
func AppendTable(dst []byte, t amqp.Table) (_ []byte, err error) {
	out, start := beginLong(dst)
	for key, v := range t {
		if len(key) > math.MaxUint8 {
			return dst, tooLong(key)
		}
		if out, err = appendValue(appendShortstr(out, key), v); err != nil {
			return dst, err
		}
	}
	return endLong(out, start), nil
}

func appendArray(dst []byte, a []any) (_ []byte, err error) {
	out, start := beginLong(dst)
	for _, v := range a {
		if out, err = appendValue(out, v); err != nil {
			return dst, err
		}
	}
	return endLong(out, start), nil
}

func appendValue(dst []byte, value any) ([]byte, error) {
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
		return appendLongstr(append(dst, 'S'), v), nil
	case []byte:
		return appendLongstr(append(dst, 'x'), v), nil
	case amqp.Table:
		return AppendTable(append(dst, 'F'), v)
	case []any:
		return appendArray(append(dst, 'A'), v)
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

func endLong(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start-4:], uint32(len(dst)-start))
	return dst
}

func appendLongstr[S string | []byte](dst []byte, s S) []byte {
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(s))), s...)
}

// appendShortstr panics on strings above 255 bytes.
func appendShortstr(dst []byte, s string) []byte {
	if len(s) > math.MaxUint8 {
		panic(tooLong(s))
	}
	return append(append(dst, byte(len(s))), s...)
}

// tooLong is a function so that appendShortstr is inlined.
func tooLong(s string) error { return fmt.Errorf("%w: a short string of %d bytes", ErrValue, len(s)) }
