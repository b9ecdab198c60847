package rabbitmq

import "testing"

// Own starts a node for this test alone and closes it when the test ends; it shows the
// node's log if the test has failed by then. Tests that only need a broker share one by
// the package brokertest.
func Own(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("RabbitMQ node %s said last:\n%s", n.Name(), n.LogTail())
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}
