package rabbitmq

import "testing"

// Own starts a node for this test alone and closes it when the test ends. If the test has failed by then, it logs the node's output.
func Own(t testing.TB, cfg Config) *Node {
	t.Helper()
	n, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last output of RabbitMQ node %s:\n%s", n.Name(), n.LogTail())
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}
