package ledger

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Header is one field of a message's headers table, as text.
type Header struct {
	Key string
	// Type is "bool", "int8" to "int64", "uint8" to "uint32", "float32", "float64",
	// "decimal", "string", "bytes", "time", "array", "table", "void", or "other".
	Type string
	// Value is the value as text: strings as they are, times in RFC 3339, bytes in
	// hexadecimal, arrays and tables shortened and similar to JSON.
	Value string
	// Cut reports whether Value is only the beginning of the value.
	Cut bool
}

const (
	maxHeaders     = 64   // of one message
	maxHeaderValue = 1024 // of one header, in bytes
	maxNested      = 16   // elements of a nested array or table
	maxDepth       = 4    // of nested arrays and tables
	headerCost     = 13   // at least the size of a stored header without its key and value
)

// headerTypes has the types by AMQP's own letters (as RabbitMQ understands them).
var headerTypes = map[string]string{
	"t": "bool", "b": "int8", "B": "uint8", "s": "int16", "u": "uint16", "I": "int32", "i": "uint32",
	"l": "int64", "f": "float32", "d": "float64", "D": "decimal", "S": "string", "A": "array",
	"T": "time", "F": "table", "V": "void", "x": "bytes", "?": "other",
}

// cutHeaders shortens headers to a budget, in bytes: it cuts the value of the last header that fits
// and drops those after it.
func cutHeaders(headers []Header, budget int) []Header {
	for i := range headers {
		h := &headers[i]
		h.Key = prefix(h.Key, maxShort)
		budget -= headerCost + len(h.Key)
		if budget < 0 {
			return headers[:i]
		}
		room := min(budget, maxHeaderValue)
		if len(h.Value) > room {
			h.Value, h.Cut = h.Value[:room], true
			if room == budget {
				return headers[:i+1]
			}
		}
		budget -= len(h.Value)
	}
	return headers
}

// appendHeaders appends the headers of t as text, sorted by key so that equal tables give equal
// headers.
func appendHeaders(dst []Header, t amqp.Table) []Header {
	for key := range t {
		dst = append(dst, Header{Key: key})
	}
	slices.SortFunc(dst, func(a, b Header) int { return strings.Compare(a.Key, b.Key) })
	dst = dst[:min(len(dst), maxHeaders)]
	for i := range dst {
		h := &dst[i]
		if s, ok := t[h.Key].(string); ok {
			h.Type, h.Value = "string", s
		} else {
			var value []byte
			value, h.Type = appendValue(nil, t[h.Key], maxHeaderValue, 0)
			h.Value = string(value)
		}
		h.Cut = len(h.Value) > maxHeaderValue
		h.Value = prefix(h.Value, maxHeaderValue)
	}
	return dst
}

// appendValue appends v as text and returns the name of its type. It stops soon after the length end.
func appendValue(dst []byte, v any, end, depth int) ([]byte, string) {
	switch v := v.(type) {
	case nil:
		return dst, "void"
	case bool, int8, uint8, int16, uint16, int32, uint32, int64, float32, float64:
		return fmt.Append(dst, v), reflect.TypeOf(v).Name()
	case int:
		return fmt.Append(dst, v), "int32" // as it is sent
	case amqp.Decimal:
		return fmt.Appendf(dst, "%de-%d", v.Value, v.Scale), "decimal"
	case string:
		return append(dst, prefix(v, room(dst, end))...), "string"
	case []byte:
		return fmt.Appendf(dst, "%x", v[:min(len(v), room(dst, end)/2+1)]), "bytes"
	case time.Time:
		return v.UTC().AppendFormat(dst, time.RFC3339), "time"
	case amqp.Table:
		return appendTable(dst, v, end, depth), "table"
	case map[string]any:
		return appendTable(dst, v, end, depth), "table"
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			var more bool
			if dst, more = separate(dst, i, end, depth); !more {
				break
			}
			dst = appendNested(dst, e, end, depth)
		}
		return append(dst, ']'), "array"
	}
	return fmt.Appendf(dst, "%T", v), "other"
}

func appendTable(dst []byte, t amqp.Table, end, depth int) []byte {
	dst = append(dst, '{')
	for i, key := range slices.Sorted(maps.Keys(t)) {
		var more bool
		if dst, more = separate(dst, i, end, depth); !more {
			break
		}
		dst = append(dst, prefix(key, room(dst, end))...)
		dst = append(dst, ": "...)
		dst = appendNested(dst, t[key], end, depth)
	}
	return append(dst, '}')
}

// separate appends the text before element i of an array or a table. It reports false if the
// element is one too many.
func separate(dst []byte, i, end, depth int) (out []byte, more bool) {
	if i > 0 {
		dst = append(dst, ", "...)
	}
	if i == maxNested || depth == maxDepth || len(dst) > end {
		return append(dst, "..."...), false
	}
	return dst, true
}

// appendNested quotes strings, so that one cannot pass for several elements.
func appendNested(dst []byte, v any, end, depth int) []byte {
	if s, ok := v.(string); ok {
		return strconv.AppendQuote(dst, prefix(s, room(dst, end)))
	}
	dst, _ = appendValue(dst, v, end, depth+1)
	return dst
}

// room returns how much may still be written, and one byte more to show that there was more.
func room(dst []byte, end int) int { return max(end-len(dst), 0) + 1 }
