// Package cluster holds tests alone: what becomes of calls when nodes of a RabbitMQ cluster
// die, and how long it takes.
//
// Three private nodes on this machine, a quorum queue for the requests, clients and servers
// that know the URLs of all three. -v prints what was measured:
//
//	go test -v ./amqprpc/cluster
//
// -concurrency and -persistent are the load's.
package cluster
