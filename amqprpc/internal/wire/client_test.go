package wire

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A script is the broker of one connection. It expects the frames in a fixed order.
type script struct {
	conn net.Conn
	r    *Reader
	out  []byte
}

// frame reads a frame of a type, and skips heartbeats. The payload is a copy.
func (s *script) frame(typ uint8) (Frame, error) {
	for {
		f, err := s.r.ReadFrame()
		switch {
		case err != nil:
			return Frame{}, err
		case f.Type == typ:
			f.Payload = bytes.Clone(f.Payload)
			return f, nil
		case f.Type != FrameHeartbeat:
			return Frame{}, fmt.Errorf("a frame of type %d, want %d", f.Type, typ)
		}
	}
}

// expect reads a method of type M.
func expect[M Method](s *script) (m M, err error) {
	f, err := s.frame(FrameMethod)
	if err != nil {
		return m, fmt.Errorf("waiting for a %T: %w", m, err)
	}
	got, err := ParseMethod(f.Payload)
	if err != nil {
		return m, err
	}
	m, ok := got.(M)
	if !ok {
		return m, fmt.Errorf("%T, want %T", got, m)
	}
	return m, nil
}

// send writes methods on a channel.
func (s *script) send(channel uint16, methods ...Method) error {
	s.out = s.out[:0]
	for _, m := range methods {
		s.out = AppendMethod(s.out, channel, m)
	}
	_, err := s.conn.Write(s.out)
	return err
}

