package lab

import (
	"fmt"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
)

// A Config says what is in a [Lab].
type Config struct {
	// Broker is where it is.
	Broker amqprpc.ConnConfig
	// StandIn, where the broker is not the one that was meant, says so: which one it is
	// instead, why, and how to get the other, in a sentence or two. It is shown.
	StandIn string
	// Backoff is how a lost connection is tried for again.
	Backoff amqprpc.Backoff
	// Queue is where requests go. Required.
	Queue string
	// OwnQueue says that nobody else uses that queue: [Lab.Close] deletes it, and where there
	// is no Close, for a kill -9, the broker does when no server has consumed from it for
	// five minutes.
	OwnQueue bool

	// The load, as [Lab.SetConcurrency], [Lab.SetRate], [Lab.SetFib] and
	// [Lab.SetTimeout] change it later. Concurrency is the number of calls in flight of
	// a closed loop; where Rate (calls per second) is above 0 it is an open model, and
	// Concurrency is a limit, 0 meaning none. Defaults: one call in flight, fib(30),
	// 5 s.
	Concurrency int
	Rate        float64
	Fib         string // "30" or "20-35"
	// Service, where it is set, is asked instead of fib. Its Body is required, and
	// [Lab.SetBody] changes it.
	Service *Service
	Timeout time.Duration
	Seed    uint64
	// Paused starts with the load paused. Wary does so if somebody else consumes from the queue,
	// or a Service is asked.
	Paused, PauseIfForeign bool

	// Pool is how servers are started. Its OnExit and Output are the lab's. Servers are
	// told the queue (--queue, and for an OwnQueue --queue-expires) and to be quiet (--quiet) before Pool.Args, and learn the
	// address of the broker from Broker.URLs where Pool.URL is empty.
	Pool pool.Config
	// ServerSeed is the seed of the first server started; each further one gets the
	// next.
	ServerSeed int64
	// Force starts servers beside somebody else's, see [Lab.Alone].
	Force bool

	// Observer, where it is set, is told of every event besides the ledger: a
	// recorder, say.
	Observer amqprpc.Observer
	// OnFailure, where it is set, is told of each call that failed and has more to say
	// than its outcome, see [SaysMore]. It is called from many goroutines at once and is
	// in the way of the next call.
	OnFailure func(error)
}

// withDefaults checks a Config and fills in what is missing.
func (c Config) withDefaults() (Config, error) {
	if c.Concurrency == 0 && c.Rate == 0 {
		c.Concurrency = 1
	}
	if c.Fib == "" {
		c.Fib = "30"
	}
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Broker.Name == "" {
		c.Broker.Name = "rpcscope"
	}
	if c.Queue == "" || len(c.Queue) > 255 {
		return c, invalid("the queue's name is empty, or longer than 255 bytes")
	}
	if err := validTimeout(c.Timeout); err != nil {
		return c, err
	}
	if c.Rate != 0 {
		if err := validRate(c.Rate); err != nil {
			return c, err
		}
	}
	least := 1
	if c.Rate != 0 {
		least = 0
	}
	if err := validConcurrency(c.Concurrency, least); err != nil {
		return c, err
	}
	if _, err := ParseFib(c.Fib); err != nil {
		return c, prefixed("fib ", err)
	}
	if c.Service != nil && c.Service.Body == nil {
		return c, invalid("the service has no body")
	}
	args := []string{"--queue=" + c.Queue, "--quiet"}
	if c.OwnQueue {
		args = append(args, "--queue-expires="+unusedQueue.String())
	}
	c.Pool.Args = append(args, c.Pool.Args...)
	if c.Pool.URL == "" {
		c.Pool.URL = strings.Join(c.Broker.URLs, " ")
	}
	return c, nil
}

func validConcurrency(n, least int) error {
	if n < least || n > load.MaxConcurrency {
		return invalid("concurrency %d is not from %d to %d", n, least, load.MaxConcurrency)
	}
	return nil
}

func validRate(rate float64) error {
	if rate >= load.MinRate && rate <= load.MaxRate {
		return nil
	}
	return invalid("rate %v per second is not from %g to %.0f", rate, load.MinRate, load.MaxRate)
}

func validTimeout(d time.Duration) error {
	switch {
	case d <= 0:
		return invalid("timeout %v is not above zero", d)
	case d > mostTimeout:
		return invalid("timeout %v is above %v", d, mostTimeout)
	}
	return nil
}

// mostTimeout is longer than anybody waits, and short enough for an expiration.
const mostTimeout = 1000 * time.Hour

// An invalidError is an amqprpc.ErrInvalidConfig that says only what is wrong: it is
// shown right below what was typed in.
type invalidError struct{ text string }

func (e invalidError) Error() string        { return e.text }
func (e invalidError) Is(target error) bool { return target == amqprpc.ErrInvalidConfig }

func invalid(format string, args ...any) error {
	return invalidError{fmt.Sprintf(format, args...)}
}

func prefixed(prefix string, err error) error { return invalidError{prefix + err.Error()} }
