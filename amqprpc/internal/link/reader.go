package link

import (
	"net"
	"sync"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

// A stream is the net.Conn under amqp091-go. Its Read takes the frames of messages out of what
// arrives and gives them to the handler; its Write is that of the writer.
type stream struct {
	*handshake          // TLS, or the socket itself
	raw        net.Conn // the socket
	writer     *writer

	frames *wire.Reader
	passed []byte    // frames for amqp091-go, as far as it has not read them
	told   time.Time // when it last got one

	cancels chan string // the consumer that the broker has canceled last

	mu      sync.Mutex // held while the handler is called
	handler Handler    // nil after stop
	content content    // the message under way
}

// silence is how long amqp091-go may read nothing before it is given a heartbeat, although all that
// arrived was for the handler: a broker that has other things to send sends no heartbeats.
const silence = time.Second

func newStream(conn, raw net.Conn, in Handler, w *writer) *stream {
	first := &handshake{Conn: conn}
	s := &stream{
		handshake: first, raw: raw, writer: w, frames: wire.NewReader(first), handler: in, told: time.Now(),
		cancels: make(chan string, 1),
	}
	s.frames.SetFrameMax(frameMax)
	return s
}

// Write adds whole frames of amqp091-go to those of the writer.
func (s *stream) Write(p []byte) (int, error) { return s.writer.Write(p) }

// SetDeadline sets the deadline of reads. That of writes belongs to the writer.
func (s *stream) SetDeadline(t time.Time) error { return s.SetReadDeadline(t) }

// Close closes the socket, without TLS's close_notify, which would wait for a peer that does not
// read.
func (s *stream) Close() error {
	s.writer.disable(net.ErrClosed)
	return s.raw.Close()
}

// stop waits for a call of the handler that is under way, and makes sure that there is no further one.
func (s *stream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = nil
}

// Read reads what is left for amqp091-go, the only one to call it.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.passed) == 0 {
		f, err := s.frames.ReadFrame()
		if err != nil {
			return 0, err
		}
		taken, err := s.take(f)
		switch {
		case err != nil:
			return 0, err
		case !taken:
			s.passed = wire.AppendFrame(s.passed, f.Type, f.Channel, f.Payload)
		case !s.frames.Ready() && time.Since(s.told) > silence:
			s.passed = wire.AppendHeartbeat(s.passed)
		}
		if len(s.passed) > 0 {
			s.told = time.Now()
		}
	}
	n := copy(p, s.passed)
	if s.passed = s.passed[n:]; len(s.passed) == 0 {
		s.passed = nil
	}
	return n, nil
}

// take gives a frame to the handler, or reports that it is for amqp091-go. After an error, of a broker
// that does not speak AMQP, the connection cannot be used any more.
func (s *stream) take(f wire.Frame) (taken bool, err error) {
	if f.Channel == 0 && f.Type == wire.FrameMethod {
		return s.connectionMethod(f.Payload)
	}
	if f.Channel != channelNumber {
		return false, nil
	}
	switch f.Type {
	case wire.FrameMethod:
		return s.method(f.Payload)
	case wire.FrameHeader:
		return true, s.message(s.content.header(f.Payload))
	case wire.FrameBody:
		return true, s.message(s.content.more(f.Payload))
	}
	return false, nil
}

// connectionMethod takes alarms. amqp091-go panics if it is closed while it tells of one.
func (s *stream) connectionMethod(payload []byte) (taken bool, err error) {
	class, method, err := wire.MethodID(payload)
	if err != nil || class != wire.ClassConnection {
		return false, err
	}
	switch method {
	case wire.ConnectionBlockedID:
		m, err := wire.ParseMethod(payload)
		if err == nil {
			s.call(func(in Handler) { in.Blocked(true, m.(*wire.ConnectionBlocked).Reason) })
		}
		return true, err
	case wire.ConnectionUnblockedID:
		s.call(func(in Handler) { in.Blocked(false, "") })
		return true, nil
	}
	return false, nil
}

func (s *stream) method(payload []byte) (taken bool, err error) {
	class, method, err := wire.MethodID(payload)
	if err != nil {
		return false, err
	}
	if s.content.method != 0 {
		return false, wire.Errorf(wire.UnexpectedFrame, "%s in the middle of a message", wire.MethodName(class, method))
	}
	if class != wire.ClassBasic {
		return false, nil
	}
	switch method {
	case wire.BasicDeliverID:
		return true, s.content.beginDelivery(payload)
	case wire.BasicReturnID:
		return true, s.content.beginReturn(payload)
	case wire.BasicAckID:
		tag, multiple, err := wire.ParseAck(payload)
		if err == nil {
			s.call(func(in Handler) { in.Confirmed(tag, multiple, true) })
		}
		return true, err
	case wire.BasicNackID:
		m, err := wire.ParseMethod(payload)
		if err == nil {
			nack := m.(*wire.BasicNack)
			s.call(func(in Handler) { in.Confirmed(nack.DeliveryTag, nack.Multiple, false) })
		}
		return true, err
	case wire.BasicCancelID:
		m, err := wire.ParseMethod(payload)
		if err == nil {
			select {
			case s.cancels <- m.(*wire.BasicCancel).ConsumerTag:
			default: // one is enough to end the link
			}
		}
		return false, err // amqp091-go answers it
	}
	return false, nil
}

// message gives the message under way to the handler once it is complete.
func (s *stream) message(complete bool, err error) error {
	if err != nil || !complete {
		return err
	}
	switch c := &s.content; c.method {
	case wire.BasicDeliverID:
		s.call(func(in Handler) { in.Delivered(c.delivery) })
	case wire.BasicReturnID:
		s.call(func(in Handler) { in.Returned(c.returned) })
	}
	s.content.end()
	return nil
}

func (s *stream) call(f func(Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handler != nil {
		f(s.handler)
	}
}