// This package reads the frames of amqp091-go as they were meant, and amqp091-go those of this package.
func TestAmqp091Client(t *testing.T) {
	here, there := net.Pipe()
	for _, conn := range []net.Conn{here, there} {
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
	args := amqp.Table{"x-expires": int32(1000), "x-nested": amqp.Table{"array": []any{nil, true, "s"}}}
	message := allPublishing
	message.Headers = amqp.Table{}
	for i, f := range fields {
		message.Headers[fmt.Sprint("field ", i)] = f.value
	}
	message.Body = bytes.Repeat([]byte("body"), 3000) // several frames

	played := make(chan error, 1)
	go func() {
		defer here.Close()
		played <- play(here, args, message)
	}()
	clientErr := talk(there, args, message)
	there.Close()
	if err := errors.Join(clientErr, <-played); err != nil {
		t.Fatal(err)
	}
}

// talk is the client.
func talk(conn net.Conn, args amqp.Table, message amqp.Publishing) error {
	c, err := amqp.Open(conn, amqp.Config{
		SASL: []amqp.Authentication{&amqp.PlainAuth{Username: "guest", Password: "secret"}}, Vhost: "/", Properties: amqp.Table{"product": "test"},
	})
	if err != nil {
		return err
	}
	if got := c.Properties["product"]; got != "script" {
		return fmt.Errorf("the server is %v", got)
	}
	ch, err := c.Channel()
	if err != nil {
		return err
	}
	q, err := ch.QueueDeclare("rpc", true, false, true, false, args)
	if err != nil {
		return err
	}
	if q != (amqp.Queue{Name: "rpc", Messages: 7, Consumers: 3}) {
		return fmt.Errorf("declared as %+v", q)
	}
	returns := ch.NotifyReturn(make(chan amqp.Return, 1))
	deliveries, err := ch.Consume("rpc", "tag", false, false, false, false, nil)
	if err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	confirm, err := ch.PublishWithDeferredConfirm("", "rpc", true, false, message)
	if err != nil {
		return err
	}
	if !confirm.Wait() {
		return errors.New("not confirmed")
	}
	r := <-returns
	if r.ReplyCode != NoRoute || r.ReplyText != "NO_ROUTE" || r.RoutingKey != "rpc" || !bytes.Equal(r.Body, message.Body) {
		return fmt.Errorf("returned: %+v", r)
	}
	d, ok := <-deliveries
	if !ok {
		return errors.New("no delivery")
	}
	got := amqp.Publishing{
		Headers: d.Headers, ContentType: d.ContentType, ContentEncoding: d.ContentEncoding, DeliveryMode: d.DeliveryMode,
		Priority: d.Priority, CorrelationId: d.CorrelationId, ReplyTo: d.ReplyTo, Expiration: d.Expiration,
		MessageId: d.MessageId, Timestamp: d.Timestamp, Type: d.Type, UserId: d.UserId, AppId: d.AppId, Body: d.Body,
	}
	if !sameFields(got, message) {
		return fmt.Errorf("delivered as %+v, want %+v", got, message)
	}
	if d.ConsumerTag != "tag" || d.DeliveryTag != 1<<40 || !d.Redelivered || d.RoutingKey != "rpc" {
		return fmt.Errorf("delivered with %q, %d, %v, %q", d.ConsumerTag, d.DeliveryTag, d.Redelivered, d.RoutingKey)
	}
	if err := d.Ack(true); err != nil {
		return err
	}
	return c.Close()
}

// play is the broker.
func play(conn net.Conn, args amqp.Table, message amqp.Publishing) error {
	s := &script{conn: conn, r: NewReader(conn)}
	if err := s.r.ReadProtocolHeader(); err != nil {
		return err
	}
	if err := s.send(0, &ConnectionStart{
		VersionMinor: 9, ServerProperties: amqp.Table{"product": "script", "capabilities": amqp.Table{"publisher_confirms": true}},
		Mechanisms: "AMQPLAIN PLAIN", Locales: "en_US",
	}); err != nil {
		return err
	}
	startOk, err := expect[*ConnectionStartOk](s)
	if err != nil {
		return err
	}
	if startOk.Mechanism != "PLAIN" || startOk.Response != "\x00guest\x00secret" || startOk.ClientProperties["product"] != "test" {
		return fmt.Errorf("%+v", startOk)
	}
	if err := s.send(0, &ConnectionTune{ChannelMax: 2047, FrameMax: FrameMinSize, Heartbeat: 60}); err != nil {
		return err
	}
	tuneOk, err := expect[*ConnectionTuneOk](s)
	if err != nil {
		return err
	}
	if tuneOk.ChannelMax != 2047 || tuneOk.FrameMax != FrameMinSize {
		return fmt.Errorf("%+v", tuneOk)
	}
	if open, err := expect[*ConnectionOpen](s); err != nil || open.VirtualHost != "/" {
		return fmt.Errorf("%+v, %w", open, err)
	}
	if err := s.send(0, &ConnectionOpenOk{}); err != nil {
		return err
	}
	if _, err := expect[*ChannelOpen](s); err != nil {
		return err
	}
	if err := s.send(1, &ChannelOpenOk{}); err != nil {
		return err
	}
	declare, err := expect[*QueueDeclare](s)
	if err != nil {
		return err
	}
	if want := (&QueueDeclare{Queue: "rpc", Durable: true, Exclusive: true, Arguments: args}); !sameFields(declare, want) {
		return fmt.Errorf("%+v", declare)
	}
	if err := s.send(1, &QueueDeclareOk{Queue: "rpc", MessageCount: 7, ConsumerCount: 3}); err != nil {
		return err
	}
	consume, err := expect[*BasicConsume](s)
	if err != nil {
		return err
	}
	if want := (&BasicConsume{Queue: "rpc", ConsumerTag: "tag", Arguments: amqp.Table{}}); !sameFields(consume, want) {
		return fmt.Errorf("%+v", consume)
	}
	if err := s.send(1, &BasicConsumeOk{ConsumerTag: "tag"}); err != nil {
		return err
	}
	if _, err := expect[*ConfirmSelect](s); err != nil {
		return err
	}
	if err := s.send(1, &ConfirmSelectOk{}); err != nil {
		return err
	}
	properties, body, err := s.published(message)
	if err != nil {
		return err
	}
	s.out = AppendMethod(s.out[:0], 1, &BasicReturn{ReplyCode: NoRoute, ReplyText: "NO_ROUTE", RoutingKey: "rpc"})
	s.out = AppendContent(s.out, 1, ClassBasic, properties, body, FrameMinSize)
	s.out = AppendHeartbeat(AppendAck(s.out, 1, 1, false))
	s.out = AppendDeliver(s.out, 1, "tag", 1<<40, true, "", "rpc")
	s.out = AppendContent(s.out, 1, ClassBasic, properties, body, FrameMinSize)
	if _, err := s.conn.Write(s.out); err != nil {
		return err
	}
	f, err := s.frame(FrameMethod)
	if err != nil {
		return err
	}
	if tag, multiple, err := ParseAck(f.Payload); err != nil || tag != 1<<40 || !multiple {
		return fmt.Errorf("ack %d, %v, %w", tag, multiple, err)
	}
	if end, err := expect[*ConnectionClose](s); err != nil || end.ReplyCode != 200 {
		return fmt.Errorf("%+v, %w", end, err)
	}
	return s.send(0, &ConnectionCloseOk{})
}

// published reads a publish, which must be of the message, and returns the message as this package
// appends it, so that amqp091-go tests that as well.
func (s *script) published(message amqp.Publishing) (properties, body []byte, err error) {
	f, err := s.frame(FrameMethod)
	if err != nil {
		return nil, nil, err
	}
	p, err := ParsePublish(f.Payload)
	if err != nil || len(p.Exchange) > 0 || string(p.RoutingKey) != "rpc" || !p.Mandatory || p.Immediate {
		return nil, nil, fmt.Errorf("%+v, %w", p, err)
	}
	if f, err = s.frame(FrameHeader); err != nil {
		return nil, nil, err
	}
	h, err := ParseHeader(f.Payload)
	if err != nil || h.Class != ClassBasic {
		return nil, nil, fmt.Errorf("%+v, %w", h, err)
	}
	for uint64(len(body)) < h.BodySize {
		f, err := s.frame(FrameBody)
		if err != nil {
			return nil, nil, err
		}
		body = append(body, f.Payload...)
	}
	got, err := ParseProperties(h.Properties)
	if err != nil {
		return nil, nil, err
	}
	if got.Body = body; !sameFields(got, message) {
		return nil, nil, fmt.Errorf("published as %+v, want %+v", got, message)
	}
	properties, err = AppendProperties(nil, &got)
	return properties, body, err
}
