package wire

import (
	"encoding/binary"
	"reflect"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// withHeaders returns properties with a content type, these headers, and a reply-to.
func withHeaders(entries []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, flagContentType|flagHeaders|flagReplyTo)
	b = append(b, "\x0atext/plain"...)
	b = append(b, long(string(entries))...)
	return append(b, "\x05reply"...)
}

// nested returns a header of nested tables or arrays, of the kinds in turn.
func nested(levels int, kinds ...byte) []byte {
	var inner []byte
	for i := range levels {
		// From the innermost out. Values in an array have no name, and the outermost one is in the table of
		// the headers.
		outer := byte('F')
		if i < levels-1 {
			outer = kinds[(i+1)%len(kinds)]
		}
		var name string
		if outer == 'F' {
			name = "\x01k"
		}
		inner = []byte(name + string(kinds[i%len(kinds)]) + long(string(inner)))
	}
	return inner
}

// many returns n headers.
func many(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, 2, byte(i>>8), byte(i), 'V')
	}
	return b
}

// manyIn returns a header that is an array of n values.
func manyIn(n int) []byte { return []byte("\x01kA" + long(strings.Repeat("V", n))) }

// ParseProperties leaves out headers that are out of bounds, and nothing else. ParseBrief, for a broker, has
// no such bounds.
func TestParsePropertiesBoundsHeaders(t *testing.T) {
	for name, c := range map[string]struct {
		entries []byte
		kept    bool
	}{
		"none":                       {nil, true},
		"few":                        {many(3), true},
		"max fields":                 {many(boundedFields), true},
		"too many fields":            {many(boundedFields + 1), false},
		"an array of max length":     {manyIn(boundedFields), true},
		"an array that is too long":  {manyIn(boundedFields + 1), false},
		"tables of max depth":        {nested(boundedDepth, 'F'), true},
		"tables too deep":            {nested(boundedDepth+1, 'F'), false},
		"arrays of max depth":        {nested(boundedDepth, 'A'), true},
		"arrays too deep":            {nested(boundedDepth+1, 'A'), false},
		"both of max depth":          {nested(boundedDepth, 'F', 'A'), true},
		"both too deep":              {nested(boundedDepth+1, 'F', 'A'), false},
		"tables much too deep":       {nested(5000, 'F'), false},
		"too many in a table inside": {[]byte("\x01kA" + long("VF"+long(string(many(boundedFields+1))))), false},
	} {
		in := withHeaders(c.entries)
		before := string(in)
		p, err := ParseProperties(in)
		if err != nil || p.ContentType != "text/plain" || p.ReplyTo != "reply" {
			t.Errorf("%s: %.200q, %q, %v", name, p.ContentType, p.ReplyTo, err)
		}
		if (p.Headers != nil) != c.kept {
			t.Errorf("%s: kept: %v", name, !c.kept)
		}
		if string(in) != before {
			t.Errorf("%s: the input was changed", name)
		}
		if _, err := ParseBrief(in); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(c.entries) == 0 {
			continue
		}
		// Malformed headers are an error, within bounds or not.
		in[len(in)-len("\x05reply")-1] = 'q'
		_, err = ParseBrief(in)
		wantError(t, err, SyntaxError)
		_, err = ParseProperties(in)
		wantError(t, err, SyntaxError)
	}
}

// FuzzBounds checks that headers are left out if they are out of bounds, and only then, and nothing else is.
func FuzzBounds(f *testing.F) {
	f.Add(withHeaders(many(3))) // small inputs make fuzzing fast
	f.Add(withHeaders(nested(boundedDepth, 'F')))
	f.Add(withHeaders(nested(boundedDepth+1, 'F', 'A')))
	f.Add(withHeaders(nested(40, 'A'))[:150])
	f.Add([]byte{0xff, 0xf8})
	f.Fuzz(func(t *testing.T, in []byte) {
		var v properties
		err := v.parse(in, false)
		p, bounded := ParseProperties(in)
		if (err == nil) != (bounded == nil) {
			t.Fatalf("without bounds: %v, with bounds: %v", err, bounded)
		}
		if err != nil || v.flags&flagHeaders == 0 {
			return
		}
		all, _, err := ParseTable(v.headers)
		if err != nil {
			t.Fatal(err)
		}
		depth, fields := extent(all)
		switch {
		case p.Headers == nil && depth <= boundedDepth && len(v.headers) <= boundedFields:
			t.Fatalf("left out: headers %d deep, in %d bytes", depth, len(v.headers))
		case p.Headers != nil && (depth > boundedDepth || fields > boundedFields):
			t.Fatalf("kept: headers %d deep, of up to %d fields", depth, fields)
		case p.Headers != nil && !same(p.Headers, all):
			t.Fatalf("%v became %v", all, p.Headers)
		}
		p.Headers = nil
		want := amqp.Publishing{
			ContentType: string(v.contentType), ContentEncoding: string(v.contentEncoding), DeliveryMode: v.deliveryMode, Priority: v.priority,
			CorrelationId: string(v.correlationID), ReplyTo: string(v.replyTo), Expiration: string(v.expiration), MessageId: string(v.messageID),
			Timestamp: p.Timestamp, Type: string(v.typ), UserId: string(v.userID), AppId: string(v.appID),
		}
		if !reflect.DeepEqual(p, want) {
			t.Fatalf("%+v became %+v", want, p)
		}
	})
}

// extent returns the depth of the tables and arrays in a table or array, and the max number of fields.
func extent(v any) (depth, fields int) {
	var inner []any
	switch v := v.(type) {
	case amqp.Table:
		for _, in := range v {
			inner = append(inner, in)
		}
	case []any:
		inner = v
	}
	fields = len(inner)
	for _, in := range inner {
		switch in.(type) {
		case amqp.Table, []any:
			d, f := extent(in)
			depth, fields = max(depth, d+1), max(fields, f)
		}
	}
	return depth, fields
}
