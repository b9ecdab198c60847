package wire

// Types of frames.
const (
	FrameMethod    = 1
	FrameHeader    = 2
	FrameBody      = 3
	FrameHeartbeat = 8
)

const (
	frameEnd      = 0xCE // the byte after every payload
	FrameOverhead = 8    // bytes of a frame that are not payload
	FrameMinSize  = 4096 // the max size of a frame before tune, and the least that can be tuned
)

const frameHead = 7 // bytes before the payload: type, channel, size

const (
	protocolHeader   = "AMQP\x00\x00\x09\x01"
	protocolHeader09 = "AMQP\x01\x01\x00\x09" // of AMQP 0-9
)

// A Frame is a frame that was read. Its payload is valid until the next read.
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
	return append(dst, FrameHeartbeat, 0, 0, 0, 0, 0, 0, frameEnd)
}

// AppendProtocolHeader appends the 8 bytes with which a client begins. A broker answers with them if it
// gets others.
func AppendProtocolHeader(dst []byte) []byte {
	return append(dst, protocolHeader...)
}

// beginFrame appends the head of a frame, and returns where its payload starts. endFrame fills in the
// size.
func beginFrame(dst []byte, typ uint8, channel uint16) ([]byte, int) {
	dst = append(dst, typ, byte(channel>>8), byte(channel), 0, 0, 0, 0)
	return dst, len(dst)
}

func endFrame(dst []byte, start int) []byte {
	return append(endLong(dst, start), frameEnd)
}
