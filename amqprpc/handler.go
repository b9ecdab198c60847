package amqprpc

import (
	"context"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Handler computes the response to a request. It is called from as many
// goroutines as [Server.Concurrency] says.
//
// ctx ends at the caller's deadline, where the request bears one; when the connection
// is lost (the request will be delivered again, and this result is discarded); and
// when [Server.Serve]'s context ends or a [Server.Shutdown] runs out of time. A handler
// that has noticed stops working: nobody waits for its result. The Response must not
// be changed after it was returned.
//
// An error becomes an error reply: a [*RemoteError], wrapped ones too, as it is (so the
// error of a call to a further server is handed on), context.DeadlineExceeded as
// DEADLINE_EXCEEDED, context.Canceled as CANCELLED, anything else as INTERNAL
// without its text, which might hold secrets: only [Server.Observer] gets it. A
// panic is recovered, becomes a [*PanicError], and is answered with INTERNAL; so is
// runtime.Goexit, which t.FailNow calls. Panics of hooks are not recovered.
type Handler func(ctx context.Context, req *Request) (Response, error)

// A PanicError is the error of a handler that panicked.
type PanicError struct {
	Value any    // that the handler panicked with
	Stack []byte // of its goroutine, as runtime/debug.Stack writes it
}

// Error returns the value as text, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// A Response is what a handler answers with.
type Response struct {
	Body        []byte
	ContentType string
	Type        string     // the AMQP property "type"; "error" is reserved
	Headers     amqp.Table // without x-rpc- headers, CC and BCC, which are taken out
}

// ServerHooks let a test, or a demonstration, make a server misbehave. Hooks are
// called from many goroutines; they may block, which holds up the one request.
type ServerHooks struct {
	// Replies is given the reply that the server is about to publish, error
	// replies included, and returns the replies to publish instead: none to drop
	// it, two to duplicate it, one with another CorrelationID to puzzle the caller.
	// The request is acked after all of them. The reply's RoutingKey is where it goes.
	// Return values are published as they are, so they must be expressible in AMQP; one
	// that is not is dropped ([EventDropped]).
	Replies func(req *Request, reply Message) []Message
	// BeforeAck runs after the replies' confirms and before the ack. A server that has it acks as with
	// [Server.ConfirmReplies].
	BeforeAck func(req *Request)
}
