package cluster

import (
	"testing"
	"time"

	"rpcscope/amqprpc"
)

// A durable classic queue is at one node, and gone as long as that is. Clients and servers at other
// nodes are told so, and go on by themselves when it is back: servers consume again,
// and retried calls with persistent requests are all completed. (Transient requests that the
// broker had taken go with the node, and nobody tells: only their deadline does.)
func TestClassicQueueComesBack(t *testing.T) {
	c := whole(t)
	home, other := c.Nodes()[0], c.Nodes()[1]
	const queue = "classic"
	declare(t, home, queue, "classic")
	broker := amqprpc.ConnConfig{URLs: from(c, other)}
	s := serve(t, broker, queue)
	caller := call(t, broker, queue, amqprpc.Request{Idempotent: true, Persistent: true, Timeout: deadline})

	home.Kill()
	caller.until(t, "calls are returned", func() bool { return caller.returned > 0 }, caller.tell)
	if err := home.Start(within(t)); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	s.until(t, "both servers consume again", func() bool { return s.sessions["server-1"] > 1 && s.sessions["server-2"] > 1 }, s.tell)
	t.Logf("both servers consume again %d ms after the node is back", time.Since(back).Milliseconds())
	caller.more(t, 100)
	books := caller.stop(t)
	for outcome, n := range caller.outcomes(t, s) {
		t.Errorf("%d calls ended as %v: %s", n, outcome, caller.tell())
	}
	if caller.epochs != 1 {
		t.Errorf("the client's own node lives, and it has connected %d times", caller.epochs)
	}
	t.Logf("of %d calls %d were completed; %d retries after %d returns and %d nacks; the longest took %d ms",
		books.Calls.Sent, books.Calls.Completed, books.Traffic.Retries, books.Traffic.Returned,
		books.Traffic.Nacked, caller.longest.Milliseconds())
}
