package lab

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

const (
	// MostTemplate is how long the text of a [Template] may be, in bytes.
	MaxTemplate = 8 << 10
	// mostNumber is the greatest random number of a template.
	mostNumber = 1_000_000_000_000_000_000
)

// A Template is the body of requests, with places that differ from one to the next. In
// its text
//
//	{k}        is the number of the call, from 0
//	{n}        is a random number from the range of --fib, the same wherever it stands
//	{n:1-100}  is a random number from 1 to 100, another wherever it stands
//	{uuid}     is a random UUID, another wherever it stands
//	{{         is a brace
//
// and all else is itself (no text at all is an empty body), a brace that no letter follows too, so that {"id": {k}} is JSON.
// What is random follows from the random numbers given alone.
type Template struct {
	text  string
	n     *Fib // the range of {n}
	parts []templatePart
}

// A templatePart is text, or a place.
type templatePart struct {
	kind     placeKind
	text     string
	from, to int64
}

type placeKind uint8

const (
	plainText placeKind = iota
	callNumber
	sharedNumber
	ownNumber
	randomID
)

// ParseTemplate reads the text of a template. {n} is from the range of n. The error is
// an amqprpc.ErrInvalidConfig and says what in the text is wrong.
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
		if !beginsPlace(rest) {
			plain.WriteByte('{')
			rest = strings.TrimPrefix(rest, "{")
			continue
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, invalid("%.40q has no closing brace; for the brace itself write {{", "{"+rest)
		}
		part, err := parsePlace(name)
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

// beginsPlace reports whether a brace before s begins a place.
func beginsPlace(s string) bool {
	return s != "" && ('a' <= s[0]|0x20 && s[0]|0x20 <= 'z')
}

func parsePlace(name string) (templatePart, error) {
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
		case err1 != nil || err2 != nil || from < 0 || max(from, to) > mostNumber:
			return templatePart{}, invalid("%.40q is not a range such as {n:1-100}, from 0 to 10^18", "{"+name+"}")
		case to < from:
			return templatePart{}, invalid("%.40q is a reversed range: write {n:%d-%d}", "{"+name+"}", to, from)
		}
		return templatePart{kind: ownNumber, from: from, to: to}, nil
	}
	return templatePart{}, invalid("%.40q is none of {k}, {n}, {n:1-100} and {uuid}; for the brace itself write {{", "{"+name+"}")
}

// String returns what [ParseTemplate] read.
func (t *Template) String() string { return t.text }

// HasN reports whether there is an {n} in it, so that the range of n matters.
func (t *Template) HasN() bool {
	for _, p := range t.parts {
		if p.kind == sharedNumber {
			return true
		}
	}
	return false
}

// Body makes the body of call k.
func (t *Template) Body(k int64, rng *rand.Rand) []byte {
	var body []byte
	n := -1
	for _, p := range t.parts {
		switch p.kind {
		case plainText:
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

// drawID makes a random UUID, of version 4.
func drawID(rng *rand.Rand) uuid.UUID {
	var id uuid.UUID
	for i := range id {
		id[i] = byte(rng.Uint32())
	}
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return id
}
