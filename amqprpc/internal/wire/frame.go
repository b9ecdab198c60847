package wire

import "encoding/binary"

// Types of frames.
const (
	FrameMethod    = 1
	FrameHeader    = 2
	FrameBody      = 3
	FrameHeartbeat = 8
)

const (
	FrameEnd      = 0xCE // the octet after every payload
	FrameOverhead = 8    // octets of a frame that are not payload
	FrameMinSize  = 4096 // the largest frame that may be sent before tune, and the least that can be tuned
)

const frameHead = 7 // octets before the payload: type, channel, size

// A Frame is one frame as it was read. Its payload is valid until the next read.
type Frame struct {
	Type    uint8
	Channel uint16
	Payload []byte
}

// AppendFrame appends a frame of any type.
func AppendFrame(dst []byte, typ uint8, channel uint16, payload []byte) []byte {
	dst, start := beginFrame(dst, typ, channel)
	return endFrame(append(dst, payload...), start)
}

// AppendHeartbeat appends a heartbeat frame.
func AppendHeartbeat(dst []byte) []byte {
	return append(dst, FrameHeartbeat, 0, 0, 0, 0, 0, 0, FrameEnd)
}

// AppendProtocolHeader appends the 8 octets with which a client begins, and with which a
// broker answers one that begins with any others.
func AppendProtocolHeader(dst []byte) []byte {
	return append(dst, protocolHeader...)
}

// beginFrame appends the head of a frame whose size endFrame fills in, and returns where
// that frame's payload starts.
func beginFrame(dst []byte, typ uint8, channel uint16) ([]byte, int) {
	dst = append(dst, typ, byte(channel>>8), byte(channel), 0, 0, 0, 0)
	return dst, len(dst)
}

func endFrame(dst []byte, start int) []byte {
	binary.BigEndian.PutUint32(dst[start-4:], uint32(len(dst)-start))
	return append(dst, FrameEnd)
}
