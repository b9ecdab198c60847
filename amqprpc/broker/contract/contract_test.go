package contract

import (
	"os"
	"slices"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc/broker/brokertest"
)

// A test is one behaviour, or a few that belong together.
type test struct {
	name string
	run  func(t *T)
}

// A T is a running test and the URL of the broker under test.
type T struct {
	*testing.T
	URL string

	// bystander is a connection that all tests share. No test may harm it.
	bystander *amqp.Connection
}

func TestMain(m *testing.M) { os.Exit(brokertest.Main(m)) }

// TestContract runs the suite in parallel: no test depends on the state of the broker as a whole, every queue has a name
// of its own, and every wait is bounded.
func TestContract(t *testing.T) {
	url := brokertest.Shared(t).URL()
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
