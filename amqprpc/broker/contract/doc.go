// Package contract tests the behaviour of brokers. The suite runs on RabbitMQ, which defines it, and on the in-process broker,
// which has to follow:
//
//	go test ./amqprpc/broker/contract
//	RPCSCOPE_TEST_BROKER=rabbitmq go test ./amqprpc/broker/contract
//
// Some tests use amqp091-go, as programs do. Others write frames themselves: to violate the protocol, and to see the order
// of frames, which a client hides.
//
// The suite demands behaviour that RabbitMQ has and its documentation or the specification promises: reply codes, the class and
// method of an error, the order of frames and of messages. If RabbitMQ deviates from the specification, for example
// by closing a socket without the reply code, the suite accepts a small set of outcomes, and a comment says why.
//
// If RabbitMQ has changed over the years, each version is held to its own behaviour, and the in-process broker to that
// of 3.10.
package contract
