package lab_test

import (
	"testing"
	"time"

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
		late := time.After(patience)
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
