package broker

import (
	"net"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// remote is a connection from another address.
type remote struct {
	net.Conn
	from net.IP
}

func (r remote) RemoteAddr() net.Addr { return &net.TCPAddr{IP: r.from, Port: 1} }

// The user guest may log in from this machine only.
func TestGuest(t *testing.T) {
	b, err := Start(Config{Users: map[string]string{"guest": "guest", "anna": "secret"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, login := range []struct {
		user, password, from string
		ok                   bool
	}{
		{"guest", "guest", "127.0.0.1", true},
		{"guest", "guest", "::1", true},
		{"guest", "guest", "192.0.2.1", false},
		{"guest", "guest", "2001:db8::1", false},
		{"anna", "secret", "192.0.2.1", true},
		{"anna", "secret", "127.0.0.1", true},
	} {
		near, far := net.Pipe()
		c := newConnection(b, b.run, remote{near, net.ParseIP(login.from)})
		b.lock()
		b.run.conns[c] = struct{}{}
		b.run.goroutines.Go(c.serve)
		b.unlock()
		_ = far.SetDeadline(time.Now().Add(20 * time.Second))
		conn, err := amqp.Open(far, amqp.Config{Vhost: "/", SASL: []amqp.Authentication{&amqp.PlainAuth{Username: login.user, Password: login.password}}})
		if (err == nil) != login.ok {
			t.Errorf("%s from %s: %v", login.user, login.from, err)
		}
		if err == nil {
			_ = conn.Close()
		}
		_ = far.Close()
	}
}
