// Package interop tests fibserver and rpcscope, as processes, with clients and servers in other languages.
//
// Those are small programs in testdata, written after RabbitMQ's RPC tutorial: in Python with pika and aio-pika, in Perl
// with Net::AMQP, in Ruby with bunny, in JavaScript with amqplib. Without Python's libraries no test runs, without the others'
// fewer; see RPCSCOPE_TEST_REQUIRE in package brokertest.
package interop
