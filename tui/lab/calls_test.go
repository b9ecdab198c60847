package lab_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
)

// Manual calls are numbered in the order in which they start, failed ones too.
func TestNumbers(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	cfg.Paused = true
	l := open(t, cfg)
	first := l.Call()
	if err := l.Burst(3); err != nil {
		t.Fatal(err)
	}
	ended := func(n uint64) []ledger.Call {
		t.Helper()
		late := time.After(waitLimit)
		for {
			snap := l.Snapshot(lab.Query{Ledger: ledger.Query{Failed: 10}})
			if snap.Ledger.Calls.Failed >= n {
				return snap.Ledger.Failed
			}
			select {
			case <-time.After(time.Millisecond):
			case <-late:
				t.Fatalf("%+v", snap.Ledger.Calls)
			}
		}
	}
	seen := map[int]bool{}
	for _, c := range ended(4) { // there is no queue
		seen[l.Number(c.ID)] = true
	}
	last := l.CallWith("5")
	if l.Number(first) != 1 || !seen[2] || !seen[3] || !seen[4] || l.Number(last) != 5 || l.Number("nobody's") != 0 {
		t.Errorf("%d, %v, %d", l.Number(first), seen, l.Number(last))
	}
	ended(5)
}

// CallWith sends any body unchanged.
func TestCallWith(t *testing.T) {
	node := brokertest.Shared(t)
	cfg := config(t, node)
	l := open(t, cfg)
	bodies := make(chan string, 1)
	serve(t, node, cfg.Queue, func(_ context.Context, req *amqprpc.Request) (amqprpc.Response, error) {
		bodies <- string(req.Body)
		if string(req.Body) == "10" {
			return amqprpc.Response{Body: []byte("55")}, nil
		}
		return amqprpc.Response{}, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "no number")
	})
	for _, body := range []string{"abc", "", "\x1b[2J\x00", "-5", strings.Repeat("9", 5000), "10"} {
		id := l.CallWith(body)
		if got := <-bodies; got != body {
			t.Errorf("%.40q was sent as %.40q", body, got)
		}
		if body == "10" {
			untilNoted(t, l, "call "+id[:8]+` with the body "10": 55 in `)
		} else {
			untilNoted(t, l, "call "+id[:8]+` with the body "`, ": remote: INVALID_ARGUMENT: no number")
		}
	}
	if snap := l.Snapshot(everything()); snap.Ledger.Calls.Wrong != 0 || snap.Ledger.Failures.Remote != 5 || snap.Ledger.Calls.Completed != 1 {
		t.Errorf("%+v, %+v, %d wrong", snap.Ledger.Calls, snap.Ledger.Failures, snap.Ledger.Calls.Wrong)
	}
}
