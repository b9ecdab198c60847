package amqprpc_test

import "testing"

// A side of a comparison makes so many calls, and returns when they have ended.
type side struct {
	name  string
	calls int // in a round
	run   func(calls int)
}

// compareByTurns runs two sides by turns, each first as often as the other, and reports the median of their rates
// and the median of the ratio of the second to the first in the same round. Other load on the machine slows both
// sides of a round alike.
func compareByTurns(b *testing.B, first, second side) {
	b.Helper()
	const rounds = 9
	sides := [2]side{first, second}
	for _, s := range sides {
		s.run(max(1, s.calls/4)) // connections, maps and queues grow to their size
	}
	var rates [2][]float64
	var ratio []float64
	for b.Loop() {
		for i := range rounds {
			var x [2]float64
			for j := range sides {
				k := (i + j) % 2
				s := sides[k]
				x[k] = rate(s.calls, func() { s.run(s.calls) })
				if b.Failed() {
					return // a rate of calls that failed is none
				}
				rates[k] = append(rates[k], x[k])
			}
			ratio = append(ratio, x[1]/x[0])
		}
	}
	for k, s := range sides {
		b.ReportMetric(median(rates[k]), s.name+"/s")
	}
	b.ReportMetric(median(ratio), "ratio")
	b.ReportMetric(0, "ns/op")
}
