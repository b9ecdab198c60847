package amqprpc

import (
	"bufio"
	"encoding/binary"
	"fmt"
)

// A tamer passes AMQP frames on as they come, except for messages whose headers
// amqp091-go refuses to read: it allows maxDepth levels and maxEntries entries in each,
// and closes the whole connection on more. As a request such a message would come back
// for ever and take down every server, one connection after the other; as a reply it
// would cost a client all its calls in flight. So it loses its headers, and nothing else.
type tamer struct {
	r    *bufio.Reader
	left int    // bytes of the present frame still to pass on
	out  []byte // a frame that was changed, as far as it has not been read
	off  bool   // this is no stream of frames (any more): it passes as it is
}

const (
	// What amqp091-go v1.16 reads (read.go: maxFieldDepth, maxContainerElements).
	maxDepth   = 32
	maxEntries = 8192
	// smallest is the size of the smallest header table that could be refused: each
	// level takes its length, an empty name and a type, and an entry at least one byte.
	smallest = maxDepth * 6
	// largestBody is what RabbitMQ can be made to take at most. amqp091-go would gather whatever is
	// announced.
	largestBody  = 512 << 20
	largestFrame = 1 << 20 // twice what RabbitMQ can be made to agree on by default and more

	frameHead, frameEnd       = 7, 1
	frameMethod, frameHeader  = 1, 2
	frameBody, frameHeartbeat = 3, 8
	flagContentType           = 1 << 15
	flagContentEncoding       = 1 << 14
	flagHeaders               = 1 << 13
	contentHead               = 2 + 2 + 8 + 2 // class, weight, body size, flags
)

func (t *tamer) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case len(t.out) > 0:
			c := copy(p[n:], t.out)
			t.out = t.out[c:]
			n += c
		case t.off || t.left > 0:
			if n > 0 && t.r.Buffered() == 0 {
				return n, nil
			}
			want := p[n:]
			if !t.off {
				want = want[:min(len(want), t.left)]
			}
			c, err := t.r.Read(want)
			n += c
			t.left -= c
			if err != nil || t.off {
				return n, err
			}
		case n > 0 && t.r.Buffered() < frameHead:
			return n, nil
		default:
			if err := t.next(); err != nil {
				return n, err
			}
		}
	}
	return n, nil
}

// next looks at the frame that begins here. It blocks until that is possible.
func (t *tamer) next() error {
	head, err := t.r.Peek(frameHead)
	if err != nil {
		if len(head) > 0 {
			t.off = true // pass on what there is, and the error after it
			return nil
		}
		return err
	}
	size := binary.BigEndian.Uint32(head[3:])
	switch head[0] {
	case frameMethod, frameHeader, frameBody, frameHeartbeat:
	default:
		t.off = true
		return nil
	}
	if head[0] == frameHeader && size >= contentHead {
		if b, err := t.r.Peek(frameHead + contentHead); err == nil {
			if body := binary.BigEndian.Uint64(b[frameHead+4:]); body > largestBody {
				return fmt.Errorf("the broker announces a message of %d bytes, none may have more than %d", body, largestBody)
			}
		}
	}
	if head[0] != frameHeader || size < contentHead+smallest || size > largestFrame {
		t.left = frameHead + int(size) + frameEnd
		return nil
	}
	frame := make([]byte, frameHead+int(size)+frameEnd)
	for n := 0; n < len(frame); {
		c, err := t.r.Read(frame[n:])
		if n += c; err != nil {
			t.out, t.off = frame[:n], true
			return nil
		}
	}
	t.out = tame(frame)
	return nil
}

// tame returns a content header frame, without its header table where that cannot be
// read.
func tame(frame []byte) []byte {
	payload := frame[frameHead : len(frame)-frameEnd]
	flags := binary.BigEndian.Uint16(payload[contentHead-2:])
	at := contentHead
	for _, flag := range []uint16{flagContentType, flagContentEncoding} {
		if flags&flag != 0 {
			if at >= len(payload) {
				return frame
			}
			at += 1 + int(payload[at])
		}
	}
	if flags&flagHeaders == 0 || at+4 > len(payload) {
		return frame
	}
	length := int(binary.BigEndian.Uint32(payload[at:]))
	if length > len(payload)-at-4 {
		return frame
	}
	end := at + 4 + length
	if readable(payload[at+4:end], true, 0) {
		return frame
	}
	binary.BigEndian.PutUint16(payload[contentHead-2:], flags&^flagHeaders)
	binary.BigEndian.PutUint32(frame[3:], uint32(len(payload)-(end-at)))
	return append(frame[:frameHead+at], frame[frameHead+end:]...)
}

// readable reports whether amqp091-go reads the entries of a table or an array.
func readable(b []byte, names bool, depth int) bool {
	if depth > maxDepth {
		return false
	}
	for entries := 0; len(b) > 0; entries++ {
		if entries == maxEntries {
			return false
		}
		if names {
			n := 1 + int(b[0])
			if n >= len(b) {
				return false
			}
			b = b[n:]
		}
		kind := b[0]
		b = b[1:]
		size := 0
		switch kind {
		case 'V':
		case 't', 'b', 'B':
			size = 1
		case 's', 'u':
			size = 2
		case 'I', 'i', 'f':
			size = 4
		case 'D':
			size = 5
		case 'l', 'd', 'T':
			size = 8
		case 'S', 'x', 'A', 'F':
			if len(b) < 4 {
				return false
			}
			n := binary.BigEndian.Uint32(b)
			b = b[4:]
			if uint64(n) > uint64(len(b)) {
				return false
			}
			size = int(n)
			if kind == 'A' || kind == 'F' {
				if !readable(b[:size], kind == 'F', depth+1) {
					return false
				}
			}
		default:
			return false
		}
		if size > len(b) {
			return false
		}
		b = b[size:]
	}
	return true
}
