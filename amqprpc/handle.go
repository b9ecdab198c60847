package amqprpc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// answer's second result.
type action uint8

const (
	respond  action = iota
	ignore          // ack, without a reply
	turnAway        // reject
)

// answer makes the reply to a request.
func (s *service) answer(ctx context.Context, j *job) (Message, action) {
	d := j.delivery.Properties
	req := &Request{
		Queue: j.route.queue, Exchange: j.delivery.Exchange, RoutingKey: j.delivery.RoutingKey,
		Body: d.Body, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, Type: d.Type, Headers: d.Headers,
		Persistent: d.DeliveryMode == amqp.Persistent, Priority: d.Priority, MessageID: d.MessageId,
		CorrelationID: d.CorrelationId, ReplyTo: d.ReplyTo, Redelivered: j.delivery.Redelivered,
		Received: time.Now(), AppID: d.AppId, Expiration: d.Expiration,
	}
	if value, ok := d.Headers[HeaderRPC].(string); ok {
		meta := ParseMeta(value)
		req.Attempt, req.Deadline, j.meta = meta.Attempt, meta.Deadline, true
	}
	j.request = req
	s.counts.requests.Add(1)
	if req.Redelivered {
		s.counts.redelivered.Add(1)
	}
	s.observeRequest(j, Event{Kind: EventRequest})
	if reason := unanswerable(req); reason != "" {
		s.counts.refused.Add(1)
		s.observeRequest(j, Event{Kind: EventDropped, Outcome: Rejected, Text: reason})
		return Message{}, turnAway
	}
	if !req.Deadline.IsZero() {
		if !req.Received.Before(req.Deadline) {
			s.counts.expired.Add(1)
			s.observeRequest(j, Event{Kind: EventDropped, Outcome: Expired})
			return Message{}, ignore
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, req.Deadline)
		defer cancel()
	}
	key, replayable := s.replayKey(req)
	if replayable {
		if m, ok := s.recall(key); ok {
			s.counts.replayed.Add(1)
			j.replayed = true
			return s.address(m, j), respond
		}
	}
	m := s.reply(ctx, j)
	if replayable && m.Type != TypeError { // what failed may be tried again
		s.store(key, m)
	}
	return s.address(m, j), respond
}

// unanswerable says why a reply to the request could go nowhere, or "".
func unanswerable(req *Request) string {
	switch {
	case req.ReplyTo == "":
		return "no reply_to"
	case forgedReplyTo(req.ReplyTo):
		return "a forged reply_to"
	}
	return ""
}

// directReplyTo is RabbitMQ's pseudo queue. Callers who consume it get addresses that begin with its name
// and a dot.
const directReplyTo = "amq.rabbitmq.reply-to"

// forgedReplyTo recognizes a direct reply-to address that RabbitMQ has not made.
// RabbitMQ 3.10 closes the connection of whoever publishes to one, and the request,
// delivered again, would do it again. They are prefix, process, dot, key; process
// and key in base64, the process an Erlang pid of a node "reply@number" (seen on
// 3.10; brokers before it are no longer supported, and may have used other forms).
func forgedReplyTo(to string) bool {
	rest, direct := strings.CutPrefix(to, directReplyTo+".")
	if !direct {
		return false
	}
	process, key, both := strings.Cut(rest, ".")
	if !both {
		return true
	}
	pid, err := base64.StdEncoding.DecodeString(process)
	if err != nil || len(pid) < 5 || pid[0] != 131 || pid[1] != 88 {
		return true
	}
	if _, err := base64.StdEncoding.DecodeString(key); err != nil {
		return true
	}
	var length int // of the node's name; 12 bytes follow it
	var node []byte
	switch pid[2] {
	case 118: // an atom
		length, node = int(pid[3])<<8|int(pid[4]), pid[5:]
	case 119: // a short atom
		length, node = int(pid[3]), pid[4:]
	}
	if len(node) != length+12 {
		return true
	}
	number, ours := strings.CutPrefix(string(node[:length]), "reply@")
	_, err = strconv.ParseUint(number, 10, 64)
	return !ours || err != nil
}

// reply runs the handler.
func (s *service) reply(ctx context.Context, j *job) Message {
	response, err := s.handle(ctx, j.route.handler, j.request)
	response.Headers = allowed(response.Headers)
	if err == nil {
		err = s.check(response)
	}
	if err != nil {
		return s.failure(j, err)
	}
	s.counts.answered.Add(1)
	return Message{ContentType: response.ContentType, Type: response.Type, Headers: response.Headers, Body: response.Body}
}

// allowed takes those headers out that would make a reply another one, or send it
// elsewhere too: a handler may well repeat its request's.
func allowed(headers amqp.Table) amqp.Table {
	if len(headers) == 0 {
		return nil
	}
	kept := make(amqp.Table, len(headers))
	for k, v := range headers {
		if k != HeaderRPC && k != HeaderError && !slices.Contains(routingHeaders[:], k) {
			kept[k] = v
		}
	}
	return kept
}

// handle calls the handler and turns a panic into an error.
func (s *service) handle(ctx context.Context, h Handler, req *Request) (_ Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			s.counts.panics.Add(1)
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return h(ctx, req)
}

