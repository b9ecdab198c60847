// Package amqprpc makes and answers remote procedure calls over RabbitMQ, or any
// broker that speaks AMQP 0-9-1 with publisher confirms.
//
// A [Client] sends requests to a queue and takes the replies off one exclusive
// callback queue, matched by correlation ID: any number of calls are in flight at
// once over two connections. A [Server] takes requests off the queue, runs a
// [Handler] for each, and acks a request only after its reply is confirmed. Both
// speak to peers of other makes: reply_to, correlation_id and expiration are all
// that is needed, and what this package adds are optional headers.
//
// # A remote call is no function call
//
// [Client.Call] looks like a function and is not one. It crosses a network, a queue
// and another process, any of which can be slow or gone; so it takes a context,
// always has a deadline, and always returns an error to look at. When it fails, the
// request may still have been executed, or be executed yet. errors.Is with
// [ErrNotExecuted] says when it certainly was not and will not be: then sending it
// again is safe. In every other case that is for you to know: a request that may
// run twice should be marked [Request.Idempotent], one that must not should carry
// something by which the server knows it again.
//
// A server can execute a request twice also where no caller repeats it: if it dies
// between reply and ack, the broker delivers the request to another one
// ([Request.Redelivered]). The second reply is discarded, classified and counted.
// [Server.Replay] lets one server answer from memory instead.
//
// Every call ends in exactly one [Outcome], and every message on the callback queue is
// of exactly one [Class]. What else is promised, of delivery, deadlines, bounds, and order,
// and what is not, is listed below, each promise with the tests that hold it.
//
// # What blocks
//
// [Dial] blocks until connected, at most DialTimeout for each URL.
// [Client.Call] blocks until the outcome, at most until the deadline, whatever the
// broker does: while disconnected, blocked by an alarm, or stuck in a socket write.
// [Client.Go] blocks only while there is no room ([Config.MaxInFlight]).
// [Client.Close] takes a few seconds at most. [Server.Serve] blocks until shut down;
// [Server.Shutdown] until the running handlers are done or its context ends.
//
// # Clusters
//
// With the URLs of all nodes, clients and servers go on at another node when theirs
// dies: at the next one in the list.
//
// Where the node of the connection led the quorum queue too, the new connection may be too
// early for the new leader. Then RabbitMQ 3.10 nacks all that is published to the queue on it
// ([ErrRejected], or a retry), until the dead node is back, though others are served well. So a
// client gives up a connection on which all has been refused, three requests at least, for 3 s,
// and connects anew. A full queue with the overflow behaviour reject-publish looks the same;
// there each connection that came to nothing is kept for twice as long as the one before, up to
// a minute. One ack or reply, from whatever queue, and the 3 s begin anew; and no connection is
// given up while a call waits on it which the broker may have taken before it began to refuse.
//
// Nobody can help it where a node hangs rather than dies: the others declare no callback
// queue before they have given it up, which takes them net_ticktime. (On RabbitMQ 3.10 it was 63 s
// with the default of 60 s, 9 s with one of 8 s.) Calls wait for that until their deadline.
//
// # Goroutines
//
// All methods of Client and Server may be called from any goroutine. An [Observer]
// is called by one goroutine at a time, with a lock held: it must be quick, must not
// block, and must not call the Client, nor wait for the Server. Handlers and hooks run concurrently. A
// handler may keep its Request. A Request's Body and Headers belong to the client from
// the moment of the call, also after its outcome: a call that has timed out may still
// be in the middle of being written.
//
// # In tests
//
// [rpcscope/amqprpc/broker] is a broker within the process, to be used as net/http/httptest is: start
// one, and give its URL to the server and the client. [EventConnected] says to the server's
// Observer that the queue is there to be called; or a client with [Config.Retry] waits for it. [Server.Hooks] and the broker's own levers
// make the faults that a program has to live with: lost and second replies, lost connections, a
// broker that hangs.
//
// # When RPC is the wrong tool
//
// Where the caller has no use for the answer, publish and forget. Where the work
// takes minutes, or must survive the caller, make it a job: put it into a durable
// queue and let the result be an event of its own. Where one request fans out into
// many, or one service calls the next and that the next, prefer a pipeline of
// queues: each blocking call adds its latency and its ways to fail to the caller's.
package amqprpc
