package lab

import (
	"fmt"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/load"
	"rpcscope/server/pool"
)

// A Config configures a [Lab]. Broker and Queue are required.
type Config struct {
	Broker amqprpc.ConnConfig
	// StandIn is set if Broker is not the intended one. It says why, and how to get the intended one,
	// for the screen.
	StandIn string
	// Backoff controls the delay between reconnect attempts.
	Backoff amqprpc.Backoff
	// Queue is the request queue.
	Queue string
	// OwnQueue is set if nobody else uses the queue. [Lab.Close] deletes it; if the program is killed,
	// the broker deletes it when it has had no consumer for five minutes.
	OwnQueue bool

	// Concurrency is the number of calls in flight in a closed loop; if Rate (calls per second) is not
	// 0, the load is an open model and Concurrency is its limit, 0 for none. The defaults are one call
	// in flight, fib(30) and a timeout of 5 s.
	Concurrency int
	Rate        float64
	Fib         string // "30" or "20-35"
	// Service, if set, is called instead of fib. Its Body is required.
	Service *Service
	Timeout time.Duration
	Seed    uint64
	// Paused starts with the load paused. PauseIfForeign does so if the queue has consumers that are
	// not the lab's, or if there is a Service.
	Paused, PauseIfForeign bool

	// Pool configures the servers. The lab sets OnExit and Output, puts --queue, --quiet and, for an
	// OwnQueue, --queue-expires before Args, and sets URL from Broker if it is empty.
	Pool pool.Config
	// ServerSeed is the seed of the first server; each further one gets the next number.
	ServerSeed int64
	// Force allows servers beside foreign ones, as [Lab.AllowStart] does.
	Force bool

	// Observer, if set, gets every event that the ledger gets.
	Observer amqprpc.Observer
	// OnFailure, if set, is called with the error of each failed call that has more to say than its
	// outcome, from many goroutines at once. The next call waits for it.
	OnFailure func(error)
}

// withDefaults checks the config and sets the defaults.
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
	if c.Rate != 0 && load.CheckRate(c.Rate) != nil {
		return c, load.CheckRate(c.Rate)
	}
	if err := load.CheckConcurrency(c.Concurrency, 0); err != nil {
		return c, err
	}
	if _, err := ParseFib(c.Fib); err != nil {
		return c, fmt.Errorf("fib %w", err)
	}
	if c.Service != nil && c.Service.Body == nil {
		return c, invalid("the service has no body")
	}
	args := []string{"--queue=" + c.Queue, "--quiet"}
	if c.OwnQueue {
		args = append(args, "--queue-expires="+ownQueueExpires.String())
	}
	c.Pool.Args = append(args, c.Pool.Args...)
	if c.Pool.URL == "" {
		c.Pool.URL = strings.Join(c.Broker.URLs, " ")
	}
	return c, nil
}

func validTimeout(d time.Duration) error {
	if d <= 0 || d > maxTimeout {
		return invalid("timeout must be positive and at most %v, not %v", maxTimeout, d)
	}
	return nil
}

// maxTimeout is small enough for the expiration property.
const maxTimeout = 1000 * time.Hour

// invalid returns an amqprpc.ErrInvalidConfig without a prefix.
var invalid = load.Invalidf
