package wire

import (
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
)

// shortstrs generates any bytes that fit into a short string.
var shortstrs = rapid.Custom(func(t *rapid.T) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, 255).Draw(t, "bytes"))
})

// tables generates nested tables with values of every type.
var tables = rapid.Custom(func(t *rapid.T) amqp.Table { return drawTable(t, 0) })

func drawTable(t *rapid.T, depth int) amqp.Table {
	table := amqp.Table{}
	for _, key := range rapid.SliceOfN(shortstrs, 0, 5).Draw(t, "keys") {
		table[key] = drawValue(t, depth)
	}
	return table
}

func drawValue(t *rapid.T, depth int) any {
	kinds := 15
	if depth > 3 {
		kinds = 13 // no tables and arrays
	}
	switch kind := rapid.IntRange(0, kinds).Draw(t, "kind"); kind {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return rapid.Int8().Draw(t, "int8")
	case 3:
		return rapid.Uint8().Draw(t, "uint8")
	case 4:
		return rapid.Int16().Draw(t, "int16")
	case 5:
		return rapid.Uint16().Draw(t, "uint16")
	case 6:
		return rapid.Int32().Draw(t, "int32")
	case 7:
		return rapid.Uint32().Draw(t, "uint32")
	case 8:
		return rapid.Int64().Draw(t, "int64")
	case 9:
		return math.Float32frombits(rapid.Uint32().Draw(t, "float32"))
	case 10:
		return math.Float64frombits(rapid.Uint64().Draw(t, "float64"))
	case 11:
		return time.Unix(rapid.Int64().Draw(t, "time"), 0)
	case 12:
		return string(rapid.SliceOf(rapid.Byte()).Draw(t, "string"))
	case 13:
		if rapid.Bool().Draw(t, "decimal") {
			return amqp.Decimal{Scale: rapid.Uint8().Draw(t, "scale"), Value: rapid.Int32().Draw(t, "value")}
		}
		return rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	case 14:
		return drawTable(t, depth+1)
	default:
		array := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "values") {
			array = append(array, drawValue(t, depth+1))
		}
		return array
	}
}

// drawMethod sets all fields of a method.
func drawMethod(t *rapid.T, m Method) {
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		f := v.Field(i)
		if !f.CanSet() { // reserved
			continue
		}
		switch f.Interface().(type) {
		case bool:
			f.SetBool(rapid.Bool().Draw(t, name))
		case uint8:
			f.SetUint(uint64(rapid.Uint8().Draw(t, name)))
		case uint16:
			f.SetUint(uint64(rapid.Uint16().Draw(t, name)))
		case uint32:
			f.SetUint(uint64(rapid.Uint32().Draw(t, name)))
		case uint64:
			f.SetUint(rapid.Uint64().Draw(t, name))
		case string:
			f.SetString(shortstrs.Draw(t, name))
		case amqp.Table:
			f.Set(reflect.ValueOf(tables.Draw(t, name)))
		default:
			t.Fatalf("%T.%s is a %s", m, name, f.Type())
		}
	}
}

// same reports whether two values have the same bytes. A NaN is the same as itself.
func same(a, b any) bool {
	switch a := a.(type) {
	case float32:
		b, ok := b.(float32)
		return ok && math.Float32bits(a) == math.Float32bits(b)
	case float64:
		b, ok := b.(float64)
		return ok && math.Float64bits(a) == math.Float64bits(b)
	case amqp.Table:
		b, ok := b.(amqp.Table)
		if !ok || len(a) != len(b) {
			return false
		}
		for key := range a {
			if _, ok := b[key]; !ok || !same(a[key], b[key]) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !same(a[i], b[i]) {
				return false
			}
		}
		return true
	case time.Time:
		b, ok := b.(time.Time)
		return ok && a.Equal(b)
	}
	return reflect.DeepEqual(a, b)
}

// sameFields is same for the exported fields of two structs: methods or properties.
func sameFields(a, b any) bool {
	va, vb := reflect.Indirect(reflect.ValueOf(a)), reflect.Indirect(reflect.ValueOf(b))
	if va.Type() != vb.Type() {
		return false
	}
	for i := range va.NumField() {
		if va.Type().Field(i).IsExported() && !same(va.Field(i).Interface(), vb.Field(i).Interface()) {
			return false
		}
	}
	return true
}

// everyMethod returns a new method of every type, by name.
func everyMethod() map[string]Method {
	all := map[string]Method{}
	for _, m := range methods {
		if m.fields != nil {
			all[m.name] = reflect.New(reflect.TypeOf(m.fields)).Interface()
		}
	}
	return all
}

// payloadOf returns the payload of b, which must be one frame.
func payloadOf(t interface {
	Helper()
	Fatalf(string, ...any)
}, b []byte) []byte {
	t.Helper()
	if len(b) < FrameOverhead || b[len(b)-1] != frameEnd {
		t.Fatalf("not a frame: % x", b)
	}
	return b[frameHead : len(b)-1]
}

// wantError returns err, which must be an AMQP exception with this code.
func wantError(t *testing.T, err error, code uint16) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("%v, want an exception of code %d", err, code)
	}
	if e.Code != code {
		t.Fatalf("%v, want code %d", err, code)
	}
	return e
}
