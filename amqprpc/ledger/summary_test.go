package ledger

import (
	"encoding/json"
	"testing"

	"rpcscope/amqprpc"
)

// The JSON object is an API: keys, their order and their values.
func TestSummaryJSON(t *testing.T) {
	cfg := RunConfig{Queue: "rpc_queue", Concurrency: 64, Fib: "30", TimeoutMS: 5000, Seed: 1}
	l := New(Config{})
	for _, c := range []struct{ name, want string }{
		{"empty", `{"calls":{"sent":0,"completed":0,"failed":0,"in_flight":0},` +
			`"failures":{"timeout":0,"canceled":0,"unroutable":0,"rejected":0,"expired":0,"remote":0,"connection_lost":0,"closed":0},` +
			`"replies":{"received":0,"answers":0,"duplicates":0,"late":0,"unknown":0},"throughput_per_s":0,"elapsed_s":0,` +
			`"response_ms":{"p50":0,"p90":0,"p99":0,"p999":0,"max":0,"mean":0},"service_ms":{"p50":0,"p90":0,"p99":0,"p999":0,"max":0,"mean":0},` +
			`"servers":[],"broker":{"product":"","version":""},` +
			`"config":{"queue":"rpc_queue","concurrency":64,"rate":0,"fib":"30","timeout_ms":5000,"seed":1}}`},
		{"a call of each kind", `{"calls":{"sent":4,"completed":1,"failed":2,"in_flight":1,"wrong":1},` +
			`"failures":{"timeout":1,"canceled":0,"unroutable":0,"rejected":0,"expired":0,"remote":1,"connection_lost":0,"closed":0},` +
			`"replies":{"received":5,"answers":2,"duplicates":1,"late":1,"unknown":1},"throughput_per_s":20,"elapsed_s":0.05,` +
			`"response_ms":{"p50":10.007,"p90":15,"p99":15,"p999":15,"max":15,"mean":12.5},"service_ms":{"p50":9.007,"p90":15,"p99":15,"p999":15,"max":15,"mean":12},` +
			`"servers":[{"name":"fib-1","replies":1,"share":0.2},{"name":"fib-2","replies":4,"share":0.8}],"broker":{"product":"RabbitMQ","version":"4.2.1"},` +
			`"config":{"queue":"rpc_queue","concurrency":64,"rate":0,"fib":"30","timeout_ms":5000,"seed":1}}`},
	} {
		s := l.Snapshot(Query{})
		got, err := json.Marshal(s.Summary(cfg))
		if err != nil {
			t.Fatal(err)
		}
		if string(got) != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.name, got, c.want)
		}
		call(l, "completed", 0)
		remote := answer("remote", 15*msec, "fib-2", "no")
		remote.Outcome = amqprpc.Remote
		observe(l, amqprpc.Event{Kind: amqprpc.EventConnected, Time: at(0), Connection: &amqprpc.ConnectionInfo{Product: "RabbitMQ", Version: "4.2.1"}},
			sent("remote", 0), remote, sent("timeout", 0), failed("timeout", 20*msec, amqprpc.Timeout), sent("open", 0),
			discarded(amqprpc.Duplicate, "completed", 30*msec, "fib-2"), discarded(amqprpc.Late, "timeout", 40*msec, "fib-2"),
			discarded(amqprpc.Unknown, "x", 50*msec, "fib-2"), wrong("completed", 50*msec))
	}
}
