package cluster

import (
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// A durable classic queue is at one node, and unavailable while that is down. Clients and servers at other nodes
// reconnect when it is back: servers consume again, and retried calls with persistent requests are all completed.
// (Transient requests that the broker had taken are lost with the node, and end at their deadline.)
func TestClassicQueueComesBack(t *testing.T) {
	c := allNodesUp(t)
	home, other := c.Nodes()[0], c.Nodes()[1]
	const queue = "classic"
	declare(t, home, queue, "classic")
	broker := amqprpc.ConnConfig{URLs: from(c, other)}
	s := serve(t, broker, queue)
	caller := call(t, broker, queue, amqprpc.Request{Idempotent: true, Persistent: true, Timeout: deadline})

	home.Kill()
	caller.waitUntil(t, "calls are returned", func() bool { return caller.returned > 0 }, caller.describe)
	if err := home.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	s.waitUntil(t, "both servers consume again", func() bool { return s.sessions["server-1"] > 1 && s.sessions["server-2"] > 1 }, s.describe)
	t.Logf("both servers consume again %d ms after the node is back", time.Since(back).Milliseconds())
	caller.more(t, 100)
	clientRecord := caller.stop(t)
	for outcome, n := range caller.outcomes(t, s) {
		t.Errorf("%d calls ended as %v: %s", n, outcome, caller.describe())
	}
	if caller.epochs != 1 {
		t.Errorf("the client's own node lives, and it has connected %d times", caller.epochs)
	}
	t.Logf("of %d calls %d were completed; %d retries after %d returns and %d nacks; the longest took %d ms",
		clientRecord.Calls.Sent, clientRecord.Calls.Completed, clientRecord.Traffic.Retries, clientRecord.Traffic.Returned,
		clientRecord.Traffic.Nacked, caller.longest.Milliseconds())
}
