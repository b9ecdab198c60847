package broker_test

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/internal/wire"
)

func TestNotLoopback(t *testing.T) {
	for _, addr := range []string{":0", "0.0.0.0:0", "[::]:0"} {
		if b, err := broker.Start(broker.Config{Listen: addr}); !errors.Is(err, broker.ErrNotLoopback) {
			t.Errorf("%s: %v", addr, err)
			if err == nil {
				b.Close()
			}
		}
	}
	for _, cfg := range []broker.Config{
		{Listen: "127.0.0.1:0"}, {Listen: "localhost:0"}, {Listen: "127.1.2.3:0"}, {Listen: "0.0.0.0:0", AllowRemote: true},
	} {
		b, err := broker.Start(cfg)
		must(t, err)
		if _, port, err := net.SplitHostPort(b.Addr()); err != nil || port == "0" {
			t.Errorf("%s: %s", cfg.Listen, b.Addr())
		}
		must(t, b.Close())
	}
}

func TestStartErrors(t *testing.T) {
	b := start(t, broker.Config{})
	for _, cfg := range []broker.Config{
		{Listen: b.Addr()}, {Listen: "nonsense"}, {MaxMessage: -1}, {MemoryLimit: -1},
	} {
		if b, err := broker.Start(cfg); err == nil {
			b.Close()
			t.Errorf("%+v: no error", cfg)
		}
	}
}

func TestUsers(t *testing.T) {
	users := map[string]string{"zoe": "p@ss/word: ", "anna": "secret"}
	b := start(t, broker.Config{Users: users})
	users["eve"] = "" // the map is the caller's
	u, err := url.Parse(b.URL())
	must(t, err)
	if password, _ := u.User.Password(); u.User.Username() != "anna" || password != "secret" || u.Host != b.Addr() {
		t.Errorf("the URL is %s", b.URL())
	}
	for _, login := range []struct {
		user, password string
		ok             bool
	}{
		{"anna", "secret", true}, {"zoe", "p@ss/word: ", true},
		{"anna", "p@ss/word: ", false}, {"anna", "", false}, {"anna", "secret2", false}, {"guest", "guest", false},
		{"", "", false}, {"eve", "", false},
	} {
		conn, err := amqp.DialConfig(b.URL(), amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: login.user, Password: login.password}}})
		if login.ok {
			must(t, err)
			if c := b.Connections(); len(c) != 1 || c[0].User != login.user {
				t.Errorf("%+v", c)
			}
			must(t, conn.Close())
			eventually(t, "gone", func() (any, bool) { c := b.Connections(); return c, len(c) == 0 })
		} else if code(err) != amqp.AccessRefused {
			t.Errorf("%q with %q: %v", login.user, login.password, err)
		}
	}
}

func TestNoUsers(t *testing.T) {
	b := start(t, broker.Config{Users: map[string]string{}})
	if _, err := amqp.DialConfig(b.URL(), amqp.Config{}); code(err) != amqp.AccessRefused {
		t.Error(err)
	}
}

func TestMaxMessage(t *testing.T) {
	b := start(t, broker.Config{MaxMessage: 1000})
	ch := channel(t, dial(t, b))
	queue := declare(t, ch, "queue", transient)
	put(t, ch, queue, amqp.Publishing{Body: make([]byte, 1000)})
	closed := watch(ch)
	publish(t, ch, queue, amqp.Publishing{Body: make([]byte, 1001)})
	if err := receive(t, closed); err.Code != amqp.PreconditionFailed {
		t.Error(err)
	}
	wantQueue(t, b, queue, 1, 0)

	p := login(t, start(t, broker.Config{})) // 16 MiB
	header := func(size uint64) []byte {
		m := wire.AppendMethod(nil, 1, &wire.BasicPublish{RoutingKey: "queue"})
		payload := []byte{0, 60, 0, 0, byte(size >> 56), byte(size >> 48), byte(size >> 40), byte(size >> 32), byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size), 0, 0}
		return wire.AppendFrame(m, wire.FrameHeader, 1, payload)
	}
	for _, size := range []uint64{16<<20 + 1, 1 << 40, 1<<64 - 1} {
		p.write(header(size))
		if got := p.outcome(); got != "channel 406 about 60.40" {
			t.Errorf("%d bytes: %s", size, got)
		}
		p.send(1, &wire.ChannelCloseOk{}, &wire.ChannelOpen{})
		await[*wire.ChannelOpenOk](p)
	}
	p.write(header(16 << 20))
	p.send(2, &wire.ChannelOpen{})
	await[*wire.ChannelOpenOk](p)
}

