package lab_test

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/broker/rabbitmq"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

func TestInjectedReplies(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	cfg := config(t, node)
	cfg.Fib = "30"
	l := open(t, cfg)
	ctx := t.Context()
	if _, err := l.SecondReply(ctx, ""); err == nil || !strings.Contains(err.Error(), "no call has completed yet") {
		t.Errorf("%v", err)
	}
	name := start(t, l)
	older := l.Call()
	untilNoted(t, l, "call "+older[:8]+" fib(30): 832040 in ", " from "+name)
	id := l.Call()
	untilNoted(t, l, "call "+id[:8]+" fib(30): 832040 in ", " from "+name)

	of, err := l.SecondReply(ctx, "")
	must(t, err)
	if of != id {
		t.Errorf("a second reply to %s, and not to the newest call %s", of, id)
	}
	snap := untilNoted(t, l, "second reply to "+id[:8]+" came in: a duplicate, ", " after the answer; discarded")
	d := snap.Ledger.Duplicates[0]
	if snap.Ledger.Replies.Duplicates != 1 || d.ID != id || d.Server != lab.InjectorName || pool.ShortNames(d.AnsweredBy) != name || d.Body != "832040" {
		t.Errorf("replies %+v, %+v", snap.Ledger.Replies, d)
	}
	if n := snap.Notes[len(snap.Notes)-1]; n.ID != id || n.Level != lab.Success || count(snap, "second reply to ") != 1 {
		t.Errorf("note %+v of\n%s", n, texts(snap.Notes))
	}
	_, err = l.SecondReply(ctx, older)
	must(t, err)
	untilNoted(t, l, "second reply to "+older[:8]+" came in: a duplicate, ")

	unknown, err := l.UnknownReply(ctx)
	must(t, err)
	snap = untilNoted(t, l, "unknown reply "+unknown[:8]+" came in: no call of that ID is known here; discarded")
	o := snap.Ledger.Orphans[0]
	if snap.Ledger.Replies.Unknown != 1 || o.ID != unknown || o.Class != amqprpc.Unknown || o.Server != lab.InjectorName {
		t.Errorf("replies %+v, %+v", snap.Ledger.Replies, o)
	}

	// After a reconnect there is another callback queue.
	l.DropConnection()
	untilNoted(t, l, " again after ")
	_, err = l.SecondReply(ctx, id)
	must(t, err)
	until(t, l, "three duplicates", func(snap lab.Snapshot) bool { return snap.Ledger.Replies.Duplicates == 3 })

	if _, err := l.SecondReply(ctx, "no such call"); err == nil || !strings.Contains(err.Error(), "no call no such  is remembered") {
		t.Errorf("%v", err)
	}
	must(t, l.StopServer(ctx, name))
	must(t, l.SetTimeout(time.Hour))
	waiting := l.Call()
	if _, err := l.SecondReply(ctx, waiting); err == nil || !strings.Contains(err.Error(), "has no answer yet") {
		t.Errorf("%v", err)
	}
	must(t, l.SetTimeout(2*time.Second)) // it must be published within that
	failed := l.Call()
	untilNoted(t, l, "call "+failed[:8]+" fib(30): timeout: no reply within 2s")
	if _, err := l.SecondReply(ctx, failed); err == nil || !strings.Contains(err.Error(), "has no answer: timeout") {
		t.Errorf("%v", err)
	}
}

// The copy has all properties and headers that can be published again.
func TestSecondReplyIsACopy(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := config(t, node)
	l := open(t, cfg)
	stamp := time.Unix(1767366245, 0)
	table := amqp.Table{
		"bool": true, "int8": int8(-5), "uint8": byte(200), "int16": int16(-500), "int32": int32(-70000), "int64": int64(1) << 40,
		"float32": float32(0.5), "float64": 0.25, "string": "s\x1b[2J", "bytes": []byte{0, 255}, "time": stamp, "void": nil,
		"uint16": uint16(65535), "uint32": uint32(1) << 31, "array": []any{"not sent again"}, "CC": []any{},
		"cut": strings.Repeat("x", 2000), "x-mine": "kept",
		amqprpc.HeaderRPC: "received=1;replied=2;attempt=2;redelivered;replayed",
	}
	if node.Product() == broker.Product {
		delete(table, "CC") // the in-process broker refuses it
	}
	answer(t, node, cfg.Queue, amqp.Publishing{
		ContentType: "text/plain", ContentEncoding: "utf-8", Headers: table, DeliveryMode: 2, Priority: 3, MessageId: "m", Timestamp: stamp,
		Type: "kind", UserId: "guest", AppId: "somebody", ReplyTo: "elsewhere", Body: []byte("5"),
	})
	id := l.Call()
	untilNoted(t, l, "call "+id[:8], "from somebody")
	_, err := l.SecondReply(t.Context(), id)
	must(t, err)
	until(t, l, "a duplicate", func(snap lab.Snapshot) bool { return snap.Ledger.Replies.Duplicates == 1 })
	story, _ := l.Inspect(id)
	first, second := story.Events[len(story.Events)-2].Message(), story.Events[len(story.Events)-1].Message()
	for i := range story.Events { // a confirm can come between
		if story.Events[i].Class == amqprpc.Answer {
			first = story.Events[i].Message()
		}
	}
	have := map[string]string{}
	for _, h := range second.Headers {
		have[h.Key] = h.Type + " " + h.Value
	}
	for _, h := range first.Headers {
		want := h.Type + " " + h.Value
		if h.Type != "string" || h.Key == "cut" || h.Key == amqprpc.HeaderRPC {
			want = ""
		}
		if have[h.Key] != want {
			t.Errorf("header %s is %q, want %q", h.Key, have[h.Key], want)
		}
	}
	if len(first.Headers) < len(table)-1 {
		t.Errorf("headers %+v", first.Headers)
	}
	if second.AppID != lab.InjectorName || second.UserID != "" {
		t.Errorf("app %q, user %q", second.AppID, second.UserID)
	}
	a, b := first.Message, second.Message
	a.AppID, a.UserID, b.AppID = "", "", ""
	a.Body, b.Body = nil, nil
	if a.ContentType != b.ContentType || a.ContentEncoding != b.ContentEncoding || a.DeliveryMode != b.DeliveryMode || a.Priority != b.Priority ||
		a.MessageID != b.MessageID || !a.Timestamp.Equal(b.Timestamp) || a.Type != b.Type || a.ReplyTo != b.ReplyTo || a.CorrelationID != b.CorrelationID ||
		string(first.Body) != string(second.Body) {
		t.Errorf("%+v\n%+v", first, second)
	}
}

