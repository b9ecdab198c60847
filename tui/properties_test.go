package tui

import (
	"fmt"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/tui/explain"
	"rpcscope/tui/lab"
)

// propertiesText returns the properties of a reply in 80 cells.
func propertiesText(m *amqprpc.Message) string {
	tale := newTale().out()
	tale.event(41, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Answer, Outcome: amqprpc.Completed, Message: m})
	e := explain.Read(tale.inspect(), explain.Circumstances{})
	var b strings.Builder
	for _, l := range properties(styled(false), e, len(e.Events)-1, 80) {
		b.WriteString(l.Render() + "\n")
	}
	return b.String()
}

func TestProperties(t *testing.T) {
	long := strings.Repeat("한", 2000) // cut within a character: 1,024 is no multiple of 3
	for _, c := range []struct {
		name string
		m    amqprpc.Message
		want string
	}{
		{"nothing set", amqprpc.Message{}, `
exchange          (default)
routing key
redelivered       no  this reply, not its request
(unset: content_type, content_encoding, headers, delivery_mode, priority,
correlation_id, reply_to, expiration, message_id, timestamp, type, user_id,
app_id, cluster_id (obsolete))
body              empty
`},
		{"all set", amqprpc.Message{Exchange: "x", RoutingKey: "k", Redelivered: true, ContentType: "text/plain", ContentEncoding: "gzip",
			DeliveryMode: 2, Priority: 9, CorrelationID: taleID, ReplyTo: "r", Expiration: "90000", MessageID: "m", Timestamp: epoch,
			Type: "t", UserID: "guest", AppID: lab.InjectorName, Body: []byte("one\ntwo\x1b[2J\n"),
			Headers: amqp.Table{"b": true, "table": amqp.Table{"k": "v"}, "x-rpc": fmt.Sprintf("received=soon;replied=%d", epoch.Add(ms(41)).UnixMicro())}}, `
exchange          x
routing key       k
redelivered       yes  this reply, not its request
content_type      text/plain
content_encoding  gzip
delivery_mode     2  persistent
priority          9
correlation_id    7f3a91c2-1b22-4e0a-9c01-d7fe44aa02be
reply_to          r
expiration        90000  ms, 90.0 s
message_id        m
timestamp         2026-01-02 15:04:05 UTC
type              t
user_id           guest
app_id            rpcscope (by hand)  sent by hand from this program
(unset: cluster_id (obsolete))
headers           3
  b               true  bool
  table           {k: "v"}  table
  x-rpc           received=soon;replied=1767366245041000  string
  replied         2026-01-02 15:04:05.041000 UTC  by x-rpc, +41.0 ms
body              12 bytes
  one
  two\x1b[2J
`},
		{"nonsense", amqprpc.Message{DeliveryMode: 3, Expiration: "soon", Body: []byte("\x00\x01abc\xff~ and more of it")}, `
exchange          (default)
routing key
redelivered       no  this reply, not its request
delivery_mode     3  no such mode
expiration        soon  not a number of ms
(unset: content_type, content_encoding, headers, priority, correlation_id,
reply_to, message_id, timestamp, type, user_id, app_id, cluster_id (obsolete))
body              22 bytes, not text
  0000  00 01 61 62 63 ff 7e 20 61 6e 64 20 6d 6f 72 65  ..abc.~ and more
  0010  20 6f 66 20 69 74                                 of it
`},
		{"a long one", amqprpc.Message{Body: []byte(long)}, `
exchange          (default)
routing key
redelivered       no  this reply, not its request
(unset: content_type, content_encoding, headers, delivery_mode, priority,
correlation_id, reply_to, expiration, message_id, timestamp, type, user_id,
app_id, cluster_id (obsolete))
body              the first 1,024 of 6,000 bytes
` + strings.Repeat("  "+strings.Repeat("한", 39)+"\n", 8) + "  " + strings.Repeat("한", 341-8*39) + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := propertiesText(&c.m); got != c.want[1:] {
				t.Errorf("got\n%s\nwant\n%s", got, c.want[1:])
			}
		})
	}
}

func TestPropertiesOfManyHeaders(t *testing.T) {
	headers := make(amqp.Table)
	for i := range 100 {
		headers[strings.Repeat("h", i+1)] = int32(i)
	}
	if got := propertiesText(&amqprpc.Message{Headers: headers}); !strings.Contains(got, "more headers are not remembered") {
		t.Errorf("does not say that headers are missing:\n%s", got)
	}
}