func TestHeartbeatProposed(t *testing.T) {
	for _, h := range []struct {
		proposed time.Duration
		want     uint16
	}{{0, 60}, {-1, 0}, {5 * time.Second, 5}, {1500 * time.Millisecond, 2}, {100 * time.Hour, 65535}} {
		b := start(t, broker.Config{Heartbeat: h.proposed})
		p := tcp(t, b)
		p.write(wire.AppendProtocolHeader(nil))
		await[*wire.ConnectionStart](p)
		p.send(0, &wire.ConnectionStartOk{Mechanism: "PLAIN", Response: "\x00guest\x00guest", Locale: "en_US"})
		if tune := await[*wire.ConnectionTune](p); tune.Heartbeat != h.want {
			t.Errorf("%v: %d s proposed, want %d", h.proposed, tune.Heartbeat, h.want)
		}
	}
}

// A logbook is a log that can be read while it is written.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// The log escapes the text of clients and contains no passwords.
func TestLog(t *testing.T) {
	var log logbook
	b := start(t, broker.Config{
		Log: slog.New(slog.NewTextHandler(&log, nil)), Users: map[string]string{"anna": "tops3cret"}, MemoryLimit: 1000,
	})
	hostile := "ev\x1b]0;il\nlevel=ERROR" + strings.Repeat("A", 1000)
	conn := dialWith(t, b, amqp.Config{Properties: amqp.Table{"connection_name": hostile}})
	ch := channel(t, conn)
	must(t, errorOf(ch.QueueDeclare("queue", true, false, false, false, nil)))
	put(t, ch, "queue", amqp.Publishing{Body: make([]byte, 2000)})
	must(t, errorOf(ch.QueuePurge("queue", false)))
	must(t, channel(t, conn).Close())
	if _, err := ch.QueueDeclarePassive("no\x1b[2J such", false, false, false, false, nil); code(err) != amqp.NotFound {
		t.Error(err)
	}
	must(t, conn.CloseDeadline(soon()))
	if _, err := amqp.DialConfig(b.URL(), amqp.Config{SASL: []amqp.Authentication{&amqp.PlainAuth{Username: "anna", Password: "wrongs3cret"}}}); err == nil {
		t.Error("logged in with a wrong password")
	}
	// Clients send their users' lists of URLs as virtual hosts, user names and connection names.
	list := "/,amqp://bob:hunters3cret@h2:5672/"
	for _, cfg := range []amqp.Config{{Vhost: list}, {SASL: []amqp.Authentication{&amqp.PlainAuth{Username: list, Password: "x"}}}, {Vhost: "none", Properties: amqp.Table{"connection_name": list}}} {
		if _, err := amqp.DialConfig(b.URL(), cfg); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("vhost %q: %v", cfg.Vhost, err)
		}
	}
	tcp(t, b).write([]byte("GET /\x1b[31m HTTP/1.1\r\n\r\n"))
	for _, want := range []string{
		"connection opened", "user=anna", `ev\\x1b]0;il\\nlevel=ERROR`, "channel closed", "NOT_FOUND", `no\\x1b[2J such`,
		"memory alarm:", "memory alarm cleared", "closed by the client", "login refused for user 'anna'", "login refused for user '/***@h2:5672/'", "vhost /***@h2:5672/ not found", "name=/***@h2:5672/", "not AMQP 0-9-1",
	} {
		eventually(t, want, func() (any, bool) { s := log.String(); return s, strings.Contains(s, want) })
	}
	b.Close()
	for _, bad := range []string{"\x1b", "s3cret", "\nlevel", strings.Repeat("A", 200)} {
		if strings.Contains(log.String(), bad) {
			t.Errorf("the log has %q:\n%s", bad, log.String())
		}
	}
}
