// Package interop holds tests, and nothing else: fibserver and rpcscope, as processes,
// against clients and servers that share no line of code with them.
//
// Those are small Python programs in testdata, written to the description in
// RabbitMQ's RPC tutorial, on pika and on aio-pika, run by Debian's own Python. Where
// they, a Python interpreter or RabbitMQ are missing, the tests fail: what was not
// tried does not count as working.
package interop
