package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
)

// fields have every type of RabbitMQ, with its tag and bytes.
var fields = []struct {
	value any
	wire  string
}{
	{true, "t\x01"}, {false, "t\x00"},
	{int8(-2), "b\xfe"}, {uint8(254), "B\xfe"},
	{int16(-2), "s\xff\xfe"}, {uint16(65534), "u\xff\xfe"},
	{int32(-2), "I\xff\xff\xff\xfe"}, {uint32(math.MaxUint32), "i\xff\xff\xff\xff"},
	{int64(-2), "l\xff\xff\xff\xff\xff\xff\xff\xfe"},
	{float32(1), "f\x3f\x80\x00\x00"}, {float64(1), "d\x3f\xf0\x00\x00\x00\x00\x00\x00"},
	{amqp.Decimal{Scale: 2, Value: 314}, "D\x02\x00\x00\x01\x3a"},
	{"a\xff", "S\x00\x00\x00\x02a\xff"}, {"", "S\x00\x00\x00\x00"},
	{[]byte{0, 1}, "x\x00\x00\x00\x02\x00\x01"}, {[]byte{}, "x\x00\x00\x00\x00"},
	{time.Unix(1, 0), "T\x00\x00\x00\x00\x00\x00\x00\x01"},
	{nil, "V"},
	{[]any{nil, true}, "A\x00\x00\x00\x03Vt\x01"}, {[]any{}, "A\x00\x00\x00\x00"},
	{amqp.Table{"k": nil}, "F\x00\x00\x00\x03\x01kV"}, {amqp.Table{}, "F\x00\x00\x00\x00"},
}

// long returns a long string.
func long(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func TestFieldEncoding(t *testing.T) {
	for _, f := range fields {
		wire := long("\x03key" + f.wire)
		got, rest, err := ParseTable([]byte(wire + "rest"))
		if err != nil || string(rest) != "rest" || !reflect.DeepEqual(got, amqp.Table{"key": f.value}) {
			t.Errorf("%q is read as %#v, %q, %v", f.wire, got, rest, err)
		}
		out, err := AppendTable([]byte("before"), amqp.Table{"key": f.value})
		if err != nil || string(out) != "before"+wire {
			t.Errorf("%#v is written as %q, %v", f.value, out, err)
		}
		for n := range len(wire) {
			_, _, err := ParseTable([]byte(wire[:n]))
			wantError(t, err, SyntaxError)
		}
		// The table ends within the field.
		for n := range len(f.wire) {
			_, _, err := ParseTable([]byte(long("\x03key" + f.wire[:n])))
			wantError(t, err, SyntaxError)
		}
	}
}

func TestUnusualFields(t *testing.T) {
	for name, c := range map[string]struct {
		in   string
		want amqp.Table
	}{
		"a key twice":             {"\x01kt\x01\x01kt\x00", amqp.Table{"k": false}},
		"an empty key":            {"\x00V", amqp.Table{"": nil}},
		"a key that is not UTF-8": {"\x01\xffV", amqp.Table{"\xff": nil}},
		"another true":            {"\x01kt\x02", amqp.Table{"k": true}},
		"the other 64 bits":       {"\x01kL\x00\x00\x00\x00\x00\x00\x00\x05", amqp.Table{"k": int64(5)}},
	} {
		got, rest, err := ParseTable([]byte(long(c.in)))
		if err != nil || len(rest) != 0 || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %#v, %q, %v", name, got, rest, err)
		}
	}
	for tag := range 256 {
		if strings.ContainsRune("tbBsuIilLfdDSxATFV", rune(tag)) {
			continue
		}
		_, _, err := ParseTable([]byte(long("\x01k" + string([]byte{byte(tag)}) + strings.Repeat("\x00", 8))))
		if e := wantError(t, err, SyntaxError); !strings.Contains(e.Text, "unknown type of field") {
			t.Errorf("a field of type %q: %v", rune(tag), e)
		}
	}
}

func TestTableRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := tables.Draw(t, "table")
		wire, err := AppendTable(nil, table)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := ParseTable(wire)
		if err != nil || len(rest) != 0 || !same(got, table) {
			t.Fatalf("%#v came back as %#v, %q, %v", table, got, rest, err)
		}
	})
}

func TestMaxDepth(t *testing.T) {
	// n nested tables or arrays in a table, written from the innermost out.
	nest := func(kind byte, n int) []byte {
		key := ""
		if kind == 'F' {
			key = "\x00"
		}
		head := func(key string, size int) []byte {
			return append(append([]byte(key), kind), byte(size>>24), byte(size>>16), byte(size>>8), byte(size))
		}
		heads, size := [][]byte{}, 0
		for range n - 1 {
			heads = append(heads, head(key, size))
			size += len(heads[len(heads)-1])
		}
		heads = append(heads, head("\x00", size))
		size += len(heads[len(heads)-1])
		out := head("", size)[1:]
		for _, h := range slices.Backward(heads) {
			out = append(out, h...)
		}
		return out
	}
	for _, kind := range []byte("FA") {
		table, _, err := ParseTable(nest(kind, maxDepth))
		if err != nil {
			t.Errorf("%d levels of %c: %v", maxDepth, kind, err)
		}
		if out, err := AppendTable(nil, table); err != nil || !bytes.Equal(out, nest(kind, maxDepth)) {
			t.Errorf("%d levels of %c come back as %d bytes, %v", maxDepth, kind, len(out), err)
		}
		for _, n := range []int{maxDepth + 1, 10 * maxDepth} {
			_, _, err := ParseTable(nest(kind, n))
			wantError(t, err, SyntaxError)
		}
	}
}

// Memory is allocated for the bytes that came, not for the lengths that they announce.
func TestTableMemory(t *testing.T) {
	for _, lie := range []string{
		"\xff\xff\xff\xff", "\xff\xff\xff\xff\x01kV",
		long("\x01kS\x7f\xff\xff\xff"), long("\x01kA\xff\xff\xff\xff"), long("\x01kx\xff\xff\xff\xff"),
	} {
		_, _, err := ParseTable([]byte(lie))
		wantError(t, err, SyntaxError)
	}
	const n = 1 << 20
	in := []byte(long("\x01kA" + long(strings.Repeat("V", n))))
	table, _, err := ParseTable(in)
	if err != nil {
		t.Fatal(err)
	}
	if got := table["k"].([]any); len(got) != n || cap(got) > 2*n {
		t.Errorf("%d values in room for %d", len(got), cap(got))
	}
	allocs := testing.AllocsPerRun(10, func() {
		d := decoder{b: in}
		d.table()
	})
	if allocs != 0 {
		t.Errorf("checking it makes %v allocations", allocs)
	}
}

func TestAppendTableErrors(t *testing.T) {
	before := []byte("before")
	tables := map[string]amqp.Table{
		"a struct":        {"k": struct{}{}},
		"a uint64":        {"k": uint64(1)},
		"a long key":      {strings.Repeat("k", 256): nil},
		"one in an array": {"k": []any{uint(1)}},
		"one in a table":  {"k": amqp.Table{"k": []int{1}}},
	}
	if large := int64(math.MaxInt32) + 1; int64(int(large)) == large {
		tables["a large int"] = amqp.Table{"k": int(large)}
	}
	for name, table := range tables {
		out, err := AppendTable(before, table)
		if !errors.Is(err, ErrValue) || !bytes.Equal(out, before) {
			t.Errorf("%s: %q, %v", name, out, err)
		}
	}
	if out, err := AppendTable(nil, amqp.Table{"k": -1}); err != nil || string(out) != long("\x01kI\xff\xff\xff\xff") {
		t.Errorf("an int: %q, %v", out, err)
	}
	if out, err := AppendTable(nil, nil); err != nil || string(out) != long("") {
		t.Errorf("nil: %q, %v", out, err)
	}
}
