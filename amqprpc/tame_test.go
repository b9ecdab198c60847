package amqprpc

import (
	"bytes"
	"encoding/binary"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// properties makes the properties of a message with a content type, a header table of the
// given entries, and a reply_to behind it.
func properties(entries []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, flagContentType|flagHeaders|1<<9)
	b = append(b, "\x0atext/plain"...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(entries)))
	b = append(b, entries...)
	return append(b, "\x05reply"...)
}

// nested makes a header of tables in tables.
func nested(levels int) []byte {
	var inner []byte
	for range levels {
		entry := []byte{1, 'k', 'F'}
		entry = binary.BigEndian.AppendUint32(entry, uint32(len(inner)))
		inner = append(entry, inner...)
	}
	return inner
}

// many makes so many headers.
func many(n int) []byte {
	var b []byte
	for i := range n {
		b = append(b, 2, byte(i>>8), byte(i), 't', 1)
	}
	return b
}

// bounds are header tables within and out of bounds.
var bounds = map[string]struct {
	entries []byte
	tamed   bool
}{
	"none": {nil, false}, "few": {many(3), false}, "as many as there may be": {many(maxEntries), false},
	"too many": {many(maxEntries + 1), true}, "as deep as they may be": {nested(maxDepth), false},
	"too deep": {nested(maxDepth + 1), true}, "much too deep": {nested(5000), true},
}

// A message with headers out of bounds loses them, and nothing else.
func TestTame(t *testing.T) {
	for name, c := range bounds {
		in := properties(c.entries)
		before := bytes.Clone(in)
		out := tame(in)
		if !bytes.Equal(in, before) {
			t.Errorf("%s: the input was changed", name)
		}
		p, err := wire.ParseProperties(out)
		if err != nil || p.ContentType != "text/plain" || p.ReplyTo != "reply" {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if (p.Headers == nil) != c.tamed || !c.tamed && !bytes.Equal(out, in) {
			t.Errorf("%s: tamed: %v, want %v", name, p.Headers == nil, c.tamed)
		}
	}
}

// FuzzTame: what comes out is as valid as what went in, differs at most by its headers,
// and has headers within bounds.
func FuzzTame(f *testing.F) {
	f.Add(properties(many(3))) // small ones: it is by their number that fuzzing finds things
	f.Add(properties(nested(maxDepth)))
	f.Add(properties(nested(40)))
	f.Add(properties(nested(40))[:150])
	f.Add([]byte{0xff, 0xf8})
	f.Fuzz(func(t *testing.T, in []byte) {
		was, err := wire.ParseProperties(in)
		is, tamedErr := wire.ParseProperties(tame(in))
		if (err != nil) != (tamedErr != nil) && err == nil {
			t.Fatalf("valid before, and then: %v", tamedErr)
		}
		if err != nil {
			return
		}
		if was.CorrelationId != is.CorrelationId || was.ReplyTo != is.ReplyTo || was.AppId != is.AppId || !was.Timestamp.Equal(is.Timestamp) ||
			was.ContentType != is.ContentType || was.Expiration != is.Expiration || was.Type != is.Type {
			t.Fatalf("%+v became %+v", was, is)
		}
		if depth(is.Headers) > maxDepth+1 {
			t.Fatalf("headers %d deep", depth(is.Headers))
		}
	})
}

// depth is how many tables and arrays are in one another.
func depth(v any) int {
	most := 0
	switch v := v.(type) {
	case amqp.Table:
		for _, in := range v {
			most = max(most, depth(in))
		}
	case []any:
		for _, in := range v {
			most = max(most, depth(in))
		}
	default:
		return 0
	}
	return most + 1
}
