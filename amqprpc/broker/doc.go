// Package broker is an in-process AMQP 0-9-1 broker for RPC: for a first run without RabbitMQ, and for tests.
//
//	b, err := broker.Start(broker.Config{})
//	...
//	defer b.Close()
//	client, err := amqprpc.Dial(ctx, amqprpc.Config{ConnConfig: amqprpc.ConnConfig{URLs: []string{b.URL()}}})
//
// It listens on a TCP port, so any AMQP 0-9-1 client in any language can connect. It behaves as RabbitMQ
// does, including reply codes, the order of frames and most texts: the tests in
// [rpcscope/amqprpc/broker/contract] run on both. It implements:
//
//   - PLAIN and AMQPLAIN logins, heartbeats, channels, the virtual host "/";
//   - the default exchange, mandatory messages and returns, publisher confirms;
//   - queues: durable, exclusive, auto-delete, named by the server, classic or quorum; passive and inequivalent
//     declarations, delete, purge, x-expires;
//   - consume, cancel (by the broker too, when a queue is deleted), get, prefetch for each consumer, exclusive consumers;
//   - ack, nack and reject, requeue to the original position with redelivered and, on quorum queues, x-delivery-count;
//   - expiration of messages, at the head of the queue only, as in RabbitMQ;
//   - connection.blocked if the queues hold more than [Config.MemoryLimit].
//
// Tests can also make it fail: [Broker.Freeze], [Broker.Kill], [Broker.Restart], [Broker.RaiseAlarm], [Broker.HoldConfirms],
// [Broker.DropConnections], [Broker.DeleteQueue] and more.
//
// # Limits
//
// It does not replace RabbitMQ. Nothing is written to disk: durable queues survive [Broker.Stop] and [Broker.Kill], and nothing
// else. There is no cluster, and a quorum queue has only the name, the rules and the delivery count of one. There are no exchanges
// but the default one, no bindings, transactions, basic.recover, priorities, dead letters, limits of a queue's length or of
// the age of its messages, prefetch for a whole channel, streams, direct reply-to, CC and BCC headers, or TLS. A client that
// asks for one of them gets 540 NOT_IMPLEMENTED, as the specification says, which closes its connection. Arguments that
// RabbitMQ ignores are ignored. There are no policies, no timeout for acks, and no limit on the number of deliveries.
//
// # Implementation
//
// Each connection has a goroutine that reads and one that writes. The reader handles up to 64 frames with the broker's one lock
// held, and appends to the outboxes of connections, whose writers it then wakes. If a client does not read, its outbox fills
// up: from one mebibyte on the broker sends it no deliveries and does not read from it.
//
// Sources: AMQP 0-9-1, the specification and its XML; RabbitMQ's documented extensions (confirms, nack, consumer cancel
// notification, connection.blocked, authentication_failure_close); observation of RabbitMQ 3.10.
package broker
