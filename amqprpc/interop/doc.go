// Package interop holds tests, and nothing else: fibserver and rpcscope, as processes,
// against clients and servers that share no line of code with them.
//
// Those are small programs in testdata, written to the description in RabbitMQ's RPC
// tutorial: in Python on pika and on aio-pika, in Perl on Net::AMQP, in Ruby on bunny, in JavaScript on amqplib. Without
// Python's no test runs, and without the others' less; `go test -v` says so. It is an error if
// RPCSCOPE_TEST_REQUIRE has what is missing: "python", "perl", "ruby", "node". They run on the
// brokers that package brokertest finds.
package interop
