package amqprpc

import (
	"context"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Handler computes the response to a request. It is called from as many
// goroutines as [Server.Concurrency] says.
//
// ctx ends at the caller's deadline, where the request bears one, and when a
// [Server.Shutdown] runs out of time. A handler that has noticed stops working:
// nobody waits for its result.
//
// An error becomes an error reply: a [*RemoteError] as it is, context.DeadlineExceeded
// as DEADLINE_EXCEEDED, context.Canceled as CANCELLED, anything else as INTERNAL
// without its text, which might hold secrets and goes to the log instead. A
// panic is recovered, logged with its stack, and answered with INTERNAL.
type Handler func(ctx context.Context, req *Request) (Response, error)

// A Response is what a handler answers with.
type Response struct {
	Body        []byte
	ContentType string
	Type        string     // the AMQP property "type"; "error" is reserved
	Headers     amqp.Table // the x-rpc- headers are added to a copy
}

// ServerHooks let a test, or a demonstration, make a server misbehave. Hooks are
// called from many goroutines; they may block, which holds up the one request.
type ServerHooks struct {
	// Replies is given the reply that the server is about to publish, error
	// replies included, and returns the replies to publish instead: none to drop
	// it, two to duplicate it, one with another CorrelationID to puzzle the caller.
	// The request is acked when all of them are confirmed. The reply's RoutingKey
	// is where it goes. Return values are published as they are, so they must be
	// expressible in AMQP; one that is not is dropped and logged.
	Replies func(req *Request, reply Message) []Message
	// BeforeAck runs after the replies' confirms and before the ack.
	BeforeAck func(req *Request)
}
