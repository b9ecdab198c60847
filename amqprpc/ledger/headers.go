package ledger

import (
	"fmt"
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
	// Value is the value in words: strings as they are, times in RFC 3339, bytes in
	// hexadecimal, arrays and tables abridged in the manner of JSON.
	Value string
	// Cut says that Value is not the whole of it.
	Cut bool
}

const (
	maxHeaders     = 64   // of one message
	maxHeaderValue = 1024 // of one header, in bytes
	maxNested      = 16   // elements of a nested array or table
	maxDepth       = 4    // of nested arrays and tables
	headerCost     = 4    // what a stored header takes besides its key and its value
)

// headerTypes names the types by AMQP's own letters (as RabbitMQ understands them).
var headerTypes = [128]string{
	't': "bool", 'b': "int8", 'B': "uint8", 's': "int16", 'u': "uint16", 'I': "int32", 'i': "uint32",
	'l': "int64", 'f': "float32", 'd': "float64", 'D': "decimal", 'S': "string", 'A': "array",
	'T': "time", 'F': "table", 'V': "void", 'x': "bytes", '?': "other",
}

const cutFlag = 0x80 // in a stored header's type byte

// A headerWriter renders tables into their stored form. Its space is reused.
type headerWriter struct {
	keys  []string
	value []byte
	out   []byte
}

// write renders t within budget, keys in order, so that the same table gives the same
// bytes. The time is bounded too: by the number of keys and by what is kept.
func (w *headerWriter) write(t amqp.Table, budget int) []byte {
	w.keys = firstKeys(w.keys[:0], t, maxHeaders)
	w.out = w.out[:0]
	for _, k := range w.keys {
		var typ byte
		var cut bool
		w.value, typ, cut = appendValue(w.value[:0], t[k], maxHeaderValue)
		var more bool
		if w.out, more = appendHeader(w.out, k, typ, w.value, cut, budget); !more {
			break
		}
	}
	clear(w.keys) // refer to no message
	return w.out
}

// appendHeader appends one header while the whole stays within budget, shortening
// the value of the last one. To trim to a budget and then to a smaller one is the same
// as to trim to the smaller one: a replayed recording depends on that. So the lengths
// have a fixed size: one byte for the key, one for the type, two for the value.
func appendHeader[S string | []byte](dst []byte, key S, typ byte, value []byte, cut bool, budget int) ([]byte, bool) {
	if len(key) > maxShort {
		key = key[:maxShort]
	}
	if len(value) > maxHeaderValue {
		value, cut = value[:maxHeaderValue], true
	}
	room := budget - len(dst) - headerCost - len(key)
	if room < 0 {
		return dst, false
	}
	more := true
	if len(value) > room {
		value, cut, more = value[:room], true, false
	}
	if cut {
		typ |= cutFlag
	}
	dst = append(dst, byte(len(key)))
	dst = append(dst, key...)
	dst = append(dst, typ, byte(len(value)>>8), byte(len(value)))
	return append(dst, value...), more
}

// eachHeader calls f for every header in stored form until it says no.
func eachHeader(b []byte, f func(key []byte, typ byte, cut bool, value []byte) bool) {
	for len(b) > 0 {
		n := 1 + int(b[0])
		key, typ, size := b[1:n], b[n], int(b[n+1])<<8|int(b[n+2])
		b = b[n+3:]
		if !f(key, typ&^cutFlag, typ&cutFlag != 0, b[:size]) {
			return
		}
		b = b[size:]
	}
}

func trimHeaders(dst, b []byte, budget int) []byte {
	eachHeader(b, func(key []byte, typ byte, cut bool, value []byte) (more bool) {
		dst, more = appendHeader(dst, key, typ, value, cut, budget)
		return more
	})
	return dst
}

func decodeHeaders(b []byte) (all []Header) {
	eachHeader(b, func(key []byte, typ byte, cut bool, value []byte) bool {
		all = append(all, Header{Key: string(key), Type: headerTypes[typ], Value: string(value), Cut: cut})
		return true
	})
	return all
}

// firstKeys appends the first n keys of t, in order. It looks at each key once and
// keeps n, so that a table of a hundred thousand keys is not sorted.
func firstKeys(keys []string, t amqp.Table, n int) []string {
	for k := range t {
		if len(keys) == n {
			if k >= keys[n-1] {
				continue
			}
			keys = keys[:n-1]
		}
		i := len(keys)
		keys = append(keys, k)
		for ; i > 0 && keys[i-1] > k; i-- {
			keys[i] = keys[i-1]
		}
		keys[i] = k
	}
	return keys
}

