package amqprpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
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

// Broker is where and how to connect. It is shared by [Config] and [Server].
type Broker struct {
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

func (b *Broker) setDefaults() error {
	if len(b.URLs) == 0 {
		b.URLs = []string{DefaultURL}
	}
	for _, u := range b.URLs {
		if _, err := parseURL(u); err != nil {
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

// LoadTLS makes a TLS configuration from PEM files, each optional: the CAs to
// trust instead of the system's, and a client certificate with its key.
// serverName overrides the name that the broker's certificate must bear.
func LoadTLS(caFile, certFile, keyFile, serverName string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: serverName}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, fmt.Errorf("%w: CA file: %w", ErrInvalidConfig, err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%w: CA file %s holds no PEM certificate", ErrInvalidConfig, caFile)
		}
	}
	if (certFile == "") != (keyFile == "") {
		return nil, fmt.Errorf("%w: a TLS certificate and its key must be given together", ErrInvalidConfig)
	}
	if certFile != "" {
		pair, err := tls.LoadX509KeyPair(certFile, keyFile)
		if err != nil {
			return nil, fmt.Errorf("%w: TLS certificate: %w", ErrInvalidConfig, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}

// A link is one AMQP connection and the socket under it.
type link struct {
	*amqp.Connection
	wire    *stream
	closing chan *amqp.Error
}

// close ends the link within the time, politely if possible.
func (l *link) close(within time.Duration) {
	if within > 0 {
		// A write that is stuck keeps CloseDeadline from its turn, and not every
		// net.Conn minds a deadline.
		stop := time.AfterFunc(within, l.cut)
		l.CloseDeadline(time.Now().Add(within)) //nolint:errcheck // it is closed either way
		stop.Stop()
	}
	l.cut()
	for range l.closing { // until amqp091-go has noticed
	}
	l.wire.deafen() // its reader may be in the middle of it
}

// cut closes the socket and makes sure that amqp091-go notices. Its reader does not where it waits for
// somebody to take an answer that nobody has asked for. A write does, and to open a channel is one.
func (l *link) cut() {
	l.wire.Close()
	l.Channel() //nolint:errcheck // that is what it is for
}

// dial opens one connection, whose inbox is in. Every step of it ends with ctx.
func (b *Broker) dial(ctx context.Context, url, role string, in inbox) (*link, error) {
	uri, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(uri.Host, strconv.Itoa(uri.Port))
	secure := uri.Scheme == "amqps"
	if secure {
		// TLS belongs under the stream, which looks at frames; amqp091-go would put it
		// on top. So it is done here, and amqp091-go is told that there is none.
		_, rest, _ := strings.Cut(url, ":")
		url = "amqp:" + rest
	}
	l := &link{}
	var first *firstWords
	abandon := func() bool { return true }
	props := b.ClientProperties()
	props.SetClientConnectionName(b.ConnectionName + " (" + role + ")")
	conn, err := amqp.DialConfig(url, amqp.Config{
		Heartbeat:  b.Heartbeat,
		FrameSize:  frameMax,
		Properties: props,
		Dial: func(network, _ string) (net.Conn, error) {
			raw, err := b.Dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			abandon = context.AfterFunc(ctx, func() { raw.Close() })
			conn := raw
			if secure {
				if conn, err = b.shake(ctx, raw, uri); err != nil {
					raw.Close()
					return nil, err
				}
			}
			first = &firstWords{Conn: conn}
			l.wire = newStream(first, raw, in)
			return l.wire, nil
		},
	})
	if err == nil && !abandon() {
		conn.CloseDeadline(time.Now()) //nolint:errcheck // its socket is closed already
		err = ctx.Err()
	}
	if err != nil {
		if l.wire != nil {
			l.wire.Close()
		}
		if !abandon() && ctx.Err() != nil {
			err = ctx.Err() // rather than "use of closed network connection"
		} else {
			err = first.explain(err)
		}
		return nil, &DialError{Address: address, Err: WithPermission(err, "")}
	}
	first.past.Store(true)
	l.Connection = conn
	l.closing = conn.NotifyClose(make(chan *amqp.Error, 1))
	return l, nil
}

// shake does the TLS handshake.
func (b *Broker) shake(ctx context.Context, raw net.Conn, uri amqp.URI) (net.Conn, error) {
	cfg := b.TLS
	if cfg == nil {
		var err error
		if cfg, err = LoadTLS(uri.CACertFile, uri.CertFile, uri.KeyFile, uri.ServerName); err != nil {
			return nil, err
		}
	}
	if cfg.ServerName == "" {
		cfg = cfg.Clone()
		cfg.ServerName = uri.Host
	}
	conn := tls.Client(raw, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, explainTLS(err)
	}
	return conn, nil
}
