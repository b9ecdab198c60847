package ledger

import (
	"fmt"
	"math"
	"unicode/utf16"
	"unicode/utf8"
)

// This file reads JSON (RFC 8259), as far as a [parser] needs it: a line is read once,
// from left to right, and values are handed on as they come.

// bad is the error at the present place in the line.
func (p *parser) bad(what string) error {
	return fmt.Errorf("%w: %s at column %d", ErrSyntax, what, p.pos+1)
}

func (p *parser) space() {
	for p.pos < len(p.in) {
		switch p.in[p.pos] {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the first byte of what comes next, 0 at the end.
func (p *parser) peek() byte {
	if p.pos < len(p.in) && p.in[p.pos] > ' ' {
		return p.in[p.pos]
	}
	p.space()
	if p.pos < len(p.in) {
		return p.in[p.pos]
	}
	return 0
}

func (p *parser) expect(c byte) error {
	if p.peek() != c {
		return p.bad("expected '" + string(rune(c)) + "'")
	}
	p.pos++
	return nil
}

// object reads an object; member is called at every value.
func (p *parser) object(member func(key []byte) error) error {
	if err := p.expect('{'); err != nil {
		return err
	}
	if p.peek() == '}' {
		p.pos++
		return nil
	}
	for {
		key, err := p.string()
		if err != nil {
			return err
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		if p.peek() == ',' {
			p.pos++
			continue
		}
		return p.expect('}')
	}
}

// array reads an array; element is called at every value.
func (p *parser) array(element func() error) error {
	if err := p.expect('['); err != nil {
		return err
	}
	if p.peek() == ']' {
		p.pos++
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if p.peek() == ',' {
			p.pos++
			continue
		}
		return p.expect(']')
	}
}

func (p *parser) bool() (bool, error) {
	switch p.peek() {
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	}
	return false, p.bad("expected true or false")
}

func (p *parser) word(w string) error {
	if len(p.in)-p.pos < len(w) || string(p.in[p.pos:p.pos+len(w)]) != w {
		return p.bad("expected " + w)
	}
	p.pos += len(w)
	return nil
}

// number reads a whole number.
func (p *parser) number() (int64, error) {
	negative := p.peek() == '-'
	if negative {
		p.pos++
	}
	start := p.pos
	var n uint64
	for p.pos < len(p.in) && digit(p.in[p.pos]) {
		d := uint64(p.in[p.pos] - '0')
		if n > (math.MaxInt64+1-d)/10 {
			return 0, p.bad("number too large")
		}
		n = n*10 + d
		p.pos++
	}
	if n > math.MaxInt64 && !negative {
		return 0, p.bad("number too large")
	}
	switch {
	case p.pos == start, p.in[start] == '0' && p.pos > start+1:
		return 0, p.bad("expected a whole number")
	case p.pos < len(p.in) && (p.in[p.pos] == '.' || p.in[p.pos]|0x20 == 'e'):
		return 0, p.bad("expected a whole number")
	case negative:
		return int64(-n), nil
	}
	return int64(n), nil
}

// string reads a string. The result refers to the line or to p.text.
func (p *parser) string() ([]byte, error) {
	if p.peek() != '"' {
		return nil, p.bad("expected a string")
	}
	p.pos++
	start := p.pos
	in := p.in
	i := start
	for i < len(in) && plainIn[in[i]] {
		i++
	}
	p.pos = i
	if i < len(in) && in[i] == '"' {
		p.pos++
		return in[start:i:i], nil
	}
	return p.escaped(start)
}

// plainIn marks the bytes that stand for themselves when read.
var plainIn = func() (t [256]bool) {
	for c := 0x20; c < 256; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// escaped goes on with a string at its first escape.
func (p *parser) escaped(from int) ([]byte, error) {
	start := len(p.text)
	for {
		p.text = append(p.text, p.in[from:p.pos]...)
		if p.pos == len(p.in) {
			return nil, p.bad("string without an end")
		}
		switch c := p.in[p.pos]; c {
		case '"':
			p.pos++
			return p.text[start:], nil
		case '\\':
			if err := p.escape(); err != nil {
				return nil, err
			}
		default:
			return nil, p.bad("control character in a string")
		}
		from = p.pos
		for p.pos < len(p.in) && plainIn[p.in[p.pos]] {
			p.pos++
		}
	}
}

func (p *parser) escape() error {
	if p.pos+1 >= len(p.in) {
		return p.bad("half an escape")
	}
	c := p.in[p.pos+1]
	switch c {
	case '"', '\\', '/':
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'r':
		c = '\r'
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'u':
		r, ok := p.hex(p.pos + 2)
		if !ok {
			return p.bad("half an escape")
		}
		p.pos += 6
		switch {
		case utf16.IsSurrogate(r):
			if p.pos+1 < len(p.in) && p.in[p.pos] == '\\' && p.in[p.pos+1] == 'u' {
				if low, ok := p.hex(p.pos + 2); ok {
					if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
						p.pos += 6
						p.text = utf8.AppendRune(p.text, pair)
						return nil
					}
				}
			}
			if 0xdc80 <= r && r <= 0xdcff {
				p.text = append(p.text, byte(r)) // a byte that is not UTF-8
				return nil
			}
			p.text = utf8.AppendRune(p.text, utf8.RuneError)
		default:
			p.text = utf8.AppendRune(p.text, r)
		}
		return nil
	default:
		return p.bad("no such escape")
	}
	p.text = append(p.text, c)
	p.pos += 2
	return nil
}

func (p *parser) hex(at int) (r rune, ok bool) {
	if at+4 > len(p.in) {
		return 0, false
	}
	for _, c := range p.in[at : at+4] {
		switch {
		case digit(c):
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// maxSkip is how deep a value of an unknown key may be nested.
const maxSkip = 64

// skip reads any value.
func (p *parser) skip() error { return p.skipDeep(0) }

func (p *parser) skipDeep(depth int) (err error) {
	if depth > maxSkip {
		return p.bad("nested too deeply")
	}
	switch c := p.peek(); {
	case c == '{':
		return p.object(func([]byte) error { return p.skipDeep(depth + 1) })
	case c == '[':
		return p.array(func() error { return p.skipDeep(depth + 1) })
	case c == '"':
		_, err = p.string()
		return err
	case c == 't', c == 'f':
		_, err = p.bool()
		return err
	case c == 'n':
		return p.word("null")
	case c == '-' || digit(c):
		return p.skipNumber()
	}
	return p.bad("expected a value")
}

func (p *parser) skipNumber() error {
	run := func() bool {
		start := p.pos
		for p.pos < len(p.in) && digit(p.in[p.pos]) {
			p.pos++
		}
		return p.pos > start
	}
	at := func(any string) bool {
		for i := range any {
			if p.pos < len(p.in) && p.in[p.pos] == any[i] {
				p.pos++
				return true
			}
		}
		return false
	}
	at("-")
	if !at("0") && !run() || at(".") && !run() {
		return p.bad("not a number")
	}
	if at("eE") {
		at("+-")
		if !run() {
			return p.bad("not a number")
		}
	}
	return nil
}
