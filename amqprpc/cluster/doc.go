// Package cluster contains only tests: the effects of the death of nodes of a RabbitMQ cluster on calls, and how long
// they last.
//
// There are three private nodes on this machine, a quorum queue for the requests, and clients and servers that know
// the URLs of all three. -v prints the measurements:
//
//	go test -v ./amqprpc/cluster
//
// -concurrency and -persistent are the load's.
package cluster
