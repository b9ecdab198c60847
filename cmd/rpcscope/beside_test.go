package main

import (
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// No command starts fibservers beside a foreign service without --force, and none takes a request of that service.
func TestServersBesideAForeignService(t *testing.T) {
	t.Parallel()
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	foreign := newForeign(t, node.URL(), queue, echo)
	why := `another client consumes from "` + queue + `": give another --queue, or --force`
	for _, args := range [][]string{
		{"load", "--servers=2", "-n=20"},
		{"load", "--servers=2", "-n=20", "--body=x"},
		{"scale", "--servers=1,2", "-n=20", "--warmup=0s"},
	} {
		rpcscope(t, node.URL(), append(args, "--queue", queue)...).want(t, cli.FellShort, "", why)
	}
	if n := len(foreign.requests()); n != 0 {
		t.Errorf("%d requests were made", n)
	}
	o := rpcscope(t, node.URL(), "load", "--servers=1", "--force", "-n=200", "-c=16", "--fib=1", "--queue", queue, "--json", "--max-failed=200")
	if s := o.summary(t); o.code != cli.OK || s.Calls.Completed != 200 || len(s.Servers) != 2 {
		t.Errorf("forced: exit code %d, %+v by %+v", o.code, s.Calls, s.Servers)
	}
	o = rpcscope(t, node.URL(), "scale", "--servers=1", "--force", "-n=20", "--warmup=0s", "--fib=1", "--queue", queue, "--json", "--max-failed=20")
	if o.code != cli.OK || len(o.rows(t)) != 1 {
		t.Errorf("scale, forced: %+v", o)
	}
}
