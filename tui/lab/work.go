package lab

import (
	"math/rand/v2"

	"rpcscope/amqprpc"
	"rpcscope/tui/report"
)

// A Work is what calls ask for, and which answers are right: [Fib], or a [Service] of
// somebody's own. Its methods may be called from many goroutines at once.
type Workload interface {
	// Request makes the request number k: it is a load.Source.
	Request(k int64, rng *rand.Rand) amqprpc.Request
	// Check returns an error where a reply is not the right answer. It may quote both.
	Check(req amqprpc.Request, reply amqprpc.Reply) error
	// Name says what a request asks for: fib(30), or its body. It may quote it.
	Name(req amqprpc.Request) string
	// Describe fills in what of a run's configuration is about what is asked for.
	Describe(*report.RunConfig)
}

var (
	_ Workload = (*Fib)(nil)
	_ Workload = (*Service)(nil)
)
