package wire

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"
)

const (
	readAhead      = 64 << 10
	protocolHeader = "AMQP\x00\x00\x09\x01"
	// protocolHeader09 is that of AMQP 0-9.
	protocolHeader09 = "AMQP\x01\x01\x00\x09"
)

// A Reader takes frames from a stream. It reads ahead. It is for one goroutine.
type Reader struct {
	r          io.Reader
	buf        []byte
	start, end int    // what is read and not taken: buf[start:end]
	frameMax   uint32 // with overhead; 0 is no limit
	err        error  // what the stream ended with, when it has
}

// NewReader returns a Reader of r which takes no frames above [FrameMinSize], and reads no
// more ahead, until [Reader.SetFrameMax].
func NewReader(r io.Reader) *Reader {
	return &Reader{r: r, buf: make([]byte, FrameMinSize), frameMax: FrameMinSize}
}

// SetFrameMax sets the size of the largest frame to accept, with its [FrameOverhead]. 0 is
// no limit, as it is in tune. Even then, memory is taken as octets arrive, not as they are
// announced. From then on 64 KiB are read ahead: a stream that does not come as far as that, to the end of a
// handshake, is not worth so much.
func (r *Reader) SetFrameMax(size uint32) {
	r.frameMax = size
	if len(r.buf) < readAhead {
		r.buf = append(r.buf, make([]byte, readAhead-len(r.buf))...)
	}
}

// Buffered returns how many octets are read ahead and not taken yet.
func (r *Reader) Buffered() int { return r.end - r.start }

// Ready says whether a whole frame has been read ahead, so that
// ReadFrame will not wait.
func (r *Reader) Ready() bool {
	if r.Buffered() < frameHead {
		return false
	}
	size := binary.BigEndian.Uint32(r.buf[r.start+3:])
	return uint64(r.Buffered()) >= uint64(size)+FrameOverhead
}

// ReadProtocolHeader reads the 8 octets with which a client of AMQP 0-9-1 begins, or those of
// 0-9, which Perl's Net::AMQP means 0-9-1 by. It
// returns a [*ProtocolError] as soon as any others have come, io.EOF for a stream without a
// single one, and io.ErrUnexpectedEOF for one that ends among the right ones. Other
// errors of the stream are returned as they are.
func (r *Reader) ReadProtocolHeader() error {
	for n := 1; n <= len(protocolHeader); n++ {
		if err := r.fill(n); err != nil {
			return err
		}
		got := r.buf[r.start:r.end]
		if began := string(got[:n]); !strings.HasPrefix(protocolHeader, began) && !strings.HasPrefix(protocolHeader09, began) {
			got = got[:min(len(got), len(protocolHeader))]
			return &ProtocolError{Got: append([]byte(nil), got...)}
		}
	}
	r.start += len(protocolHeader)
	return nil
}

// ReadFrame reads one frame. It returns an [*Error] with code [FrameError] for a frame
// above the limit, as soon as its size is known, for a type of frame that there is not,
// and for one that does not end as frames do: nothing after that is worth reading. A
// stream that ends between frames gives io.EOF, one that ends within a frame
// io.ErrUnexpectedEOF, and other errors of the stream are returned as they are.
func (r *Reader) ReadFrame() (Frame, error) {
	if err := r.fill(frameHead); err != nil {
		return Frame{}, err
	}
	head := r.buf[r.start:]
	f := Frame{Type: head[0], Channel: binary.BigEndian.Uint16(head[1:])}
	size := binary.BigEndian.Uint32(head[3:])
	if r.frameMax != 0 && uint64(size)+FrameOverhead > uint64(r.frameMax) {
		most := max(r.frameMax, FrameOverhead) - FrameOverhead
		return Frame{}, frameError(f, "{frame_too_large,"+utoa(size)+","+utoa(most)+"}")
	}
	if uint64(size)+FrameOverhead > maxInt { // of 32 bits
		return Frame{}, frameError(f, "{frame_too_large,"+utoa(size)+"}")
	}
	n := int(size) + FrameOverhead
	if err := r.fill(n); err != nil {
		return Frame{}, err
	}
	whole := r.buf[r.start : r.start+n]
	f.Payload = whole[frameHead : n-1 : n-1]
	if end := whole[n-1]; end != FrameEnd {
		return Frame{}, frameError(f, "{invalid_frame_end_marker,"+utoa(uint32(end))+"}")
	}
	switch f.Type {
	case FrameMethod, FrameHeader, FrameBody:
	case FrameHeartbeat:
		if size != 0 {
			return Frame{}, frameError(f, "unknown_frame")
		}
	default:
		return Frame{}, frameError(f, "unknown_frame")
	}
	r.start += n
	return f, nil
}

const maxInt = uint64(^uint(0) >> 1)

// fill reads until n octets are there to be taken.
func (r *Reader) fill(n int) error {
	if r.Buffered() >= n {
		return nil
	}
	if r.start > 0 && r.start+n > len(r.buf) || r.start == r.end {
		r.end = copy(r.buf, r.buf[r.start:r.end])
		r.start = 0
	}
	for idle := 0; r.Buffered() < n; {
		if r.err != nil {
			if r.err == io.EOF && r.Buffered() > 0 {
				return io.ErrUnexpectedEOF
			}
			return r.err
		}
		if r.end == len(r.buf) { // grows with what has come, whatever was announced
			r.buf = append(r.buf, make([]byte, min(len(r.buf), n-r.Buffered()))...)
		}
		var got int
		got, r.err = r.r.Read(r.buf[r.end:])
		r.end += got
		if got > 0 {
			idle = 0
		} else if idle++; idle == 100 && r.err == nil {
			r.err = io.ErrNoProgress
		}
	}
	return nil
}

// frameError words a broken frame as RabbitMQ does.
func frameError(f Frame, what string) *Error {
	const most = 16
	which, snippet := "all", f.Payload
	if len(snippet) > most {
		which, snippet = "first 16", snippet[:most]
	}
	return Errorf(FrameError, "type %d, %s octets = <<%s>>: %s", f.Type, which, erlang(snippet), what)
}

// erlang writes octets as Erlang does: quoted where all of them are printable ASCII.
func erlang(b []byte) string {
	printable := len(b) > 0
	for _, c := range b {
		printable = printable && c >= ' ' && c <= '~'
	}
	if printable {
		return strconv.Quote(string(b))
	}
	var s strings.Builder
	for i, c := range b {
		if i > 0 {
			s.WriteByte(',')
		}
		s.WriteString(utoa(uint32(c)))
	}
	return s.String()
}

func utoa(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
