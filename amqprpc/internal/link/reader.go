package link

import (
	"net"
	"sync"
	"time"

	"rpcscope/amqprpc/internal/wire"
)

// A stream is the net.Conn of amqp091-go. Its Read intercepts the frames of messages and gives them to the
// handler; its Write adds to the writer.
type stream struct {
	*handshake          // TLS, or the socket itself
	raw        net.Conn // the socket
	writer     *writer

	frames   *wire.Reader
	passed   []byte    // frames for amqp091-go that it has not read yet
	passedAt time.Time // when it last got one

	canceled func(error) // called if the broker cancels a consumer

	mu      sync.Mutex // held while the handler is called
	handler Handler    // nil after stop
	content content
}

// maxSilence is how long amqp091-go may read nothing, while all frames are for the handler, before it gets
// a heartbeat. A busy broker sends no heartbeats.
const maxSilence = time.Second

func newStream(conn, raw net.Conn, h Handler, w *writer, canceled func(error)) *stream {
	first := &handshake{Conn: conn}
	s := &stream{
		handshake: first, raw: raw, writer: w, frames: wire.NewReader(first), handler: h, canceled: canceled, passedAt: time.Now(),
	}
	s.frames.SetFrameMax(frameMax)
	return s
}

// Write sends whole frames of amqp091-go.
func (s *stream) Write(p []byte) (int, error) { return s.writer.Write(p) }

// Close closes the socket, without TLS's close_notify, which would block if the peer does not read.
func (s *stream) Close() error {
	s.writer.disable(net.ErrClosed)
	return s.raw.Close()
}

// stop waits for a call of the handler to return, and prevents further calls.
func (s *stream) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = nil
}

// Read reads frames for amqp091-go.
func (s *stream) Read(p []byte) (int, error) {
	for len(s.passed) == 0 {
		f, err := s.frames.ReadFrame()
		if err != nil {
			return 0, err
		}
		taken, err := s.intercept(f)
		switch {
		case err != nil:
			return 0, err
		case !taken:
			s.passed = wire.AppendFrame(s.passed, f.Type, f.Channel, f.Payload)
		case !s.frames.Ready() && time.Since(s.passedAt) > maxSilence:
			s.passed = wire.AppendHeartbeat(s.passed)
		}
		if len(s.passed) > 0 {
			s.passedAt = time.Now()
		}
	}
	n := copy(p, s.passed)
	s.passed = s.passed[n:]
	return n, nil
}

// intercept gives a frame to the handler, or returns false if it is for amqp091-go. After an error the
// connection is useless: the broker does not speak AMQP.
func (s *stream) intercept(f wire.Frame) (taken bool, err error) {
	switch {
	case f.Channel == 0 && f.Type == wire.FrameMethod:
		return s.alarm(f.Payload)
	case f.Channel != channelNumber:
		return false, nil
	case f.Type == wire.FrameMethod:
		return s.method(f.Payload)
	case f.Type == wire.FrameHeader:
		return true, s.complete(s.content.header(f.Payload))
	case f.Type == wire.FrameBody:
		return true, s.complete(s.content.body(f.Payload))
	}
	return false, nil
}

// alarm intercepts the alarms among the methods of channel 0. amqp091-go panics if it is closed while it
// reports one.
func (s *stream) alarm(payload []byte) (taken bool, err error) {
	m, err := wire.ParseMethod(payload)
	switch m := m.(type) {
	case *wire.ConnectionBlocked:
		s.call(func(h Handler) { h.Blocked(true, m.Reason) })
		return true, nil
	case *wire.ConnectionUnblocked:
		s.call(func(h Handler) { h.Blocked(false, "") })
		return true, nil
	}
	return false, err
}

func (s *stream) method(payload []byte) (taken bool, err error) {
	class, method, err := wire.MethodID(payload)
	switch {
	case err != nil:
		return false, err
	case s.content.begun:
		return false, wire.Errorf(wire.UnexpectedFrame, "%s in the middle of a message", wire.MethodName(class, method))
	case class != wire.ClassBasic:
		return false, nil
	case method == wire.BasicDeliverID:
		return true, s.content.deliver(payload)
	case method == wire.BasicAckID:
		tag, multiple, err := wire.ParseAck(payload)
		if err == nil {
			s.call(func(h Handler) { h.Confirmed(tag, multiple, true) })
		}
		return true, err
	}
	m, err := wire.ParseMethod(payload)
	switch m := m.(type) {
	case *wire.BasicReturn:
		s.content.begun = true
		s.content.returned = &Return{Code: int(m.ReplyCode), Text: m.ReplyText, Exchange: m.Exchange, RoutingKey: m.RoutingKey}
		return true, nil
	case *wire.BasicNack:
		s.call(func(h Handler) { h.Confirmed(m.DeliveryTag, m.Multiple, false) })
		return true, nil
	case *wire.BasicCancel:
		s.canceled(&CancelError{m.ConsumerTag})
	}
	return false, err // amqp091-go answers a cancel
}

// complete gives the message to the handler if all of it arrived.
func (s *stream) complete(err error) error {
	c := &s.content
	if err != nil || c.missing > 0 {
		return err
	}
	if c.returned != nil {
		c.returned.Properties = c.properties
		s.call(func(h Handler) { h.Returned(*c.returned) })
	} else {
		c.delivery.Properties = c.properties
		s.call(func(h Handler) { h.Delivered(c.delivery) })
	}
	c.begun, c.delivery, c.returned, c.properties = false, Delivery{}, nil, nil
	return nil
}

func (s *stream) call(f func(Handler)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.handler != nil {
		f(s.handler)
	}
}
