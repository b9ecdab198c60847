package amqprpc

import (
	"net"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A stream is the socket under one connection of amqp091-go. That library sets the
// connection up, declares, consumes, sends heartbeats and closes. What happens for each
// call goes past it: a stream takes deliveries, confirms and returned messages out of what
// arrives and gives them to its inbox, and takes publishes and acks beside what
// amqp091-go writes.
//
// There are three reasons. Speed: a delivery would pass through three goroutines and some
// twenty allocations, and each publish would be a system call. Memory: amqp091-go's buffer
// before a consumer has no bound. Robustness: it closes the connection on headers that it
// does not like, waits 5 s for each return, alarm or cancel that nobody takes, and panics where
// it is closed while it tells of an alarm.
type stream struct {
	net.Conn          // TLS, or raw itself
	raw      net.Conn // the socket

	writing sync.Mutex // frames are written whole

	frames *wire.Reader
	passed []byte    // frames for amqp091-go, as far as it has not read them
	told   time.Time // when it was last given one

	// What the broker has said last, until somebody takes it.
	alarms  chan amqp.Blocking // whether it takes publishes
	cancels chan string        // of which consumer it has told that it is canceled

	mu     sync.Mutex // held while the inbox is used
	inbox  inbox      // nil once nobody is to be told any more
	coming content    // the message under way
}

// An inbox is told of what a stream takes, by the goroutine that reads the stream: it must
// not wait for anything that comes through the same one.
type inbox interface {
	// delivered takes a message for the consumer. It keeps m.
	delivered(tag uint64, m Message)
	// returned takes a message that the broker could not route. It keeps m.
	returned(code int, text string, m Message)
	// settled takes a publisher confirm: acked or nacked, this one or all up to it.
	settled(tag uint64, multiple, acked bool)
}

const (
	// The first channel that is opened on a connection is the one that serves calls.
	callChannel = 1
	// frameMax is RabbitMQ's default, and the most that is agreed on here.
	frameMax = 128 << 10
	// amqp091-go takes a broker for dead of which it reads nothing for three heartbeats,
	// of a second at least, and a broker that has other things to send sends no
	// heartbeats. So it is given one where all went past it for this long.
	silence = time.Second
)

func newStream(conn, raw net.Conn, in inbox) *stream {
	s := &stream{
		Conn: conn, raw: raw, frames: wire.NewReader(conn), inbox: in, told: time.Now(),
		alarms: make(chan amqp.Blocking, 1), cancels: make(chan string, 1),
	}
	s.frames.SetFrameMax(frameMax)
	return s
}

// Close closes the socket, without TLS's goodbye, which would wait for a peer that
// does not read.
func (s *stream) Close() error { return s.raw.Close() }

// Write writes whole frames: amqp091-go writes what is smaller than its buffer in one
// piece, and all that is left to it is. It blocks while another goroutine's
// write blocks.
//
// A heartbeat beside a write that is under way is left out, as what is being written is a sign
// of life, too. To wait would cost the connection while the broker does not read for an
// alarm: in amqp091-go the goroutine that sends heartbeats is the one that extends the read deadline.
func (s *stream) Write(p []byte) (int, error) {
	if !s.writing.TryLock() {
		if isHeartbeat(p) {
			return len(p), nil
		}
		s.writing.Lock()
	}
	defer s.writing.Unlock()
	return s.Conn.Write(p)
}

func isHeartbeat(p []byte) bool {
	return len(p) == wire.FrameOverhead && p[0] == wire.FrameHeartbeat
}

// deafen makes sure that the inbox is told of nothing any more. It waits for a call to it
// that is under way.
func (s *stream) deafen() {
	s.mu.Lock()
	s.inbox = nil
	s.mu.Unlock()
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

// take hands a frame to the inbox, or says that it is not for it. An error is a broker's
// that does not speak AMQP: the connection cannot be used any more.
func (s *stream) take(f wire.Frame) (taken bool, err error) {
	if f.Channel == 0 && f.Type == wire.FrameMethod {
		return s.alarm(f.Payload)
	}
	if f.Channel != callChannel {
		return false, nil
	}
	switch f.Type {
	case wire.FrameMethod:
		return s.method(f.Payload)
	case wire.FrameHeader:
		return true, s.whole(s.coming.header(f.Payload))
	case wire.FrameBody:
		return true, s.whole(s.coming.more(f.Payload))
	}
	return false, nil
}

// alarm takes an alarm, and the end of one.
func (s *stream) alarm(payload []byte) (taken bool, err error) {
	class, method, err := wire.MethodID(payload)
	if err != nil || class != wire.ClassConnection {
		return false, err
	}
	switch method {
	case wire.ConnectionBlockedID:
		m, err := wire.ParseMethod(payload)
		if err == nil {
			put(s.alarms, amqp.Blocking{Active: true, Reason: m.(*wire.ConnectionBlocked).Reason})
		}
		return true, err
	case wire.ConnectionUnblockedID:
		put(s.alarms, amqp.Blocking{})
		return true, nil
	}
	return false, nil
}

// put puts v into a channel with room for one, in place of what was there. It does not block
// as long as one goroutine alone does so.
func put[T any](ch chan T, v T) {
	select {
	case <-ch:
	default:
	}
	ch <- v
}

func (s *stream) method(payload []byte) (taken bool, err error) {
	class, method, err := wire.MethodID(payload)
	if err != nil {
		return false, err
	}
	if s.coming.kind != 0 {
		return false, wire.Errorf(wire.UnexpectedFrame, "%s in the middle of a message", wire.MethodName(class, method))
	}
	if class != wire.ClassBasic {
		return false, nil
	}
	switch method {
	case wire.BasicDeliverID:
		return true, s.coming.beginDelivery(payload)
	case wire.BasicReturnID:
		return true, s.coming.beginReturn(payload)
	case wire.BasicCancelID:
		m, err := wire.ParseMethod(payload)
		if err == nil {
			put(s.cancels, m.(*wire.BasicCancel).ConsumerTag)
		}
		return false, err // amqp091-go answers it
	case wire.BasicAckID:
		tag, multiple, err := wire.ParseAck(payload)
		if err == nil {
			s.tell(func(in inbox) { in.settled(tag, multiple, true) })
		}
		return true, err
	case wire.BasicNackID:
		m, err := wire.ParseMethod(payload)
		if err == nil {
			nack := m.(*wire.BasicNack)
			s.tell(func(in inbox) { in.settled(nack.DeliveryTag, nack.Multiple, false) })
		}
		return true, err
	}
	return false, nil
}

// whole passes on the message under way once all of it is there.
func (s *stream) whole(complete bool, err error) error {
	if err != nil || !complete {
		return err
	}
	c := &s.coming
	m := c.message
	switch c.kind {
	case wire.BasicDeliverID:
		s.tell(func(in inbox) { in.delivered(c.tag, m) })
	case wire.BasicReturnID:
		s.tell(func(in inbox) { in.returned(c.code, c.text, m) })
	}
	c.kind, c.message = 0, Message{}
	return nil
}

func (s *stream) tell(what func(inbox)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inbox != nil {
		what(s.inbox)
	}
}
