package amqprpc_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/amqprpc/ledger"
)

// BenchmarkObserver compares a Client with nobody looking on with one whose events go into a ledger, and with one
// whose events go into a ledger and a recording in a file.
//
//	go test ./amqprpc -run '^$' -bench 'Observer$' -benchtime 1x
func BenchmarkObserver(b *testing.B) {
	node := brokertest.Shared(b)
	for _, record := range []bool{false, true} {
		for _, inFlight := range []int{64, 1024} {
			name := "ledger"
			if record {
				name = "ledger+recorder"
			}
			b.Run(fmt.Sprintf("%s/inflight=%d", name, inFlight), func(b *testing.B) {
				var observer amqprpc.Observer = ledger.New(ledger.Config{})
				if record {
					observer = ledger.NewTee(observer, recorder(b))
				}
				queue := brokertest.QueueName(b)
				bareEcho(b, node.URL(), queue, inFlight)
				with := func(name string, o amqprpc.Observer) side {
					c := dial(b, amqprpc.Config{ConnConfig: at(node.URL()), Queue: queue, Observer: o})
					return side{name, 10_000, func(calls int) { runClient(b, c, calls, inFlight) }}
				}
				compareByTurns(b, with("alone", nil), with(name, observer))
			})
		}
	}
}

// recorder records into a file that goes with the benchmark.
func recorder(b *testing.B) *ledger.Recorder {
	b.Helper()
	file, err := os.Create(filepath.Join(b.TempDir(), "run.ndjson"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { file.Close() })
	r := ledger.NewRecorder(file, ledger.HeaderLine{By: b.Name()})
	b.Cleanup(func() {
		if err := r.Close(); err != nil {
			b.Error(err)
		}
	})
	return r
}
