// Package interop holds tests, and nothing else: fibserver and rpcscope, as processes,
// against clients and servers that share no line of code with them.
//
// Those are small Python programs in testdata, written to the description in
// RabbitMQ's RPC tutorial, on pika and on aio-pika, run by Debian's own Python. Where
// these are missing no test runs, and `go test` says so; where RPCSCOPE_TEST_REQUIRE has
// "python" that is an error. They run on the brokers that package brokertest finds.
package interop
