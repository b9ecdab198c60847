package wire

import (
	"errors"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// CheckHeaders refuses headers that would close a connection.
func TestCheckHeaders(t *testing.T) {
	long := strings.Repeat("k", 256)
	deep := amqp.Table{}
	for range 2000 {
		deep = amqp.Table{"in": deep}
	}
	cyclic := amqp.Table{}
	cyclic["in"] = []any{cyclic}
	wide := any("v") // 10^12 values
	for range 12 {
		wide = slices.Repeat([]any{wide}, 10)
	}
	for name, c := range map[string]struct {
		headers amqp.Table
		fine    bool
	}{
		"none":                     {nil, true},
		"empty":                    {amqp.Table{}, true},
		"all types":                {amqp.Table{"a": nil, "b": true, "c": int64(1), "d": "s", "e": []byte("b"), "f": time.Now(), "g": 1.5, "h": amqp.Decimal{}}, true},
		"nested":                   {amqp.Table{"a": []any{amqp.Table{"b": []any{int32(1)}}}}, true},
		"a name of 255 bytes":      {amqp.Table{long[:255]: 1}, true},
		"a name of 256 bytes":      {amqp.Table{long: 1}, false},
		"a nested one":             {amqp.Table{"a": []any{amqp.Table{"b": amqp.Table{long: 1}}}}, false},
		"a type that AMQP lacks":   {amqp.Table{"a": struct{}{}}, false},
		"a nested type it lacks":   {amqp.Table{"a": []any{map[string]any{}}}, false},
		"uint64, which AMQP lacks": {amqp.Table{"a": uint64(1)}, false},
		"an int of 32 bits":        {amqp.Table{"a": math.MinInt32}, true},
		"an int that would be cut": {amqp.Table{"a": math.MaxInt}, strconv.IntSize == 32},
		"max bytes":                {amqp.Table{"a": strings.Repeat("v", maxHeaders-11)}, true},
		"too many bytes":           {amqp.Table{"a": strings.Repeat("v", maxHeaders-10)}, false},
		"max fields":               {amqp.Table{"a": make([]any, sentValues-2)}, true},
		"too many fields":          {amqp.Table{"a": make([]any, sentValues-1)}, false},
		"deep":                     {deep, false},
		"cyclic":                   {cyclic, false},
		"wide":                     {amqp.Table{"a": wide}, false},
	} {
		err := CheckHeaders(c.headers)
		if (err == nil) != c.fine || err != nil && !errors.Is(err, ErrValue) {
			t.Errorf("%s: error %v", name, err)
		}
		if err != nil && len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}
