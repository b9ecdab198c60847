package wire

import (
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// The bounds of headers that are sent. Headers cannot be split over frames, and a broker closes the
// connection if a frame exceeds the max size, 128 KiB by RabbitMQ's default. A peer with amqp091-go loses its
// connection if headers nest deeper than 32 levels, or have more than 8,192 fields in one table.
const (
	maxHeaders = 64 << 10 // bytes
	sentDepth  = 16
	sentValues = 8192 // in all, tables and arrays included
)

// CheckHeaders returns an error, which wraps [ErrValue], if headers have no form on the wire, if not all peers
// can read them, or if RabbitMQ would close the channel because of them.
func CheckHeaders(t amqp.Table) error {
	if len(t) == 0 {
		return nil
	}
	left := sentValues
	if !fits(t, 0, &left) { // before AppendTable, which does not end if a table contains itself
		return fmt.Errorf("%w: more than %d levels or %d values", ErrValue, sentDepth, sentValues)
	}
	encoded, err := AppendTable(nil, t)
	switch {
	case err != nil:
		return err
	case len(encoded) > maxHeaders:
		return fmt.Errorf("%w: more than %d bytes", ErrValue, maxHeaders)
	}
	for _, key := range [...]string{"CC", "BCC"} {
		if v, ok := t[key]; ok && !isStrings(v) {
			return fmt.Errorf("%w: %s is a %T, RabbitMQ takes it for further routing keys: a []any of strings", ErrValue, key, v)
		}
	}
	return nil
}

// fits reports whether a value is within the bounds. It subtracts the number of its values from left.
func fits(v any, depth int, left *int) bool {
	*left--
	fit := depth <= sentDepth && *left >= 0
	switch v := v.(type) {
	case amqp.Table:
		for _, inner := range v {
			fit = fit && fits(inner, depth+1, left)
		}
	case []any:
		for _, inner := range v {
			fit = fit && fits(inner, depth+1, left)
		}
	}
	return fit
}

func isStrings(v any) bool {
	list, ok := v.([]any)
	for _, s := range list {
		if _, isString := s.(string); !isString {
			return false
		}
	}
	return ok
}
