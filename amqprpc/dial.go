package amqprpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// DefaultURL is the broker that is meant where none is named.
const DefaultURL = "amqp://guest:guest@localhost:5672/"

// ErrInvalidConfig: a Config or Server field cannot be used. Its message never
// holds a password.
var ErrInvalidConfig = errors.New("invalid configuration")

// A DialError says why a broker could not be reached or used. Its message names addresses,
// never passwords.
// Of users there is only the one that a [*PermissionError] is about, whom the broker knows.
type DialError struct {
	Address string // host:port
	Err     error

	// Connected says that the broker let us in, and refused what was asked for then: a
	// queue that is of another type, or exclusive to somebody else.
	Connected bool
}

// Error returns "cannot connect to host:port: why", or "host:port: why" where the
// connection was fine but a queue could not be declared or consumed.
func (e *DialError) Error() string {
	if e.Connected {
		return e.Address + ": " + Redact(e.reason())
	}
	return "cannot connect to " + e.Address + ": " + Redact(e.reason())
}

// Unwrap returns Err.
func (e *DialError) Unwrap() error { return e.Err }

func (e *DialError) reason() string {
	var refused *amqp.Error
	var op *net.OpError
	var denied *PermissionError
	switch {
	case errors.As(e.Err, &denied):
		return denied.Error()
	case errors.Is(e.Err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(e.Err, amqp.ErrCredentials), errors.Is(e.Err, amqp.ErrSASL):
		return "the broker refused the user name or password"
	case errors.Is(e.Err, amqp.ErrVhost):
		return "the broker refused access to the virtual host"
	case errors.As(e.Err, &refused) && refused.Code == amqp.NotAllowed && !e.Connected:
		why := strings.TrimPrefix(refused.Reason, "NOT_ALLOWED - ")
		if strings.Contains(why, "vhost") {
			return "the broker refused access to the virtual host: " + why
		}
		return "the broker refused the connection: " + why
	case errors.As(e.Err, &refused) && refused.Code == amqp.AccessRefused && strings.Contains(refused.Reason, "login"):
		return "the broker refused the user name or password"
	case errors.As(e.Err, &op) && op.Op == "dial" && op.Err != nil:
		return op.Err.Error() // without the address, which was just said
	}
	return e.Err.Error()
}

// ConnConfig says where and how to connect. [Config] and [Server] embed it.
type ConnConfig struct {
	// URLs are tried in turn, each once: the nodes of a cluster. At the start the first one
	// is tried first; on a reconnect the one after that which was lost, so that a node which
	// hangs, and costs DialTimeout, comes last. amqp:// or amqps://, with the query parameters of RabbitMQ's URI
	// specification (heartbeat, which goes before Heartbeat, channel_max, cacertfile,
	// certfile, keyfile, server_name_indication, auth_mechanism; connection_timeout
	// is not used, see DialTimeout). Empty means [DefaultURL].
	URLs []string
	// TLS is used for amqps:// URLs instead of what their parameters say.
	TLS *tls.Config
	// Name is the app_id of a client's requests and of a server's replies.
	Name string
	// Product and Version are what the broker lists each connection's program as. Defaults: the
	// name of the executable and the version of its main module.
	Product, Version string
	// ConnectionName and ConsumerTag are what the broker lists connections and consumers as.
	// Default: product, process ID and host, as in "orders[4121]@host", followed by Name if that
	// differs from the product.
	ConnectionName, ConsumerTag string
	// Heartbeat is how often a silent peer is asked for a sign of life; it is taken
	// for dead after about two of them. Default 10 s, and not less than 1 s.
	Heartbeat time.Duration
	// DialTimeout bounds each try to connect to one URL, all handshakes included.
	// Default 10 s.
	DialTimeout time.Duration
	// MaxMessage bounds the bodies that are sent, in bytes. Default 16 MiB, which is
	// what RabbitMQ 4 accepts: on a larger one it closes the channel, and all that
	// was in flight with it.
	MaxMessage int
	// Dial opens the TCP connection; nil means a net.Dialer. Tests and proxies use
	// it.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

func (b *ConnConfig) setDefaults() error {
	if len(b.URLs) == 0 {
		b.URLs = []string{DefaultURL}
	}
	for _, u := range b.URLs {
		if _, _, err := b.parse(u); err != nil {
			return err
		}
	}
	if b.Heartbeat == 0 {
		b.Heartbeat = 10 * time.Second
	}
	if b.Heartbeat < time.Second {
		return fmt.Errorf("%w: a heartbeat of %v is less than a second", ErrInvalidConfig, b.Heartbeat)
	}
	if b.DialTimeout == 0 {
		b.DialTimeout = 10 * time.Second
	}
	if b.DialTimeout < 0 {
		return fmt.Errorf("%w: a negative dial timeout", ErrInvalidConfig)
	}
	if b.MaxMessage == 0 {
		b.MaxMessage = 16 << 20
	}
	if b.MaxMessage < 0 {
		return fmt.Errorf("%w: a negative MaxMessage", ErrInvalidConfig)
	}
	if b.Dial == nil {
		var d net.Dialer
		b.Dial = d.DialContext
	}
	b.setIdentity()
	for _, s := range []struct{ what, is string }{
		{"Name", b.Name}, {"Product", b.Product}, {"Version", b.Version}, {"ConnectionName", b.ConnectionName}, {"ConsumerTag", b.ConsumerTag},
	} {
		if len(s.is) > maxShortString {
			return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalidConfig, s.what, maxShortString)
		}
	}
	return nil
}
