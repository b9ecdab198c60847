package contract

import (
	"slices"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A Broker is what is under test.
type Broker struct {
	// URL is where to connect: amqp://USER:PASSWORD@HOST:PORT/VHOST, with a user who may
	// do everything in that virtual host. Others may use the broker at the same time.
	URL string
}

// A test is one behaviour, or a few that belong together.
type test struct {
	name string
	run  func(t *T)
}

// A T is a running test and the broker that it is about.
type T struct {
	*testing.T
	Broker

	// bystander is a connection that was open before the test and must be none the worse
	// for it. All tests share it.
	bystander *amqp.Connection
}

// Run runs every test of the suite as a subtest of t, in parallel: nothing in them is
// about what the broker has as a whole. All queues have names of their own and are gone
// afterwards. The tests that fail say what came instead. Everything that is waited for
// is bounded.
func Run(t *testing.T, b Broker) {
	t.Helper()
	bystander, err := amqp.DialConfig(b.URL, clientConfig())
	if err != nil {
		t.Fatal("connect: ", err)
	}
	// Cleanup and not defer: the parallel tests run when this function has returned.
	t.Cleanup(func() {
		if err := bystander.CloseDeadline(soon()); err != nil {
			t.Error("close the connection that all tests shared: ", err)
		}
	})
	for _, test := range slices.Concat(
		handshakeTests, heartbeatTests, channelTests,
		queueTests, deletionTests, lifetimeTests, leaseTests, exclusiveTests,
		publishTests, contentTests, consumeTests, prefetchTests, ackTests, requeueTests,
		expirationTests, quorumTests,
		strangerTests, frameTests, contentViolationTests, methodViolationTests,
	) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(&T{T: t, Broker: b, bystander: bystander})
		})
	}
}
