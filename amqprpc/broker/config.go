package broker

import (
	"errors"
	"log/slog"
	"time"
)

// A Config says how to run a broker. The zero value is a broker for tests: on a free port of
// 127.0.0.1, with the user guest and the password guest, silent.
type Config struct {
	// Listen is the TCP address to listen on, "127.0.0.1:0" where it is empty: port 0 is
	// any free one. An address that is not the loopback interface's needs AllowRemote.
	Listen string

	// AllowRemote lets Listen be an address that other machines can reach. Nothing is
	// encrypted. The user guest is still for the loopback interface only, as RabbitMQ has it.
	AllowRemote bool

	// Users holds the passwords of those who may log in. Nil is guest with the password guest.
	Users map[string]string

	// Heartbeat is the interval proposed to clients, in whole seconds; a client may ask for another. 0 is
	// RabbitMQ's 60 s; negative proposes none.
	Heartbeat time.Duration

	// MaxMessage is the largest body in bytes, 16 MiB where it is 0.
	MaxMessage int

	// MemoryLimit is how many bytes of messages the queues may hold before the broker
	// stops reading from connections that publish, 256 MiB where it is 0. Messages that have come in
	// part may take as much again, and MaxMessage: the connection that goes beyond is closed with 506.
	MemoryLimit int64

	// Log is told of connections: that one was opened or closed, at level warn where a client is to
	// blame; and of channels that were closed for an error, and of memory alarms. While it blocks, the
	// connection that it is told of waits, and Close; others go on. It must not call the broker. Nil is silence.
	Log *slog.Logger
}

// Product and Version are what the broker calls itself in its server properties.
const (
	Product = "rpcscope in-process broker"
	Version = "0.1.0"
)

const (
	guest              = "guest"
	defaultMaxMessage  = 16 << 20
	defaultMemoryLimit = 256 << 20
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

func (b *Broker) heartbeat() time.Duration {
	if b.cfg.Heartbeat == 0 {
		return defaultHeartbeat
	}
	return max(b.cfg.Heartbeat, 0)
}
