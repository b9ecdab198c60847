package main

import (
	"fmt"
	"runtime"
)

// A step is one run of scale.
type step struct {
	servers    int
	throughput float64 // per second
	busy       float64 // cores that the servers kept busy, on average
}

// speedup returns the throughput in terms of that of the first run.
func (s step) speedup(first step) float64 {
	if first.throughput == 0 {
		return 0
	}
	return s.throughput / first.throughput
}

const (
	// goodSpeedup is the part of the ideal speed-up that needs no explanation.
	goodSpeedup = 0.85
	// serversShare is the part of the cores that servers may use before the broker and the client lack some.
	serversShare = 0.75
)

// coreLimit returns a notice if a run fell short of the ideal speed-up because its servers needed more cores than
// there are, else "". The cores that a server needs are those that a server of the first run used: work that waits
// uses next to none.
func coreLimit(steps []step, cores int) string {
	var limited step
	needed := serversShare * float64(cores)
	for _, s := range steps {
		first := steps[0]
		ideal := float64(s.servers) / float64(first.servers)
		if n := first.busy * ideal; ideal > 1 && s.speedup(first) < goodSpeedup*ideal && n > needed {
			limited, needed = s, n
		}
	}
	if limited.servers == 0 {
		return ""
	}
	return fmt.Sprintf("%s would keep %.1f cores busy, of %d for them, the broker and the load: the work is bound by the CPU here. "+
		"Work that waits scales: --server-flag=--delay=20ms", servers(limited.servers), needed, cores)
}

// cores returns the number of cores that this process and its children may use.
func cores() int { return runtime.GOMAXPROCS(0) }

// busy returns the number of cores that the servers kept busy, on average.
func (m *measurement) busy() float64 {
	busy := 0.0
	for _, s := range m.servers {
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
