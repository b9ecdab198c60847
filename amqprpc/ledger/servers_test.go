package ledger

import (
	"fmt"
	"slices"
	"testing"

	"rpcscope/amqprpc"
)

func TestServers(t *testing.T) {
	l := New(Config{Servers: 3})
	for i := range 50 {
		call(l, callID(i), 0)
	}
	for i := range 1000 {
		observe(l, discarded(amqprpc.Unknown, "x", msec, fmt.Sprintf("evil-%d", i)))
	}
	s := l.Snapshot(Query{})
	if len(s.Servers) != 4 || s.Servers[2].Name != "fib-1" || s.Servers[2].Answers != 50 || !s.Servers[3].Others {
		t.Errorf("%+v", s.Servers)
	}
	var names []string
	l = New(Config{})
	for _, n := range []string{"fib-10", "fib-9", "", "fib-2", "fib"} {
		observe(l, discarded(amqprpc.Unknown, "x", 0, n))
	}
	for _, v := range l.Snapshot(Query{}).Servers {
		names = append(names, v.Name)
	}
	if !slices.Equal(names, []string{"", "fib", "fib-2", "fib-9", "fib-10"}) {
		t.Errorf("%q", names)
	}
}
