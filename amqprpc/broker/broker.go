package broker

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// A Config says how to run a broker. The zero value is a broker for tests: on a free port of
// 127.0.0.1, with the user guest and the password guest, silent.
type Config struct {
	// Listen is the TCP address to listen on, "127.0.0.1:0" where it is empty: port 0 is
	// any free one. An address that is not the loopback interface's needs AllowRemote.
	Listen string

	// AllowRemote lets Listen be an address that other machines can reach. Nothing is
	// encrypted. The user guest is then still for the loopback interface only, as RabbitMQ has it.
	AllowRemote bool

	// Users holds the passwords of those who may log in. Nil is guest with the password guest.
	Users map[string]string

	// Heartbeat is the interval proposed to clients; what they ask for counts if it is
	// less. 0 is RabbitMQ's 60 s; negative proposes none.
	Heartbeat time.Duration

	// MaxMessage is the largest body in bytes, 16 MiB where it is 0.
	MaxMessage int

	// MemoryLimit is how many bytes of messages the queues may hold before the broker
	// stops to read from connections that publish, 256 MiB where it is 0.
	MemoryLimit int64

	// Log is told of connections (their begin, end, and errors). Nil is silence.
	Log *slog.Logger
}

// Product and Version are what the broker calls itself in its server properties.
const (
	Product = "rpcscope in-process broker"
	Version = "0.1.0"
)

// Errors of a broker's life.
var (
	// ErrClosed is returned by what cannot be done after Close.
	ErrClosed = errors.New("the broker is closed")
	// ErrRunning is returned by Restart for a broker that was neither stopped nor killed.
	ErrRunning = errors.New("the broker is running")
	// ErrNotLoopback is wrapped by what Start returns for an address that others can reach
	// when Config.AllowRemote is false.
	ErrNotLoopback = errors.New("not an address of the loopback interface")
)

// A Broker is a running broker. All its methods may be called from any goroutine.
type Broker struct{}

// Start starts a broker, which accepts connections when Start returns. It is for the caller to close.
func Start(cfg Config) (*Broker, error) { return nil, errors.New("not yet") }

// URL is where clients connect: amqp://guest:guest@127.0.0.1:PORT/, or with the first of Config.Users.
func (b *Broker) URL() string { return "" }

// Addr is the address listened on.
func (b *Broker) Addr() net.Addr { return nil }

// Close ends the broker: its listener, connections (320, and not long waited for) and queues. It returns when all
// of its goroutines have ended, and may be called more than once.
func (b *Broker) Close() error { return nil }
