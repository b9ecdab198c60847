package lab

import (
	"time"

	"rpcscope/amqprpc"
	"rpcscope/server/pool"
)

// A Config says what is in a [Lab].
type Config struct {
	// Broker is where it is.
	Broker amqprpc.Broker
	// Backoff is how a lost connection is tried for again.
	Backoff amqprpc.Backoff
	// Queue is where requests go. Required.
	Queue string

	// The load, as [Lab.SetConcurrency], [Lab.SetRate], [Lab.SetFib] and
	// [Lab.SetTimeout] change it later. Concurrency is the number of calls in flight of
	// a closed loop; where Rate (calls per second) is above 0 it is an open model, and
	// Concurrency is a limit, 0 meaning none. Defaults: one call in flight, fib(30),
	// 5 s.
	Concurrency int
	Rate        float64
	Fib         string // "30" or "20-35"
	Timeout     time.Duration
	Seed        uint64
	// Paused starts with the load paused.
	Paused bool

	// Pool is how servers are started. Its OnExit and Output are the lab's.
	Pool pool.Config
	// ServerSeed is the seed of the first server started; each further one gets the
	// next.
	ServerSeed int64

	// Observer, where it is set, is told of every event besides the ledger: a
	// recorder, say.
	Observer amqprpc.Observer
}
