// Package amqprpc makes and answers remote procedure calls over RabbitMQ, or any broker that speaks AMQP 0-9-1 with
// publisher confirms. A server answers the requests of a queue:
//
//	server := &amqprpc.Server{Queue: "greetings", Handler: func(ctx context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
//		return amqprpc.Response{Body: append([]byte("hello, "), req.Body...)}, nil
//	}}
//	err := server.Serve(ctx)
//
// And a client calls it:
//
//	client, err := amqprpc.Dial(ctx, amqprpc.Config{Queue: "greetings"})
//	if err != nil {
//		return err
//	}
//	defer client.Close()
//	reply, err := client.Call(ctx, amqprpc.Request{Body: []byte("world")})
//
// A [Client] sends all its requests over one connection, and takes the replies off one exclusive callback queue,
// matched by correlation ID. A [Server] sends each reply and the ack of its request in one write. Both work with
// peers that do not use this package: reply_to, correlation_id and expiration are enough. This package adds one
// header, [HeaderRPC], which is optional. PROMISES.md lists the promises, with the tests of each.
//
// # A remote call is not a function call
//
// A call crosses a network, a queue and another process, and each of them can be slow or gone. So [Client.Call]
// takes a context, always has a deadline, and returns an error. If it fails, the request may have been executed all
// the same, or may still be. If errors.Is with [ErrNotExecuted] holds, it was not and will not be, and it is safe
// to send it again. Mark requests that may be executed twice as [Request.Idempotent].
//
// A request can be executed twice although its caller sends it once: if a server dies before its reply is sent, the
// broker delivers the request to another one ([Request.Redelivered]). [Server.Replay] repeats stored replies.
//
// # Blocking
//
// [Dial] blocks until it is connected, at most DialTimeout for each URL. [Client.Call] blocks until the outcome, at
// most until the deadline. [Client.Go] blocks only if there is no room ([Config.MaxInFlight]). [Client.Close] takes
// a few seconds at most. [Server.Serve] blocks until [Server.Shutdown], which blocks until the running handlers are
// done or its context ends.
//
// # Clusters
//
// With the URLs of all nodes, clients and servers reconnect to the next node if theirs dies. If a node hangs, the
// others declare no callback queue until they have given it up, which takes up to about net_ticktime (60 s by
// default). After the death of a node RabbitMQ 3.10 may nack everything on one connection that it takes on another,
// so a client reconnects if a connection has taken nothing for 3 s.
//
// # Goroutines and locks
//
// All methods of Client and Server may be called from any goroutine.
//
// A connection has four goroutines: one writes what callers did not write themselves, one waits for the end, and
// two are those of amqp091-go, one of which reads and calls the observer of a client with each reply. A client has
// one that connects and reconnects, one while a deadline or a retry is due, one while a context of [Client.Go]
// ends, and one for each question of [Client.QueueStats], which has a connection of its own. A server has that of
// Serve, one that ends the handlers' contexts with the connection, and as many for handlers as have run at the same
// time. None outlives [Client.Close] or [Server.Serve], except handlers that ignore their contexts.
//
// Locks are taken in this order: that of the connection's reader, which is held while it hands a message over; the
// client's mu, or a server session's publishing and then the server's mu; that of the connection's writer, which is
// not held while it writes. All others are taken last: those of observers, of a server's stats, and of randomness.
//
// # In tests
//
// [rpcscope/amqprpc/broker] is a broker in the process, as net/http/httptest is a server. [EventConnected] tells
// when a server consumes; or a client with [Config.Retry] waits for its queue. [ServerHooks] and the broker's
// methods inject faults: lost and duplicate replies, lost connections, a broker that hangs.
//
// # When RPC is the wrong tool
//
// If the caller does not need the answer, use [Client.Publish]. If the work takes minutes, or must survive the
// caller, put a job into a durable queue, and let its result be a message of its own. If a request needs many
// others in sequence, a pipeline of queues has less latency and fewer ways to fail.
package amqprpc
