package ledger

import (
	"encoding/base64"
	"fmt"
	"hash/maphash"
	"math"
	"time"

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
	kinds        = kindNames()
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
