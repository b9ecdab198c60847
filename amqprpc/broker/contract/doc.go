// Package contract tests what every broker must do that this module runs on. The suite runs on RabbitMQ, which defines the
// behaviour, and on the in-process broker, which has to follow:
//
//	go test ./amqprpc/broker/contract
//	RPCSCOPE_TEST_BROKER=rabbitmq go test ./amqprpc/broker/contract
//
// Some tests use amqp091-go, as programs do. Others write frames themselves: to send what a well-behaved client never
// sends, and to see what it hides, such as the order of frames.
//
// The suite asks for what RabbitMQ does and its documentation or the specification promises: reply codes, the class and
// method of an error, the order of frames and of messages. If RabbitMQ deviates from the specification, for example
// by closing a socket without the reply code, the suite accepts a small set of outcomes, and a comment says why.
//
// If RabbitMQ has changed over the years, each version is held to its own behaviour, and the in-process broker to that
// of 3.10.
package contract
