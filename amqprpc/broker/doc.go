// Package broker is an in-process AMQP 0-9-1 broker for RPC: for a first run without
// RabbitMQ, and for tests.
//
//	b, err := broker.Start(broker.Config{})
//	...
//	defer b.Close()
//	client, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{b.URL()}}})
//
// It listens on a real TCP port, so any AMQP 0-9-1 client in any language may connect. What it does is
// what RabbitMQ does, down to reply codes, the order of frames and most texts: the suite in
// [rpcscope/amqprpc/broker/contract] passes on both. It has:
//
//   - PLAIN and AMQPLAIN logins, heartbeats, channels, the virtual host "/";
//   - the default exchange, which routes to the queue of that name; mandatory with returns, confirms;
//   - queues: durable, exclusive, auto-delete, named by the server, classic or quorum, with
//     passive and inequivalent declarations, delete, purge;
//   - consume, cancel (by the broker too, when the queue goes), get, prefetch for each consumer, exclusive consumers;
//   - ack, nack and reject, requeue to the original place with redelivered (and, on quorum queues,
//     x-delivery-count);
//   - expiration of messages, which go at the head of the queue as RabbitMQ's do, and of queues that nobody
//     uses (x-expires);
//   - connection.blocked when its queues hold too much.
//
// And levers that a real broker lacks: [Broker.Freeze], [Broker.Kill], [Broker.Restart], [Broker.RaiseAlarm],
// [Broker.HoldConfirms], [Broker.Meddle], [Broker.DropConnections], [Broker.DeleteQueue] and more.
//
// # What it is not
//
// It is no replacement for RabbitMQ. Nothing is written to disk: "durable" outlives [Broker.Stop]
// and nothing else. There is no cluster, and a quorum queue is a queue with the name, the rules and the
// delivery count of one. There are no exchanges but the default one, no bindings, no transactions, no
// basic.recover, no priorities, no dead letters, no limits of the length of queues or the age of what is in them, no prefetch over a
// whole channel, no streams, no direct reply-to, no CC and BCC headers, no TLS. Whatever of that a client asks
// for is refused with the specification's 540 NOT_IMPLEMENTED, which closes its connection; arguments that mean
// nothing to RabbitMQ are ignored, as there. Nor are there what RabbitMQ does unasked: policies, the limit on the
// time until an ack (30 minutes there), and from RabbitMQ 4.0 on the limit of 20 deliveries on quorum queues.
//
// # How it works
//
// Each connection has one goroutine that reads and one that writes. The reader handles up to 64 frames that have
// come together under the broker's one lock, and puts what follows from them (deliveries, confirms, returns) into the
// outboxes of the connections concerned; only then are their writers woken, each once, and write all that has
// gathered with one system call. A connection that does not take what it is sent is given no more deliveries,
// and is not read from, once a mebibyte waits for it. Frames and fields are checked before anything is
// allocated for them; a body grows as it arrives, not as it is announced.
//
// Sources: AMQP 0-9-1, the specification and its XML; RabbitMQ's extensions to it (confirms, nack,
// consumer cancel notification, connection.blocked, authentication_failure_close) as documented and as
// observed on RabbitMQ 3.10.
package broker
