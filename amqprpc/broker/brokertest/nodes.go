package brokertest

import (
	"crypto/rand"
	"regexp"
	"testing"

	"rpcscope/amqprpc/broker/rabbitmq"
)

// Shared returns the node that all tests of the package share. Tests keep apart by [QueueName], and leave
// its users, alarms and life alone: [Own] is for those. It fails the test if there is no node.
func Shared(t testing.TB) Node {
	t.Helper()
	n, err := share()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ForExamples is [Shared] for examples, which have no [testing.TB].
func ForExamples() (Node, error) { return share() }

// All returns an in-process broker and, if the run is on RabbitMQ, the shared node. It is for benchmarks that compare them.
func All(t testing.TB) []Node {
	t.Helper()
	if selectedBroker() == inProcessBroker {
		return []Node{Shared(t)}
	}
	return []Node{ownInProcess(t), Shared(t)}
}

// Own starts a node of the run's broker for this test alone and closes it when the test ends.
func Own(t testing.TB) Node {
	t.Helper()
	if selectedBroker() != inProcessBroker {
		return RabbitMQ(t, rabbitmq.Config{})
	}
	return ownInProcess(t)
}

func ownInProcess(t testing.TB) Node {
	t.Helper()
	n, err := startInProcess()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// OnRabbitMQ returns the shared node if it is a RabbitMQ, and skips the test if not.
func OnRabbitMQ(t testing.TB) Node {
	t.Helper()
	needRabbitMQ(t)
	return Shared(t)
}

// RabbitMQ starts a RabbitMQ node for this test alone. It skips the test if the run is not on RabbitMQ, or if no
// RabbitMQ is installed.
func RabbitMQ(t testing.TB, cfg rabbitmq.Config) *rabbitmq.Node {
	t.Helper()
	needRabbitMQ(t)
	if _, err := rabbitmq.Installed(); err != nil && !Requires(NeedRabbitMQ) {
		t.Skip("needs a node of its own:", err)
	}
	return rabbitmq.Own(t, cfg)
}

// Ctl runs rabbitmqctl against a test's own node and returns its output. It skips the test if the run is not on RabbitMQ.
func Ctl(t testing.TB, n Node, args ...string) string {
	t.Helper()
	needRabbitMQ(t)
	own, ok := n.(*rabbitmq.Node)
	if !ok {
		t.Fatal("rabbitmqctl needs a node of the test's own")
	}
	out, err := own.Ctl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// SkipIfShort skips a test that takes about a second or longer if the tests run with -short.
func SkipIfShort(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("not with -short: it takes about a second or longer")
	}
}

func needRabbitMQ(t testing.TB) {
	t.Helper()
	if selectedBroker() == inProcessBroker {
		t.Skip("needs RabbitMQ: run it with " + brokerVariable + "=" + privateRabbitMQ)
	}
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// QueueName returns a queue name that no other test uses: the test's name and a random suffix, at most 120 bytes of
// A-Z, a-z, 0-9, '.', '_' and '-'. When the test ends, the queue is deleted from the shared node.
func QueueName(t testing.TB) string {
	t.Helper()
	const max, random = 120, 10
	name := notInNames.ReplaceAllString(t.Name(), ".")
	name = name[:min(len(name), max-1-random)] + "-" + rand.Text()[:random]
	t.Cleanup(func() { Forget(t.Logf, name) })
	return name
}

// Forget deletes queues from the shared node, if it was started and they exist. It logs errors by logf.
func Forget(logf func(format string, args ...any), queues ...string) {
	shared.Lock()
	node := shared.node
	if shared.ended || shared.err != nil {
		node = nil
	}
	shared.Unlock()
	if node == nil {
		return
	}
	for _, queue := range queues {
		if err := deleteQueue(node, queue); err != nil {
			logf("delete queue %s: %v", queue, err)
		}
	}
}
