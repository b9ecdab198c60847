package interop

import (
	"encoding/json"
	"strings"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/server/pool"
)

// libraries are those of the foreign servers.
var libraries = []struct{ name, server, prefix string }{
	{"pika", "pika_server", "pika-"},
	{"aio-pika", "aio_server", "aio-"},
	{"Net::AMQP", "perl_server", "perl-"},
	{"bunny", "bunny_server", "bunny-"},
	{"amqplib", "amqplib_server", "amqplib-"},
}

// `rpcscope call` and `rpcscope load` work with foreign servers, which set app_id at most.
func TestTheirServersOurClient(t *testing.T) {
	for _, library := range libraries {
		for _, sign := range []bool{false, true} {
			name, server := library.name, ""
			args := []string{"--declare", "quorum"}
			if sign {
				name, server = name+", signed", library.prefix+"1"
				args = append(args, "--sign")
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				url, queue := brokertest.Shared(t).URL(), brokertest.QueueName(t)
				process := serve(t, url, library.prefix, theirs(t, library.server), append(args, "--queue", queue)...)
				process.start(t)

				rpcscope := ours(t, "rpcscope")
				ns := []int{0, 1, 20}
				call := append([]string{"call", "--queue", queue, "--timeout", "30s"}, numbers(ns)...)
				if got, want := succeed(t, url, rpcscope, call...), conversation(ns...); got != want {
					t.Errorf("call prints\n%s\nwant\n%s", got, want)
				}
				d := json.NewDecoder(strings.NewReader(succeed(t, url, rpcscope, append(call, "--json")...)))
				for _, n := range ns {
					var got struct {
						N             int     `json:"n"`
						Result        string  `json:"result"`
						CorrelationID string  `json:"correlation_id"`
						ServiceMS     float64 `json:"service_ms"`
						Server        *string `json:"server"`
					}
					d.DisallowUnknownFields()
					if err := d.Decode(&got); err != nil {
						t.Fatal(err)
					}
					if got.N != n || got.Result != fib(n) || len(got.CorrelationID) != 36 || got.ServiceMS <= 0 || got.Server == nil || pool.ShortNames(*got.Server) != server {
						t.Errorf("fib(%d) from %q is reported as %+v", n, server, got)
					}
				}

				sum := load(t, url, queue, 200, "-c", "16", "--fib", "5-15")
				if sum.Replies.Received != 200 || len(sum.Servers) != 1 || sum.by(server) != 200 {
					t.Errorf("the load has %+v", sum)
				}
				process.stop(t)
				if n := ready(t, url, queue); n != 0 {
					t.Errorf("%d requests were requeued", n)
				}
			})
		}
	}
}
