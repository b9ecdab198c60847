package lab

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	// MaxTemplate bounds the text of a [Template], in bytes.
	MaxTemplate = 8 << 10
	// maxNumber is the greatest random number of a template.
	maxNumber = 1_000_000_000_000_000_000
)

// A Template is the body of requests, with placeholders:
//
//	{k}        the number of the call, from 0
//	{n}        a random number from the range of --fib, the same each time in one body
//	{n:1-100}  a random number from 1 to 100, another each time
//	{uuid}     a random UUID, another each time
//	{{         a brace
//
// A brace before anything but a letter is literal, so that {"id": {k}} is JSON. Random values depend
// only on the random numbers that [Template.Body] gets.
type Template struct {
	text  string
	n     *Fib // the range of {n}
	hasN  bool
	parts []templatePart
}

// A templatePart appends its text to a body.
type templatePart func(body []byte, v *templateValues) []byte

// templateValues has the values of one body.
type templateValues struct {
	k   int64
	n   int // -1 until it is drawn
	rng *rand.Rand
}

var templateTokens = regexp.MustCompile(`\{\{|\{[A-Za-z][^}]*\}?`)

// ParseTemplate parses a template; n has the range of {n}. The error is an amqprpc.ErrInvalidConfig.
func ParseTemplate(text string, n *Fib) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, invalid("it is longer than %d bytes", MaxTemplate)
	}
	t := &Template{text: text, n: n}
	literal := func(s string) {
		t.parts = append(t.parts, func(body []byte, _ *templateValues) []byte { return append(body, s...) })
	}
	end := 0
	for _, at := range templateTokens.FindAllStringIndex(text, -1) {
		token := text[at[0]:at[1]]
		literal(text[end:at[0]])
		end = at[1]
		if token == "{{" {
			literal("{")
			continue
		}
		part, err := t.parsePlaceholder(token)
		if err != nil {
			return nil, err
		}
		t.parts = append(t.parts, part)
	}
	literal(text[end:])
	return t, nil
}

func (t *Template) parsePlaceholder(token string) (templatePart, error) {
	numbers, isRange := strings.CutPrefix(token, "{n:")
	switch {
	case !strings.HasSuffix(token, "}"):
		return nil, invalid("%.40q has no closing brace; for the brace itself write {{", token)
	case token == "{k}":
		return func(body []byte, v *templateValues) []byte { return strconv.AppendInt(body, v.k, 10) }, nil
	case token == "{n}":
		t.hasN = true
		return func(body []byte, v *templateValues) []byte {
			if v.n < 0 {
				v.n = t.n.draw(v.rng)
			}
			return strconv.AppendInt(body, int64(v.n), 10)
		}, nil
	case token == "{uuid}":
		return func(body []byte, v *templateValues) []byte { return fmt.Append(body, drawID(v.rng)) }, nil
	case !isRange:
		return nil, invalid("%.40q is none of {k}, {n}, {n:1-100} and {uuid}; for the brace itself write {{", token)
	}
	low, high, _ := strings.Cut(strings.TrimSuffix(numbers, "}"), "-")
	from, err1 := strconv.ParseInt(low, 10, 64)
	to, err2 := strconv.ParseInt(high, 10, 64)
	switch {
	case err1 != nil || err2 != nil || from < 0 || max(from, to) > maxNumber:
		return nil, invalid("%.40q is not a range such as {n:1-100}, from 0 to 10^18", token)
	case to < from:
		return nil, invalid("%.40q is a reversed range: write {n:%d-%d}", token, to, from)
	}
	return func(body []byte, v *templateValues) []byte {
		return strconv.AppendInt(body, from+v.rng.Int64N(to-from+1), 10)
	}, nil
}

// String returns the text that [ParseTemplate] has parsed.
func (t *Template) String() string { return t.text }

// HasN reports whether the template has an {n}.
func (t *Template) HasN() bool { return t.hasN }

// Body returns the body of call k.
func (t *Template) Body(k int64, rng *rand.Rand) []byte {
	var body []byte
	v := templateValues{k: k, n: -1, rng: rng}
	for _, part := range t.parts {
		body = part(body, &v)
	}
	return body
}

// drawID returns a random UUID of version 4.
func drawID(rng *rand.Rand) uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
