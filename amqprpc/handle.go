package amqprpc

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/internal/wire"
)

// A disposition says how a request ends.
type disposition uint8

const (
	sendReply     disposition = iota // and ack
	dropRequest                      // ack
	rejectRequest                    // without requeue
)

// answer returns the reply to a request. It runs the handler if there is need.
func (s *Server) answer(ctx context.Context, j *job) (Message, disposition) {
	req := requestFrom(j.route.queue, &j.delivery)
	if value, ok := req.Headers[HeaderRPC].(string); ok {
		meta := ParseMeta(value)
		req.Attempt, req.Deadline, j.meta = meta.Attempt, meta.Deadline, true
	}
	j.request = req
	s.count(&s.stats.Requests, 1)
	if req.Redelivered {
		s.count(&s.stats.Redelivered, 1)
	}
	s.observeRequest(j, Event{Kind: EventRequest})
	if req.ReplyTo == "" || wire.ForgedReplyTo(req.ReplyTo) {
		reason := "a forged reply_to"
		if req.ReplyTo == "" {
			reason = "no reply_to"
		}
		s.count(&s.stats.Refused, 1)
		s.observeRequest(j, Event{Kind: EventDropped, Outcome: Rejected, Text: reason})
		return Message{}, rejectRequest
	}
	if !req.Deadline.IsZero() {
		if !req.Received.Before(req.Deadline) {
			s.count(&s.stats.Expired, 1)
			s.observeRequest(j, Event{Kind: EventDropped, Outcome: Expired})
			return Message{}, dropRequest
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, req.Deadline)
		defer cancel()
	}
	if s.Replay <= 0 || req.CorrelationID == "" {
		return s.address(s.execute(ctx, j), j), sendReply
	}
	key := replayKey{req.CorrelationID, sha256.Sum256(req.Body)}
	s.mu.Lock()
	stored, ok := s.replies.get(key, time.Now())
	s.mu.Unlock()
	if ok {
		s.count(&s.stats.Replayed, 1)
		j.replayed = true
		return s.address(stored.value, j), sendReply
	}
	m := s.execute(ctx, j)
	if m.Type != TypeError && len(m.Body) <= maxReplay { // a request that failed may be tried again
		s.mu.Lock()
		s.replies.put(key, m, time.Now())
		s.mu.Unlock()
	}
	return s.address(m, j), sendReply
}

// A replayKey identifies a request by its correlation ID and its body: another caller that uses the same ID for
// another request gets its own answer.
type replayKey struct {
	id   string
	body [sha256.Size]byte
}

const maxReplay = 64 << 10 // bytes of a reply that is stored

// execute runs the handler and makes a reply of its result.
func (s *Server) execute(ctx context.Context, j *job) Message {
	r, err := s.callHandler(ctx, j)
	m := Message{ContentType: r.ContentType, Type: r.Type, Headers: maps.Clone(r.Headers), Body: r.Body}
	for _, k := range [...]string{HeaderRPC, HeaderError, "CC", "BCC"} { // a handler may repeat its request's
		delete(m.Headers, k)
	}
	if err == nil {
		err = s.checkReply(&m)
	}
	if err != nil {
		return s.failure(j, err)
	}
	s.count(&s.stats.Answered, 1)
	return m
}

// callHandler turns a panic of the handler into an error.
func (s *Server) callHandler(ctx context.Context, j *job) (_ Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.count(&s.stats.Panics, 1)
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return j.route.handler(ctx, j.request)
}

func (s *Server) checkReply(m *Message) error {
	limit := s.maxMessage.Load()
	switch {
	case int64(len(m.Body)) > limit:
		return Errorf(CodeResourceExhausted, "the result has %d bytes, the limit is %d", len(m.Body), limit)
	case m.Type == TypeError:
		return fmt.Errorf("the handler returned a response of the reserved type %q", m.Type)
	}
	return checkMessage(m, limit)
}

// errGoexit stands for a handler that called runtime.Goexit.
var errGoexit = errors.New("it ended its goroutine")

// failure makes the error reply to a request whose handler has failed.
func (s *Server) failure(j *job, err error) Message {
	s.count(&s.stats.Errors, 1)
	code, text := CodeInternal, "internal error"
	j.hidden = err
	var remote *RemoteError
	switch {
	case errors.As(err, new(*PanicError)):
		text = "the handler panicked"
	case errors.Is(err, errGoexit):
		text = "the handler gave up"
	case errors.As(err, &remote) && remote != nil: // nil: a handler's own typed nil
		code, text = remote.Code, remote.Message
		if validCode(code) {
			j.hidden = nil
		} else {
			code = CodeUnknown
		}
	case errors.Is(err, context.DeadlineExceeded):
		code, text, j.hidden = CodeDeadlineExceeded, "the deadline passed while the request was being handled", nil
	case errors.Is(err, context.Canceled):
		code, text, j.hidden = CodeCanceled, "the server stopped handling the request", nil
	}
	text = text[:min(int64(len(text)), s.maxMessage.Load())]
	return Message{ContentType: "text/plain", Type: TypeError, Headers: amqp.Table{HeaderError: code}, Body: []byte(text)}
}

// address adds the destination and the origin of a reply. It uses the delivery, because a handler may have changed
// its Request.
func (s *Server) address(m Message, j *job) Message {
	req := j.request
	m.Timestamp = time.Now()
	if j.meta {
		m.Headers = withMeta(m.Headers, Meta{
			Received: req.Received, Replied: m.Timestamp, Attempt: req.Attempt, Redelivered: req.Redelivered, Replayed: j.replayed,
		})
	}
	m.RoutingKey = j.delivery.Properties.ReplyTo
	m.CorrelationID = j.delivery.Properties.CorrelationId
	m.AppID = s.conn.Name
	m.DeliveryMode = amqp.Transient
	return m
}
