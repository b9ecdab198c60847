package lab

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
	parts []templatePart
}

// A templatePart is literal text or a placeholder.
type templatePart struct {
	kind     partKind
	text     string
	from, to int64
}

type partKind uint8

const (
	literal partKind = iota
	callNumber
	sharedNumber
	ownNumber
	randomID
)

// ParseTemplate parses a template; n has the range of {n}. The error is an amqprpc.ErrInvalidConfig.
func ParseTemplate(text string, n *Fib) (*Template, error) {
	if len(text) > MaxTemplate {
		return nil, invalid("it is longer than %d bytes", MaxTemplate)
	}
	t := &Template{text: text, n: n}
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t.parts = append(t.parts, templatePart{text: plain.String()})
			plain.Reset()
		}
	}
	for rest := text; rest != ""; {
		at := strings.IndexByte(rest, '{')
		if at < 0 {
			plain.WriteString(rest)
			break
		}
		plain.WriteString(rest[:at])
		rest = rest[at+1:]
		if !isPlaceholder(rest) {
			plain.WriteByte('{')
			rest = strings.TrimPrefix(rest, "{")
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, invalid("%.40q has no closing brace; for the brace itself write {{", "{"+rest)
		}
		part, err := parsePlaceholder(name)
		if err != nil {
			return nil, err
		}
		flush()
		t.parts = append(t.parts, part)
		rest = after
	}
	flush()
	return t, nil
}

// isPlaceholder reports whether a brace before s begins a placeholder.
func isPlaceholder(s string) bool {
	return s != "" && ('a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}

func parsePlaceholder(name string) (templatePart, error) {
	kind, numbers, ranged := strings.Cut(name, ":")
	switch {
	case name == "k":
		return templatePart{kind: callNumber}, nil
	case name == "n":
		return templatePart{kind: sharedNumber}, nil
	case name == "uuid":
		return templatePart{kind: randomID}, nil
	case kind == "n" && ranged:
		low, high, _ := strings.Cut(numbers, "-")
		from, err1 := strconv.ParseInt(low, 10, 64)
		to, err2 := strconv.ParseInt(high, 10, 64)
		switch {
		case err1 != nil || err2 != nil || from < 0 || max(from, to) > maxNumber:
			return templatePart{}, invalid("%.40q is not a range such as {n:1-100}, from 0 to 10^18", "{"+name+"}")
		case to < from:
			return templatePart{}, invalid("%.40q is a reversed range: write {n:%d-%d}", "{"+name+"}", to, from)
		}
		return templatePart{kind: ownNumber, from: from, to: to}, nil
	}
	return templatePart{}, invalid("%.40q is none of {k}, {n}, {n:1-100} and {uuid}; for the brace itself write {{", "{"+name+"}")
}

// String returns the text that [ParseTemplate] has parsed.
func (t *Template) String() string { return t.text }

// HasN reports whether the template has an {n}.
func (t *Template) HasN() bool {
	return slices.ContainsFunc(t.parts, func(p templatePart) bool { return p.kind == sharedNumber })
}

// Body returns the body of call k.
func (t *Template) Body(k int64, rng *rand.Rand) []byte {
	var body []byte
	n := -1
	for _, p := range t.parts {
		switch p.kind {
		case literal:
			body = append(body, p.text...)
		case callNumber:
			body = strconv.AppendInt(body, k, 10)
		case sharedNumber:
			if n < 0 {
				n = t.n.draw(rng)
			}
			body = strconv.AppendInt(body, int64(n), 10)
		case ownNumber:
			body = strconv.AppendInt(body, p.from+rng.Int64N(p.to-p.from+1), 10)
		case randomID:
			body = fmt.Append(body, drawID(rng))
		}
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