// check refuses what the broker would close the channel for.
func (s *service) check(r Response) error {
	switch {
	case int64(len(r.Body)) > s.maxMessage.Load():
		return Errorf(CodeResourceExhausted, "the result has %d bytes, the limit is %d", len(r.Body), s.maxMessage.Load())
	case r.Type == TypeError:
		return fmt.Errorf("the handler returned a response of the reserved type %q", r.Type)
	}
	return errors.Join(checkShort("the content type", r.ContentType), checkShort("the type", r.Type), checkHeaders(r.Headers))
}

// errGoexit stands for a handler that called runtime.Goexit.
var errGoexit = errors.New("it ended its goroutine")

// failure makes the error reply to a request whose handler has failed.
func (s *service) failure(j *job, err error) Message {
	s.counts.errors.Add(1)
	code, text := CodeInternal, "internal error"
	j.untold = err
	var remote *RemoteError
	switch {
	case errors.As(err, new(*PanicError)):
		text = "the handler panicked"
	case errors.Is(err, errGoexit):
		text = "the handler gave up"
	case errors.As(err, &remote) && remote != nil: // nil: a handler's own typed nil
		code, text = remote.Code, remote.Message
		if validCode(code) {
			j.untold = nil
		} else {
			code = CodeUnknown
		}
	case errors.Is(err, context.DeadlineExceeded):
		code, text, j.untold = CodeDeadlineExceeded, "the deadline passed while the request was being handled", nil
	case errors.Is(err, context.Canceled):
		code, text, j.untold = CodeCanceled, "the server stopped handling the request", nil
	}
	return errorReply(code, text[:min(int64(len(text)), s.maxMessage.Load())])
}

// errorReply puts an error on the wire.
func errorReply(code, text string) Message {
	return Message{ContentType: "text/plain", Type: TypeError, Headers: amqp.Table{HeaderError: code}, Body: []byte(text)}
}

// address adds where a reply goes and where it comes from, whatever the handler has
// done to its Request.
func (s *service) address(m Message, j *job) Message {
	req := j.request
	now := time.Now()
	headers := m.Headers
	if j.meta {
		headers = make(amqp.Table, len(m.Headers)+1)
		for k, v := range m.Headers {
			headers[k] = v
		}
		headers[HeaderRPC] = Meta{
			Received: req.Received, Replied: now, Attempt: req.Attempt, Redelivered: req.Redelivered, Replayed: j.replayed,
		}.String()
	}
	m.Headers = headers
	m.RoutingKey = j.delivery.Properties.ReplyTo
	m.CorrelationID = j.delivery.Properties.CorrelationId
	m.AppID = s.Name
	m.Timestamp = now
	m.DeliveryMode = amqp.Transient
	return m
}

// checked drops what a hook made that AMQP cannot carry.
func (s *service) checked(j *job, replies []Message) []Message {
	kept := replies[:0:0]
	for _, m := range replies {
		err := checkMessage(&m, s.maxMessage.Load())
		if err != nil {
			s.observeUnsendable(j, m, err)
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// observeReply tells the observer of a reply. The copy of m is made only if there is one.
func (s *service) observeReply(j *job, m Message) {
	if s.Observer == nil {
		return
	}
	seen := m // only this copy goes to the heap
	s.observeRequest(j, Event{Kind: EventReplied, Message: &seen, Err: j.untold})
}

// observeUnsendable tells the observer of a reply that is not sent.
func (s *service) observeUnsendable(j *job, m Message, err error) {
	s.observeRequest(j, Event{Kind: EventDropped, Message: &m, Text: err.Error()})
}

func (m *Message) publishing() amqp.Publishing {
	return amqp.Publishing{
		Headers: m.Headers, ContentType: m.ContentType, ContentEncoding: m.ContentEncoding,
		DeliveryMode: m.DeliveryMode, Priority: m.Priority, CorrelationId: m.CorrelationID,
		ReplyTo: m.ReplyTo, Expiration: m.Expiration, MessageId: m.MessageID, Timestamp: m.Timestamp,
		Type: m.Type, UserId: m.UserID, AppId: m.AppID, Body: m.Body,
	}
}

// replayKey names a request by its correlation ID and what it asks: another
// caller that uses the same ID for another question gets its own answer.
type replayKey struct {
	id   string
	body [sha256.Size]byte
}

const maxReplay = 64 << 10 // bytes of a reply that is stored

func (s *service) replayKey(req *Request) (replayKey, bool) {
	if s.Replay <= 0 || req.CorrelationID == "" {
		return replayKey{}, false
	}
	return replayKey{req.CorrelationID, sha256.Sum256(req.Body)}, true
}

func (s *service) recall(key replayKey) (Message, bool) {
	s.replay.Lock()
	defer s.replay.Unlock()
	e, ok := s.replay.get(key, time.Now())
	if !ok {
		return Message{}, false
	}
	return e.value, true
}

func (s *service) store(key replayKey, m Message) {
	if len(m.Body) > maxReplay {
		return
	}
	s.replay.Lock()
	defer s.replay.Unlock()
	s.replay.put(key, m, time.Now())
}
