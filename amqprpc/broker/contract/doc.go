// Package contract is what every broker must do on which this module runs: one suite of
// tests that runs against RabbitMQ, which says what is true, and against the in-process
// broker, so that the latter cannot drift into a world of its own.
//
//	func TestContract(t *testing.T) { contract.Run(t, url) }
//
// Some tests speak through amqp091-go, as programs do. Others write frames themselves:
// for what a well-behaved client never sends, and for what it hides, such as the order
// of frames.
//
// The suite asks for what RabbitMQ does and its documentation or the specification
// promises: reply codes, the class and method that they are about, the order of frames
// and of messages. Where RabbitMQ does something odd of its own, such as to cut a
// connection where the specification has a reply code, the suite accepts a small set of
// outcomes, and a comment says why.
//
// Where RabbitMQ has changed over the years each version is held to what it does, and the in-process
// broker to what 3.10 did.
package contract
