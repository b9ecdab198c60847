package wire

import (
	"encoding/binary"
	"fmt"
	"reflect"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Method is a pointer to one of the method structs of this package.
type Method any

const methodHead = 4 // bytes before the fields: class, method

// MethodID returns the IDs that the payload of a method frame begins with.
func MethodID(payload []byte) (class, method uint16, err error) {
	if len(payload) < methodHead {
		return 0, 0, Errorf(SyntaxError, "a method of %d bytes", len(payload))
	}
	return binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:]), nil
}

// MethodName returns a name such as "queue.declare", or the numbers, such as "60.99", if there is no
// such method.
func MethodName(class, method uint16) string {
	if t, ok := methodTypes[methodKey(class, method)]; ok {
		return t.name
	}
	return fmt.Sprintf("%d.%d", class, method)
}

// ParseMethod parses the payload of a method frame. Its errors are [*Error] with the IDs of the method:
// [SyntaxError] if fields are cut short, malformed or followed by more, [NotImplemented] for a method that
// only the specification or RabbitMQ has, [CommandInvalid] for one that nobody has. Undefined bits are
// ignored. Tables are never nil.
func ParseMethod(payload []byte) (Method, error) {
	class, method, err := MethodID(payload)
	if err != nil {
		return nil, err
	}
	t, ok := methodTypes[methodKey(class, method)]
	switch {
	case !ok:
		return nil, Errorf(CommandInvalid, "unknown method %s", MethodName(class, method)).about(class, method)
	case t.fields == nil:
		return nil, Errorf(NotImplemented, "%s is not implemented", t.name).about(class, method)
	}
	m := reflect.New(t.fields)
	d := decoder{b: payload[methodHead:], build: true}
	d.fields(m.Elem())
	if err := d.end(class, method); err != nil {
		return nil, err
	}
	return m.Interface(), nil
}

// fields sets the fields of a method struct.
func (d *decoder) fields(m reflect.Value) {
	var flags, used uint8 // the byte of consecutive flags, and how many of them are used
	for i := range m.NumField() {
		f := m.Field(i)
		if !f.CanSet() { // reserved
			f = reflect.New(f.Type()).Elem()
		}
		if f.Kind() == reflect.Bool {
			if used == 0 {
				flags = d.uint8()
			}
			f.SetBool(flags>>used&1 != 0)
			used++
			continue
		}
		used = 0
		switch f.Kind() {
		case reflect.Uint8:
			f.SetUint(uint64(d.uint8()))
		case reflect.Uint16:
			f.SetUint(uint64(d.uint16()))
		case reflect.Uint32:
			f.SetUint(uint64(d.uint32()))
		case reflect.Uint64:
			f.SetUint(d.uint64())
		case reflect.String:
			if isLong(m, i) {
				f.SetString(string(d.longstr()))
			} else {
				f.SetString(string(d.shortstr()))
			}
		case reflect.Map:
			f.Set(reflect.ValueOf(d.table()))
		}
	}
}

// AppendMethod appends a method frame. A string is a short string, or a long one if it has the tag
// wire:"long"; up to eight consecutive bools are the flags of one byte, the first in its lowest bit.
// AppendMethod panics on short strings above 255 bytes and on tables that [AppendTable] refuses: these are
// errors of the calling program.
func AppendMethod(dst []byte, channel uint16, m Method) []byte {
	class, method := ID(m)
	dst, start := beginFrame(dst, FrameMethod, channel)
	dst = appendMethodID(dst, class, method)
	return endFrame(appendFields(dst, reflect.ValueOf(m).Elem()), start)
}

func appendMethodID(dst []byte, class, method uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(dst, class), method)
}

func appendFields(dst []byte, m reflect.Value) []byte {
	used := 0 // flags in the last byte
	for i := range m.NumField() {
		f := m.Field(i)
		if f.Kind() == reflect.Bool {
			if used == 0 {
				dst = append(dst, 0)
			}
			dst[len(dst)-1] |= bit(f.Bool()) << used
			used++
			continue
		}
		used = 0
		switch f.Kind() {
		case reflect.Uint8:
			dst = append(dst, uint8(f.Uint()))
		case reflect.Uint16:
			dst = binary.BigEndian.AppendUint16(dst, uint16(f.Uint()))
		case reflect.Uint32:
			dst = binary.BigEndian.AppendUint32(dst, uint32(f.Uint()))
		case reflect.Uint64:
			dst = binary.BigEndian.AppendUint64(dst, f.Uint())
		case reflect.String:
			if isLong(m, i) {
				dst = appendLongstr(dst, f.String())
			} else {
				dst = appendShortstr(dst, f.String())
			}
		case reflect.Map:
			var err error
			if dst, err = AppendTable(dst, f.Interface().(amqp.Table)); err != nil {
				panic(err)
			}
		}
	}
	return dst
}

func isLong(m reflect.Value, field int) bool { return m.Type().Field(field).Tag != "" }
