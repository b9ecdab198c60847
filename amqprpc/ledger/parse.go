package ledger

import (
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"math"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"rpcscope/amqprpc"
)

// A parser reads the lines of one recording. It is strict about JSON and about the
// types of the keys that it knows, and skips the others. It is some ten times as fast
// as encoding/json, and allocates only the strings that it has not seen lately.
type parser struct {
	start   time.Time
	entry   Entry
	conn    amqprpc.ConnectionInfo
	msg     []byte
	raw     raw[[]byte]
	hasCI   bool
	headers []byte
	body    []byte

	in   []byte // the line
	pos  int
	text []byte // unescaped strings of the line

	seed    maphash.Seed
	strings []string // seen lately, by hash
}

const internSlots = 1 << 13

func (p *parser) parse(line []byte) (*Entry, error) {
	if p.strings == nil {
		p.seed, p.strings = maphash.MakeSeed(), make([]string, internSlots)
	}
	p.in, p.pos, p.text = line, 0, p.text[:0]
	p.entry = Entry{}
	var at int64
	var message bool
	err := p.object(func(key []byte) (err error) {
		e := &p.entry
		switch string(key) {
		case "t":
			at, err = p.offset()
		case "k":
			e.Kind, err = named(p, kinds)
		case "id":
			e.ID, err = p.short(maxShort)
		case "a":
			e.Attempt, err = p.int()
		case "ep":
			e.Epoch, err = p.int()
		case "in":
			e.Intended, err = p.time()
		case "dl":
			e.Deadline, err = p.time()
		case "c":
			e.Class, err = named(p, classNames)
		case "o":
			e.Outcome, err = named(p, outcomeNames)
		case "si":
			e.Since, err = p.duration()
		case "by":
			e.AnsweredBy, err = p.short(maxShort)
		case "co":
			e.Code, err = p.int()
		case "x":
			e.Text, err = p.short(maxText)
		case "d":
			e.Delay, err = p.duration()
		case "cn":
			e.Connection = &p.conn
			p.conn = amqprpc.ConnectionInfo{}
			err = p.object(p.connKey)
		case "m":
			message = true
			p.raw = raw[[]byte]{timestamp: noTime}
			p.hasCI = false
			p.headers, p.body = p.headers[:0], nil
			err = p.object(p.messageKey)
		default:
			err = p.skip()
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos != len(p.in) {
		return nil, p.bad("more than one value")
	}
	if p.entry.Kind == amqprpc.NoEvent {
		return nil, p.bad("no kind of event")
	}
	p.entry.Time = p.start.Add(time.Duration(at))
	if message {
		p.finishMessage()
	}
	return &p.entry, nil
}

func (p *parser) finishMessage() {
	r := &p.raw
	if !p.hasCI {
		p.text = append(p.text, p.entry.ID...)
		r.props[pCorrelationID] = p.text[len(p.text)-len(p.entry.ID):]
	}
	r.headers = p.headers
	kept := 0
	eachHeader(r.headers, func([]byte, byte, bool, []byte) bool { kept++; return true })
	r.headersTotal = max(r.headersTotal, kept)
	r.body = p.body[:min(len(p.body), MaxBodyBytes)]
	r.bodyLen = max(r.bodyLen, len(p.body))
	p.msg = appendRaw(p.msg[:0], r)
	p.entry.msg = p.msg
}

func (p *parser) connKey(key []byte) (err error) {
	switch string(key) {
	case "ad":
		p.conn.Address, err = p.short(maxShort)
	case "pr":
		p.conn.Product, err = p.short(maxShort)
	case "ve":
		p.conn.Version, err = p.short(maxShort)
	case "qu":
		p.conn.Queue, err = p.short(maxShort)
	default:
		err = p.skip()
	}
	return err
}

func (p *parser) messageKey(key []byte) (err error) {
	r := &p.raw
	prop := -1
	switch string(key) {
	case "ex":
		prop = pExchange
	case "rk":
		prop = pRoutingKey
	case "ct":
		prop = pContentType
	case "ce":
		prop = pContentEncoding
	case "ci":
		prop = pCorrelationID
		p.hasCI = true
	case "rt":
		prop = pReplyTo
	case "xp":
		prop = pExpiration
	case "mi":
		prop = pMessageID
	case "ty":
		prop = pType
	case "ui":
		prop = pUserID
	case "ai":
		prop = pAppID
	case "dm":
		r.mode, err = p.byte()
	case "pr":
		r.priority, err = p.byte()
	case "ts":
		r.timestamp, err = p.number()
		r.timestamp = max(r.timestamp, noTime+1)
	case "rd":
		r.redelivered, err = p.bool()
	case "h":
		p.headers = p.headers[:0]
		err = p.array(p.header)
	case "hn":
		r.headersTotal, err = p.count()
	case "b":
		p.body, err = p.string()
	case "b64":
		err = p.base64()
	case "n":
		r.bodyLen, err = p.count()
	default:
		err = p.skip()
	}
	if prop >= 0 {
		r.props[prop], err = p.string()
	}
	return err
}

// header reads [key, type, text] or [key, type, text, true].
func (p *parser) header() error {
	var key, value []byte
	var typ byte
	var cut bool
	i := 0
	err := p.array(func() (err error) {
		switch i {
		case 0:
			key, err = p.string()
		case 1:
			var s []byte
			if s, err = p.string(); err == nil {
				var ok bool
				if typ, ok = typeLetter(s); !ok {
					err = p.bad("no type of header")
				}
			}
		case 2:
			value, err = p.string()
		case 3:
			cut, err = p.bool()
		default:
			err = p.skip()
		}
		i++
		return err
	})
	if err == nil && i < 3 {
		err = p.bad("half a header")
	}
	if err == nil {
		p.headers, _ = appendHeader(p.headers, key, typ, value, cut, MaxHeaderBytes)
	}
	return err
}

func (p *parser) base64() error {
	s, err := p.string()
	if err != nil {
		return err
	}
	start := len(p.text)
	p.text, err = base64.StdEncoding.AppendDecode(p.text, s)
	if err != nil {
		return p.bad("not base64")
	}
	p.body = p.text[start:]
	return nil
}

// The names of the vocabulary, as they stand in recordings.
var (
	kinds        = names(amqprpc.NoEvent+1, amqprpc.EventReset)
	classNames   = names(amqprpc.Answer, amqprpc.Unknown)
	outcomeNames = names(amqprpc.InFlight, amqprpc.Closed)
)

func names[T interface {
	~uint8
	fmt.Stringer
}](first, last T) map[string]T {
	m := make(map[string]T)
	for v := first; v <= last; v++ {
		m[v.String()] = v
	}
	return m
}

func named[T any](p *parser, m map[string]T) (v T, err error) {
	s, err := p.string()
	if err != nil {
		return v, err
	}
	v, ok := m[string(s)]
	if !ok {
		return v, p.bad("no such name")
	}
	return v, nil
}

// short reads a string of at most n bytes; of a longer one, the beginning.
func (p *parser) short(n int) (string, error) {
	s, err := p.string()
	if err != nil || len(s) == 0 {
		return "", err
	}
	s = s[:min(len(s), n)]
	slot := &p.strings[maphash.Bytes(p.seed, s)%internSlots]
	if *slot != string(s) {
		*slot = string(s)
	}
	return *slot, nil
}

func (p *parser) int() (int, error) {
	n, err := p.number()
	return int(n), err
}

func (p *parser) duration() (time.Duration, error) {
	n, err := p.number()
	return time.Duration(n), err
}

func (p *parser) offset() (int64, error) {
	n, err := p.number()
	return min(max(n, -maxOffset), maxOffset), err
}

func (p *parser) time() (time.Time, error) {
	n, err := p.offset()
	return p.start.Add(time.Duration(n)), err
}

func (p *parser) count() (int, error) {
	n, err := p.number()
	return int(min(max(n, 0), math.MaxInt32)), err
}

func (p *parser) byte() (byte, error) {
	n, err := p.number()
	if err == nil && (n < 0 || n > 255) {
		err = p.bad("not 0 to 255")
	}
	return byte(n), err
}

// bad is the error at the present place in the line.
func (p *parser) bad(what string) error {
	return fmt.Errorf("%w: %s at column %d", ErrSyntax, what, p.pos+1)
}

// What follows is JSON (RFC 8259) as far as it is needed.

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
