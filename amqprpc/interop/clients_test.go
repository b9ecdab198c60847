package interop

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
)

func numbers(ns []int) []string {
	args := make([]string, len(ns))
	for i, n := range ns {
		args[i] = strconv.Itoa(n)
	}
	return args
}

// Foreign clients get the right answers from fibserver.
func TestTheirClientsOurServer(t *testing.T) {
	many := make([]int, 200)
	for i := range many {
		many[i] = i % 24
	}
	for _, test := range []struct {
		name   string
		server []string
		client string
		args   []string
		ns     []int
	}{
		{"pika, fib(30)", nil, "pika_client", nil, []int{30}},
		{"aio-pika, fib(30)", nil, "aio_client", nil, []int{30}},
		{"pika, several", nil, "pika_client", nil, []int{0, 1, 2, 3, 24}},
		{"pika, beyond 64 bits", []string{"--algorithm", "doubling"}, "pika_client", nil, []int{92, 93, 94, 100, 1000}},
		{"aio-pika, beyond 64 bits", []string{"--algorithm", "doubling"}, "aio_client", nil, []int{100}},
		{"pika, direct reply-to", nil, "pika_client", []string{"--direct"}, []int{10, 20}},
		{"aio-pika, 200 at once", nil, "aio_client", nil, many},
		{"aio-pika, 200 at once, out of order", []string{"--prefetch", "50", "--workers", "8"}, "aio_client", nil, many},
		{"Net::AMQP, 200 at once", nil, "perl_client", nil, many},
		{"bunny, 200 at once", nil, "bunny_client", nil, many},
		{"amqplib, 200 at once", nil, "amqplib_client", nil, many},
		{"amqplib, direct reply-to", nil, "amqplib_client", []string{"--direct"}, []int{10, 20}},
		{"aio-pika, 200 at once, a transient queue", []string{"--queue-type", "transient"}, "aio_client", nil, many},
	} {
		t.Run(test.name, func(t *testing.T) {
			if slices.Contains(test.args, "--direct") {
				brokertest.OnRabbitMQ(t) // for direct reply-to
			}
			t.Parallel()
			url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
			if slices.Contains(test.server, "transient") {
				brokertest.NeedTransient(t, url)
			}
			server := serve(t, url, "fib-", ours(t, "fibserver"), append([]string{"--queue", queue, "--log-format", "json"}, test.server...)...)
			server.start(t)
			got := succeed(t, url, theirs(t, test.client), append(append([]string{"--queue", queue}, test.args...), numbers(test.ns)...)...)
			if want := conversation(test.ns...); got != want {
				t.Errorf("the client prints\n%.2000s\nwant\n%.2000s", got, want)
			}
			lines := server.stop(t)
			if d, n := drainedOf(t, lines), int64(len(test.ns)); d.Requests != n || d.Answered != n || d.Redelivered != 0 || d.Undeliverable != 0 {
				t.Errorf("the server has %+v of %d requests", d, n)
			}
			if said := strings.Count(strings.Join(lines, "\n"), " [.] fib("); said != len(test.ns) {
				t.Errorf("the server speaks of %d requests, got %d", said, len(test.ns))
			}
		})
	}
}