// answer answers the requests of a queue with p.
func answer(t *testing.T, node brokertest.Node, queue string, p amqp.Publishing) {
	t.Helper()
	declare(t, node, queue)
	conn, err := amqp.Dial(node.URL())
	must(t, err)
	t.Cleanup(func() { conn.Close() })
	ch, err := conn.Channel()
	must(t, err)
	requests, err := ch.Consume(queue, "", true, false, false, false, nil)
	must(t, err)
	go func() {
		for d := range requests {
			p.CorrelationId = d.CorrelationId
			if err := ch.PublishWithContext(context.Background(), "", d.ReplyTo, false, false, p); err != nil {
				t.Error(err)
			}
		}
	}()
}

// An answer that is not remembered whole is not published again.
func TestSecondReplyNeedsWholeAnswer(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Fib = "9000"
	cfg.Pool.Args = []string{"--algorithm=doubling"}
	l := open(t, cfg)
	start(t, l)
	long := l.Call()
	untilNoted(t, l, "call "+long[:8]+" fib(9000): ", "… in ")
	for _, id := range []string{long, ""} {
		if _, err := l.SecondReply(t.Context(), id); err == nil || !strings.Contains(err.Error(), "1881 bytes, and only 1024 of them are remembered") {
			t.Errorf("%v", err)
		}
	}
}

// Replies cannot be injected while the client is not connected.
func TestInjectNeedsConnection(t *testing.T) {
	node := brokertest.Own(t)
	cfg := config(t, node)
	allow := make(chan struct{}) // closed: no more connections
	cfg.Broker.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		select {
		case <-allow:
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrPermission}
		default:
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	l := open(t, cfg)
	must(t, node.CloseConnections(t.Context(), "for a test"))
	until(t, l, "connected again", func(snap lab.Snapshot) bool {
		return snap.Ledger.Connection.Epochs == 2 && snap.Ledger.Connection.Connected
	})
	id, err := l.UnknownReply(t.Context())
	must(t, err)
	untilNoted(t, l, "unknown reply "+id[:8]+" came in")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.UnknownReply(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(allow)
	must(t, node.CloseConnections(t.Context(), "for a test"))
	until(t, l, "disconnected", func(snap lab.Snapshot) bool { return !snap.Ledger.Connection.Connected })
	if _, err := l.UnknownReply(t.Context()); err == nil || !strings.Contains(err.Error(), "the client is not connected") {
		t.Errorf("%v", err)
	}
}

// The error names a permission that is missing.
func TestInjectDenied(t *testing.T) {
	node := brokertest.RabbitMQ(t, rabbitmq.Config{})
	brokertest.Ctl(t, node, "add_user", "writeless", "secret")
	brokertest.Ctl(t, node, "set_permissions", "-p", "/", "writeless", ".*", "^$", ".*")
	cfg := config(t, node)
	cfg.Broker.URLs = []string{strings.Replace(node.URL(), "guest:guest", "writeless:secret", 1)}
	l := open(t, cfg)
	ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
	defer cancel()
	for i := range 2 { // on a new connection
		until(t, l, "connected", func(snap lab.Snapshot) bool {
			return snap.Ledger.Connection.Epochs > i && snap.Ledger.Connection.Connected
		})
		_, err := l.UnknownReply(ctx)
		var denied *amqprpc.PermissionError
		if !errors.As(err, &denied) || denied.Permission != "write" || denied.Name != "amq.default" || denied.User != "writeless" || !strings.Contains(err.Error(), denied.Error()) {
			t.Errorf("%v", err)
		}
	}
}

func TestInjectOverTLS(t *testing.T) {
	authority := brokertest.NewAuthority(t)
	cert, key := authority.Issue(t, time.Time{}, "127.0.0.1")
	node := brokertest.RabbitMQ(t, rabbitmq.Config{TLS: &rabbitmq.TLS{CertFile: cert, KeyFile: key}})
	for name, conn := range map[string]amqprpc.ConnConfig{
		"by configuration": {URLs: []string{node.TLSURL()}, TLS: &tls.Config{RootCAs: authority.Pool}},
		"by the URL":       {URLs: []string{node.TLSURL() + "?cacertfile=" + authority.File}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t, node)
			cfg.Broker = conn
			l := open(t, cfg)
			id, err := l.UnknownReply(t.Context())
			must(t, err)
			untilNoted(t, l, "unknown reply "+id[:8]+" came in")
		})
	}
}
