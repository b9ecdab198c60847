package interop

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

// poisons are headers for which amqp091-go closes the connection: it allows 32 levels, and 8,192 entries in each. RabbitMQ and
// other clients accept them.
var poisons = []struct {
	name    string
	headers map[string]any
}{
	{"a deep table", nested(100)},
	{"a wide array", map[string]any{"x": make([]bool, 9_000)}},
}

// A request with such headers is not redelivered forever, closing a server's connection each time.
func TestPoisonousRequest(t *testing.T) {
	for _, poison := range poisons {
		t.Run(poison.name, func(t *testing.T) {
			t.Parallel()
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			server := serve(t, url, "fib-", ours(t, "fibserver"), "--queue", queue, "--log-format", "json")
			server.start(t)
			var stdin bytes.Buffer
			for _, r := range []hostileRequest{
				{Body: []byte("10"), CorrelationID: []byte("1"), Headers: poison.headers},
				{Body: []byte("20"), CorrelationID: []byte("2"), Replies: 1},
			} {
				if err := json.NewEncoder(&stdin).Encode(r); err != nil {
					t.Fatal(err)
				}
			}
			client := runWith(t, url, stdin.Bytes(), theirs(t, "hostile_client"), "--queue", queue)
			if client.code != 0 {
				t.Errorf("a good request after it is not answered: %.200s", client.stderr)
			}
			// If the client closes at once, RabbitMQ 4.3 may nack the reply, and the request is redelivered after its call
			// has ended.
			if d := drainedOf(t, server.stop(t)); d.Redelivered > d.Undeliverable {
				t.Errorf("the server has %+v", d)
			}
			if n := ready(t, url, queue); n != 0 {
				t.Errorf("%d requests were given back", n)
			}
		})
	}
}

// A reply with such headers does not close the client's connection, which would fail all its calls in flight.
func TestPoisonousReply(t *testing.T) {
	for _, poison := range poisons {
		t.Run(poison.name, func(t *testing.T) {
			t.Parallel()
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			replies, err := json.Marshal([]rubbishReply{rubbish("6", "correlation_id", "?", "headers", poison.headers), rubbish("5")})
			if err != nil {
				t.Fatal(err)
			}
			server := serve(t, url, "rubbish-", theirs(t, "rubbish_server"), "--queue", queue, "--replies", string(replies))
			server.start(t)
			got := run(t, url, ours(t, "rpcscope"), "call", "--queue", queue, "5")
			if got.code != 0 || !strings.HasSuffix(got.stdout, " [.] Got 5\n") {
				t.Errorf("exit code %d, stdout %q, stderr %q", got.code, got.stdout, got.stderr)
			}
			server.stop(t)
		})
	}
}
