package main

import (
	"regexp"
	"testing"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/cmd/internal/cli"
)

// A full disk is reported before the run, which makes no calls.
func TestRecordToAFullDisk(t *testing.T) {
	node := brokertest.Shared(t)
	queue := brokertest.QueueName(t)
	server := newForeign(t, node.URL(), queue, echo)
	o := rpcscope(t, node.URL(), "load", "--queue", queue, "--body=x", "-n=20", "--json", "--record=/dev/full")
	if o.code != cli.FellShort || o.stdout != "" || o.stderr != "rpcscope: --record: write /dev/full: no space left on device\n" {
		t.Errorf("%+v", o)
	}
	if n := len(server.requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	o = rpcscope(t, node.URL(), "load", "--queue", queue, "--body=x", "-n=20", "--record=/dev/null")
	if o.code != cli.OK || !regexp.MustCompile(`^recorded all [\d,]+ events of the run to /dev/null\n$`).MatchString(o.stderr) {
		t.Errorf("to /dev/null: %+v", o)
	}
}
