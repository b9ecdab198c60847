package amqprpc

import "encoding/binary"

// Bounds of the headers that a received message may have: as many as amqp091-go reads, since
// other clients, a recording and a screen have to walk through them too.
const (
	maxDepth   = 32
	maxEntries = 8192
	// smallest is the size of the smallest header table that could be out of bounds: each
	// level takes its length, an empty name and a type, and an entry at least one byte.
	smallest = maxDepth * 6
)

// Flags of the properties that come before the headers, and of these.
const (
	flagContentType     = 1 << 15
	flagContentEncoding = 1 << 14
	flagHeaders         = 1 << 13
)

// tame returns properties, without their headers where these are more than anybody should
// have to walk through. Such a message would come back for ever, or cost a client all its
// calls in flight, if the connection were closed because of it: so it loses its headers,
// and nothing else.
func tame(properties []byte) []byte {
	const flagsSize = 2
	if len(properties) < flagsSize+smallest {
		return properties
	}
	flags := binary.BigEndian.Uint16(properties)
	at := flagsSize
	for _, flag := range []uint16{flagContentType, flagContentEncoding} {
		if flags&flag != 0 {
			if at >= len(properties) {
				return properties
			}
			at += 1 + int(properties[at])
		}
	}
	if flags&flagHeaders == 0 || at+4 > len(properties) {
		return properties
	}
	length := binary.BigEndian.Uint32(properties[at:])
	if uint64(length) > uint64(len(properties)-at-4) {
		return properties
	}
	end := at + 4 + int(length)
	if readable(properties[at+4:end], true, 0) {
		return properties
	}
	bare := binary.BigEndian.AppendUint16(nil, flags&^flagHeaders)
	bare = append(bare, properties[flagsSize:at]...)
	return append(bare, properties[end:]...)
}

// readable reports whether the entries of a table or an array are within the bounds.
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
		case 'l', 'L', 'd', 'T':
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
