package amqprpc

import (
	"context"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Handler computes the response to a request. It is called from as many goroutines as [Server.Concurrency] says.
//
// ctx ends at the caller's deadline, if the request has one; when the connection is lost (the request is delivered
// again, and this result is discarded); and when [Server.Serve]'s context ends or a [Server.Shutdown] runs out of
// time. The handler should then return, because nobody waits for its result. The Response must not be changed after
// it was returned.
//
// An error becomes an error reply: a [*RemoteError], also a wrapped one, as it is (so the error of a call to
// another server is passed on), context.DeadlineExceeded as DEADLINE_EXCEEDED, context.Canceled as CANCELLED, any
// other as INTERNAL without its text, which might hold secrets: only [Server.Observer] gets it. A panic is
// recovered, becomes a [*PanicError], and is answered with INTERNAL, as is runtime.Goexit, which t.FailNow calls.
// Panics of hooks are not recovered.
type Handler func(ctx context.Context, req *Request) (Response, error)

// A PanicError is the error of a handler that panicked.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of its goroutine, as runtime/debug.Stack writes it
}

// Error returns the value as text, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// A Response is the result of a handler.
type Response struct {
	Body        []byte
	ContentType string
	Type        string     // the AMQP property "type"; "error" is reserved
	Headers     amqp.Table // x-rpc headers, CC and BCC are removed
}

// ServerHooks inject faults into a server, for tests and demonstrations. Hooks are called from many goroutines;
// they may block, which holds up the one request.
type ServerHooks struct {
	// Replies gets the reply, also an error reply, and returns the replies to publish: none to drop it, two to
	// duplicate it, one with another CorrelationID for an unknown reply. The request is acked after all of them. A
	// reply that AMQP cannot carry is dropped ([EventDropped]).
	Replies func(req *Request, reply Message) []Message
	// BeforeAck runs after the replies' confirms and before the ack. A server that has it acks as with
	// [Server.ConfirmReplies].
	BeforeAck func(req *Request)
}
