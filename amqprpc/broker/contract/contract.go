package contract

import (
	"slices"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
)

// A test is one behaviour, or a few that belong together.
type test struct {
	name string
	run  func(t *T)
}

// A T is a running test and the URL of the broker that it is about.
type T struct {
	*testing.T
	URL string

	// bystander is a connection that was open before the test and must be none the worse
	// for it. All tests share it.
	bystander *amqp.Connection
}

// Run runs every test of the suite as a subtest of t, in parallel: nothing in them is
// about what the broker has as a whole. The user in the URL may do everything in its virtual host.
// Others may use the broker at the same time. All queues have names of their own and are gone
// afterwards. The tests that fail say what came instead. Everything that is waited for
// is bounded.
func Run(t *testing.T, url string) {
	t.Helper()
	bystander, err := amqp.DialConfig(url, clientConfig())
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
			test.run(&T{T: t, URL: url, bystander: bystander})
		})
	}
}