// appendValue renders v in at most limit bytes and names its type's letter.
func appendValue(dst []byte, v any, limit int) (out []byte, typ byte, cut bool) {
	start := len(dst)
	dst, typ = appendAny(dst, v, start+limit, 0)
	if len(dst)-start > limit {
		return dst[:start+limit], typ, true
	}
	return dst, typ, false
}

// appendAny renders v; it may go beyond end, but not by much, and stops there.
func appendAny(dst []byte, v any, end, depth int) ([]byte, byte) {
	switch v := v.(type) {
	case nil:
		return dst, 'V'
	case bool:
		return strconv.AppendBool(dst, v), 't'
	case int8:
		return strconv.AppendInt(dst, int64(v), 10), 'b'
	case uint8:
		return strconv.AppendUint(dst, uint64(v), 10), 'B'
	case int16:
		return strconv.AppendInt(dst, int64(v), 10), 's'
	case uint16:
		return strconv.AppendUint(dst, uint64(v), 10), 'u'
	case int32:
		return strconv.AppendInt(dst, int64(v), 10), 'I'
	case uint32:
		return strconv.AppendUint(dst, uint64(v), 10), 'i'
	case int:
		return strconv.AppendInt(dst, int64(v), 10), 'I'
	case int64:
		return strconv.AppendInt(dst, v, 10), 'l'
	case float32:
		return strconv.AppendFloat(dst, float64(v), 'g', -1, 32), 'f'
	case float64:
		return strconv.AppendFloat(dst, v, 'g', -1, 64), 'd'
	case amqp.Decimal:
		dst = strconv.AppendInt(dst, int64(v.Value), 10)
		dst = append(dst, "e-"...)
		return strconv.AppendUint(dst, uint64(v.Scale), 10), 'D'
	case string:
		return append(dst, v[:min(len(v), room(dst, end))]...), 'S'
	case []byte:
		v = v[:min(len(v), room(dst, end)/2+1)]
		for _, c := range v {
			const digits = "0123456789abcdef"
			dst = append(dst, digits[c>>4], digits[c&15])
		}
		return dst, 'x'
	case time.Time:
		return v.UTC().AppendFormat(dst, time.RFC3339), 'T'
	case amqp.Table:
		return appendTable(dst, v, end, depth), 'F'
	case map[string]any:
		return appendTable(dst, v, end, depth), 'F'
	case []any:
		dst = append(dst, '[')
		for i, e := range v {
			if i > 0 {
				dst = append(dst, ", "...)
			}
			if i == maxNested || depth == maxDepth || len(dst) > end {
				dst = append(dst, "..."...)
				break
			}
			dst = appendNested(dst, e, end, depth)
		}
		return append(dst, ']'), 'A'
	default:
		return append(dst, fmt.Sprintf("%T", v)...), '?'
	}
}

func appendTable(dst []byte, t amqp.Table, end, depth int) []byte {
	dst = append(dst, '{')
	for i, k := range firstKeys(nil, t, maxNested+1) {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if i == maxNested || depth == maxDepth || len(dst) > end {
			dst = append(dst, "..."...)
			break
		}
		dst = append(dst, k[:min(len(k), room(dst, end))]...)
		dst = append(dst, ": "...)
		dst = appendNested(dst, t[k], end, depth)
	}
	return append(dst, '}')
}

// appendNested quotes strings, so that one cannot pass for an element of its own.
func appendNested(dst []byte, v any, end, depth int) []byte {
	if s, ok := v.(string); ok {
		return strconv.AppendQuote(dst, s[:min(len(s), room(dst, end))])
	}
	dst, _ = appendAny(dst, v, end, depth+1)
	return dst
}

// room is how much may still be written, and one byte more, by which a cut is seen.
func room(dst []byte, end int) int { return max(end-len(dst), 0) + 1 }

// typeLetter is the inverse of headerTypes.
func typeLetter(s []byte) (byte, bool) {
	if len(s) == 1 && s[0] < 128 && headerTypes[s[0]] != "" {
		return s[0], true
	}
	return 0, false
}

// cloneShort makes s a string of its own where it must be cut. A part of a string
// would keep the whole alive.
func cloneShort(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.Clone(s[:n])
}
