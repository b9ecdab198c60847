package wire

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
)

const readAhead = 64 << 10

// A Reader reads frames from a stream. It reads ahead. Only one goroutine may use it.
type Reader struct {
	r          io.Reader
	buf        []byte
	start, end int    // buf[start:end] is read ahead
	frameMax   uint32 // with overhead
	err        error  // of r
}

// NewReader returns a Reader of r. Until [Reader.SetFrameMax] its max frame size is [FrameMinSize], and it
// reads no more ahead.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, buf: make([]byte, FrameMinSize), frameMax: FrameMinSize}
}

// SetFrameMax sets the max size of a frame, with its [FrameOverhead]; 0 is no limit. From then on 64 KiB
// are read ahead: a stream that does not get through its handshake is not worth as much. Memory grows with
// the bytes that arrive, not with the sizes that frames announce.
func (r *Reader) SetFrameMax(size uint32) {
	if size == 0 || size > math.MaxInt32 {
		size = math.MaxInt32
	}
	r.frameMax = size
	if len(r.buf) < readAhead {
		r.buf = append(r.buf, make([]byte, readAhead-len(r.buf))...)
	}
}

// Buffered returns how many bytes are read ahead.
func (r *Reader) Buffered() int { return r.end - r.start }

// Ready reports whether a whole frame is read ahead, so that ReadFrame will not block.
func (r *Reader) Ready() bool {
	if r.Buffered() < frameHead {
		return false
	}
	size := binary.BigEndian.Uint32(r.buf[r.start+3:])
	return uint64(r.Buffered()) >= uint64(size)+FrameOverhead
}

// ReadProtocolHeader reads the 8 bytes with which a client of AMQP 0-9-1 begins, or those of 0-9, by which
// Perl's Net::AMQP means 0-9-1. It returns a [*ProtocolError] for any others, and errors of the stream as
// ReadFrame does.
func (r *Reader) ReadProtocolHeader() error {
	if err := r.fill(len(protocolHeader)); err != nil {
		return err
	}
	header := r.buf[r.start : r.start+len(protocolHeader)]
	if s := string(header); s != protocolHeader && s != protocolHeader09 {
		return &ProtocolError{Got: bytes.Clone(header)}
	}
	r.start += len(protocolHeader)
	return nil
}

// ReadFrame reads one frame. It returns an [*Error] with the code [FrameError] for a frame above the max
// size, of an unknown type, or without the byte that ends frames; then the rest of the stream is
// useless. A stream that ends between frames returns io.EOF, one that ends within a frame
// io.ErrUnexpectedEOF. Other errors of the stream are returned as they are.
func (r *Reader) ReadFrame() (Frame, error) {
	if err := r.fill(frameHead); err != nil {
		return Frame{}, err
	}
	head := r.buf[r.start:]
	f := Frame{Type: head[0], Channel: binary.BigEndian.Uint16(head[1:])}
	size := uint64(binary.BigEndian.Uint32(head[3:]))
	if size+FrameOverhead > uint64(r.frameMax) {
		return Frame{}, Errorf(FrameError, "a frame of %d bytes, the limit is %d", size+FrameOverhead, r.frameMax)
	}
	n := int(size) + FrameOverhead
	if err := r.fill(n); err != nil {
		return Frame{}, err
	}
	whole := r.buf[r.start : r.start+n]
	f.Payload = whole[frameHead : n-1 : n-1]
	if end := whole[n-1]; end != frameEnd {
		return Frame{}, Errorf(FrameError, "a frame of type %d ends with %#x", f.Type, end)
	}
	switch {
	case f.Type == FrameMethod, f.Type == FrameHeader, f.Type == FrameBody, f.Type == FrameHeartbeat && size == 0:
		r.start += n
		return f, nil
	}
	return Frame{}, Errorf(FrameError, "a frame of type %d with %d bytes of payload", f.Type, size)
}

// fill reads until n bytes are read ahead.
func (r *Reader) fill(n int) error {
	if r.Buffered() >= n {
		return nil
	}
	if r.start > 0 && r.start+n > len(r.buf) || r.start == r.end {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for r.Buffered() < n {
		if r.err != nil {
			if r.err == io.EOF && r.Buffered() > 0 {
				return io.ErrUnexpectedEOF
			}
			return r.err
		}
		if r.end == len(r.buf) { // grow with the bytes that came
			r.buf = append(r.buf, make([]byte, min(len(r.buf), n-r.Buffered()))...)
		}
		var got int
		got, r.err = r.r.Read(r.buf[r.end:])
		r.end += got
	}
	return nil
}
