package main

import (
	"fmt"
	"runtime"
)

// A step is one run of scale, as far as the machine's cores are concerned.
type step struct {
	servers    int
	throughput float64 // per second
	busy       float64 // cores that its servers kept busy, on average
}

// speedup is this run's throughput in those of the first.
func (s step) speedup(first step) float64 {
	if first.throughput == 0 {
		return 0
	}
	return s.throughput / first.throughput
}

const (
	// asItShould is the part of the speed-up that the servers should give from which on
	// there is nothing to explain.
	asItShould = 0.85
	// spared is the part of the cores that servers may want before there is not enough
	// left for the broker and for who calls.
	spared = 0.75
)

// coresAreTheLimit says so, and the way out, where a run fell short of the speed-up that
// its servers should give because they wanted more cores than there are; "" where not.
// What they want follows from what the first run's servers used each: work that waits
// uses next to none, and is limited by something else.
func coresAreTheLimit(steps []step, cores int) string {
	var most step
	wanted := spared * float64(cores)
	for _, s := range steps {
		first := steps[0]
		should := float64(s.servers) / float64(first.servers)
		if w := first.busy * should; should > 1 && s.speedup(first) < asItShould*should && w > wanted {
			most, wanted = s, w
		}
	}
	if most.servers == 0 {
		return ""
	}
	return fmt.Sprintf("%s would keep %.1f cores busy, and there %s for them, the broker and the load: the work is bound by the CPU here. "+
		"Work that waits scales: --server-flag=--delay=20ms", servers(most.servers), wanted, areCores(cores))
}

// cores is how many this process, and its children, may use.
func cores() int { return runtime.GOMAXPROCS(0) }

// busy is how many cores the servers kept busy while they were there.
func (m *measurement) busy() float64 {
	busy := 0.0
	for _, s := range m.servers.pool.List() {
		busy += s.CPU.Seconds()
	}
	return busy / m.up.Seconds()
}

func servers(n int) string {
	if n == 1 {
		return "1 server"
	}
	return fmt.Sprintf("%d servers", n)
}

func areCores(n int) string {
	if n == 1 {
		return "is 1"
	}
	return fmt.Sprintf("are %d", n)
}
