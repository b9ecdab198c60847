package brokertest

import (
	"crypto/rand"
	"regexp"
	"testing"

	"rpcscope/amqprpc/broker/rabbitmq"
)

// Shared returns the node of the run's broker that all tests of this process share; the
// first one to ask for it starts it. Tests keep apart by [QueueName], and leave its
// users, its alarms and its life alone: for those there is [Own]. A test fails, and is never
// skipped, if there is no node to be had.
func Shared(t testing.TB) Node {
	t.Helper()
	ctx, k, err := asked(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	// Not t.Context(): the node outlives this test.
	n, err := k.share(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// ForExamples is [Shared] for examples, which have no [testing.TB].
func ForExamples() (Node, error) {
	ctx, k, err := asked("Example.*")
	if err != nil {
		return nil, err
	}
	return k.share(ctx)
}

// All returns the shared nodes of all brokers that there are, whatever the run: the
// in-process one first. It is for benchmarks that compare them.
func All(t testing.TB) []Node {
	t.Helper()
	ctx, _, err := asked(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	state.Lock()
	all := state.kinds
	state.Unlock()
	var nodes []Node
	for _, k := range all {
		n, err := k.share(ctx)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	return nodes
}

// Own starts a node of the run's broker for this test alone and closes it when the test
// ends; where it is a RabbitMQ it shows the node's log if the test has failed by then. It skips
// the test where AMQP_URL is all there is of RabbitMQ.
func Own(t testing.TB) Node {
	t.Helper()
	_, k, err := asked(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if k.name == rabbitmqName {
		return RabbitMQ(t, rabbitmq.Config{})
	}
	n, end, err := k.start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// OnRabbitMQ returns the shared node in the run on RabbitMQ, and skips the test in
// others. It is for tests of what no other broker has.
func OnRabbitMQ(t testing.TB) Node {
	t.Helper()
	onlyOnRabbitMQ(t)
	return Shared(t)
}

// RabbitMQ starts a RabbitMQ node for this test alone, as this Config says, in the run on
// RabbitMQ, and skips the test in others and where AMQP_URL is all there is of RabbitMQ.
func RabbitMQ(t testing.TB, cfg rabbitmq.Config) *rabbitmq.Node {
	t.Helper()
	if k := onlyOnRabbitMQ(t); k.why != nil {
		if state.env.requires(NeedRabbitMQ) {
			t.Fatal(k.why)
		}
		t.Skip("needs a RabbitMQ of its own: ", k.why)
	}
	return rabbitmq.Own(t, cfg)
}

// Ctl runs rabbitmqctl against a test's own node and returns what it printed. It skips the
// test where the node is no RabbitMQ.
func Ctl(t testing.TB, n Node, args ...string) string {
	t.Helper()
	onlyOnRabbitMQ(t)
	p, ok := n.(*rabbitmq.Node)
	if !ok {
		t.Fatal("rabbitmqctl is for a node of one's own")
	}
	out, err := p.Ctl(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func onlyOnRabbitMQ(t testing.TB) *kind {
	t.Helper()
	_, k, err := asked(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if k.name != rabbitmqName {
		t.Skip("needs what only RabbitMQ has, and runs on RabbitMQ")
	}
	return k
}

var notInAName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// QueueName returns a queue name that no other test has: the test's name, as far as it
// goes, and a random end; at most 120 bytes of A-Z, a-z, 0-9, '.', '_' and '-'. When
// the test ends, a queue of that name is deleted from the shared nodes.
func QueueName(t testing.TB) string {
	t.Helper()
	const most, random = 120, 10
	name := notInAName.ReplaceAllString(t.Name(), ".")
	name = name[:min(len(name), most-1-random)] + "-" + rand.Text()[:random]
	t.Cleanup(func() { Forget(t.Logf, name) })
	return name
}

// Forget deletes queues from the shared nodes, if they exist. Where that fails it tells logf
// and does not mind: such a queue is a nuisance to nobody but a node's memory.
func Forget(logf func(format string, args ...any), queues ...string) {
	state.Lock()
	all := state.kinds
	state.Unlock()
	for _, k := range all {
		for _, queue := range queues {
			if err := k.forget(queue); err != nil {
				logf("delete queue %s: %v", queue, err)
			}
		}
	}
}
