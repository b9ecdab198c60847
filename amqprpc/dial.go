package amqprpc

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// DefaultURL is the URL of a broker that is used if no other is given.
const DefaultURL = "amqp://guest:guest@localhost:5672/"

// ErrInvalidConfig: a Config or Server field cannot be used. Its message never holds a password.
var ErrInvalidConfig = errors.New("invalid configuration")

// A DialError is the reason why a broker could not be reached or used. Its message names addresses, never
// passwords, and no user but that of a [*PermissionError].
type DialError struct {
	Address   string // host:port
	Err       error
	Connected bool // the connection was accepted, and then a queue could not be declared or consumed
}

// Error returns "cannot connect to host:port: why", or "host:port: why" if Connected is set.
func (e *DialError) Error() string {
	prefix := "cannot connect to "
	if e.Connected {
		prefix = ""
	}
	return prefix + e.Address + ": " + Redact(e.reason())
}

// Unwrap returns Err.
func (e *DialError) Unwrap() error { return e.Err }

func (e *DialError) reason() string {
	refused := amqpError(e.Err)
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
	case refused.Code == amqp.NotAllowed && !e.Connected:
		why := strings.TrimPrefix(refused.Reason, "NOT_ALLOWED - ")
		if strings.Contains(why, "vhost") {
			return "the broker refused access to the virtual host: " + why
		}
		return "the broker refused the connection: " + why
	case refused.Code == amqp.AccessRefused && strings.Contains(refused.Reason, "login"):
		return "the broker refused the user name or password"
	case errors.As(e.Err, &op) && op.Op == "dial" && op.Err != nil:
		return op.Err.Error() // without the address, which the caller adds
	}
	return e.Err.Error()
}

// ConnConfig configures connections. [Config] and [Server] embed it.
type ConnConfig struct {
	// URLs are the nodes of a cluster, tried in turn, each once. A reconnect begins with the one after that which
	// was lost, so that a node that hangs, and costs DialTimeout, comes last. They are amqp:// or amqps://, with
	// the query parameters of RabbitMQ's URI specification (heartbeat, which overrides Heartbeat, channel_max,
	// cacertfile, certfile, keyfile, server_name_indication, auth_mechanism; connection_timeout is ignored). Empty
	// means [DefaultURL].
	URLs []string
	TLS  *tls.Config // overrides the parameters of amqps:// URLs
	Name string      // the app_id of a client's requests and of a server's replies
	// Product and Version are the program that the broker shows for each connection. Defaults: the name of the
	// executable and the version of its main module.
	Product, Version string
	// ConnectionName and ConsumerTag are the names that the broker shows for connections and consumers. Default:
	// product, process ID and host, as in "orders[4121]@host", followed by Name if that differs from the product.
	ConnectionName, ConsumerTag string
	// Heartbeat is the heartbeat interval; a connection that is silent for about two of them is lost. Default 10 s,
	// and not less than 1 s.
	Heartbeat   time.Duration
	DialTimeout time.Duration // bounds each try to connect to one URL, with all handshakes; default 10 s
	// MaxMessage bounds the bodies that are sent, in bytes. Default 16 MiB, the default of RabbitMQ 4: for a larger
	// one it closes the channel, and everything in flight is lost.
	MaxMessage int
	Dial       func(ctx context.Context, network, address string) (net.Conn, error) // of TCP; default a net.Dialer's
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
	b.Heartbeat = cmp.Or(b.Heartbeat, 10*time.Second)
	b.DialTimeout = cmp.Or(b.DialTimeout, 10*time.Second)
	b.MaxMessage = cmp.Or(b.MaxMessage, 16<<20)
	switch {
	case b.Heartbeat < time.Second:
		return fmt.Errorf("%w: a heartbeat of %v is less than a second", ErrInvalidConfig, b.Heartbeat)
	case b.DialTimeout < 0:
		return fmt.Errorf("%w: a negative dial timeout", ErrInvalidConfig)
	case b.MaxMessage < 0:
		return fmt.Errorf("%w: a negative MaxMessage", ErrInvalidConfig)
	}
	if b.Dial == nil {
		b.Dial = new(net.Dialer).DialContext
	}
	b.setIdentity()
	for _, s := range []struct{ name, value string }{
		{"Name", b.Name}, {"Product", b.Product}, {"Version", b.Version}, {"ConnectionName", b.ConnectionName}, {"ConsumerTag", b.ConsumerTag},
	} {
		if len(s.value) > maxShortString {
			return fmt.Errorf("%w: %s is longer than %d bytes", ErrInvalidConfig, s.name, maxShortString)
		}
	}
	return nil
}

// setIdentity sets the defaults of the names that the broker shows for this program.
func (b *ConnConfig) setIdentity() {
	b.Product = cmp.Or(b.Product, strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe"))
	if info, ok := debug.ReadBuildInfo(); ok && b.Version == "" {
		b.Version = info.Main.Version
	}
	b.Version = cmp.Or(b.Version, "(devel)")
	host, _ := os.Hostname()
	process := fmt.Sprintf("%s[%d]@%s", b.Product, os.Getpid(), cmp.Or(host, "unknown"))
	if b.Name != "" && b.Name != b.Product {
		process += " " + b.Name
	}
	process = strings.ToValidUTF8(process[:min(len(process), maxShortString)], "")
	b.ConnectionName = cmp.Or(b.ConnectionName, process)
	b.ConsumerTag = cmp.Or(b.ConsumerTag, process)
}

// ClientProperties returns the client properties of a connection, for connections besides those of a [Client] or
// [Server].
func (b ConnConfig) ClientProperties() amqp.Table {
	b.setIdentity()
	p := amqp.NewConnectionProperties()
	p["product"], p["version"] = b.Product, b.Version
	p.SetClientConnectionName(b.ConnectionName)
	return p
}
