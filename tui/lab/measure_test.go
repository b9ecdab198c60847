package lab_test

import (
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
	"rpcscope/amqprpc/load"
	"rpcscope/tui/lab"
)

// A measurement makes the calls of its plan, although the lab's own load is paused or waits for a server, and the
// replies of stopped servers are in the ledger.
func TestMeasure(t *testing.T) {
	cfg := config(t, brokertest.Shared(t))
	l := open(t, cfg)
	if _, err := l.StartServer(t.Context(), "--fault=duplicate=1"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		result, err := l.Measure(t.Context(), load.Plan{Count: 100, Warmup: 10 * time.Millisecond})
		if err != nil || result.Completed != 100 {
			t.Errorf("%+v, %v", result, err)
		}
	}
	if err := l.StopServers(t.Context()); err != nil {
		t.Error(err)
	}
	s := l.Snapshot(lab.Query{Ledger: ledger.Query{Now: time.Now()}})
	if calls := s.Ledger.Calls; calls.Completed != 100 || calls.InFlight != 0 {
		t.Errorf("calls %+v", calls)
	}
	if s.Ledger.Replies.Duplicates < 100 {
		t.Errorf("replies %+v", s.Ledger.Replies)
	}
	if p := s.Load.Progress; p.Completed != 100 || s.Load.Paused {
		t.Errorf("load %+v", s.Load)
	}
}
