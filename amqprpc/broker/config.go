package broker

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"time"
)

// A Config configures a broker. The zero value is a silent broker for tests: on a free port of 127.0.0.1, with the user
// guest and the password guest.
type Config struct {
	// Listen is the TCP address to listen on. The default is "127.0.0.1:0"; port 0 is any free one.
	// An address that is not the loopback interface's needs AllowRemote.
	Listen string

	// AllowRemote permits an address in Listen that other machines can reach. Nothing is encrypted. As in RabbitMQ,
	// the user guest can still log in through the loopback interface only.
	AllowRemote bool

	// Users maps the names of users to their passwords. Nil is guest with the password guest.
	Users map[string]string

	// Heartbeat is the interval proposed to clients, in whole seconds. The default is RabbitMQ's 60 s; a negative value
	// proposes none. A client may choose another one.
	Heartbeat time.Duration

	// MaxMessage is the largest body in bytes. The default is 16 MiB.
	MaxMessage int

	// MemoryLimit is how many bytes of messages the queues may hold before the broker stops reading from connections
	// that publish. The default is 256 MiB.
	MemoryLimit int64

	// Log receives opened and closed connections (at level warn if the client is at fault), channels that were closed for
	// an error, and memory alarms. A Log that blocks holds up only the connection concerned, and Close. It must not
	// call the broker. Nil discards everything.
	Log *slog.Logger
}

// Product and Version are the broker's own server properties.
const (
	Product = "rpcscope in-process broker"
	Version = "0.1.0"
)

const guest = "guest"

var (
	// ErrClosed is returned by Restart after Close.
	ErrClosed = errors.New("the broker is closed")
	// ErrNotLoopback is wrapped by the error of Start for an address that other machines can reach if Config.AllowRemote
	// is false.
	ErrNotLoopback = errors.New("not an address of the loopback interface")
)

// withDefaults fills in the defaults and checks the limits.
func (cfg Config) withDefaults() (Config, error) {
	cfg.Listen = cmp.Or(cfg.Listen, "127.0.0.1:0")
	cfg.MaxMessage = cmp.Or(cfg.MaxMessage, 16<<20)
	cfg.MemoryLimit = cmp.Or(cfg.MemoryLimit, 256<<20)
	cfg.Heartbeat = max(cmp.Or(cfg.Heartbeat, 60*time.Second), 0)
	if cfg.Users = maps.Clone(cfg.Users); cfg.Users == nil {
		cfg.Users = map[string]string{guest: guest}
	}
	if cfg.MaxMessage < 0 || cfg.MemoryLimit < 0 {
		return cfg, fmt.Errorf("a broker with a MaxMessage of %d and a MemoryLimit of %d bytes", cfg.MaxMessage, cfg.MemoryLimit)
	}
	return cfg, nil
}
