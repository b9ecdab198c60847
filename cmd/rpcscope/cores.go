package main

import (
	"fmt"

	"rpcscope/tui/report"
)

const (
	// goodSpeedup is the part of the ideal speed-up that needs no explanation.
	goodSpeedup = 0.85
	// serversShare is the part of the cores that servers may use before the broker and the client lack some.
	serversShare = 0.75
)

// coreLimit returns a notice if a run of scale fell short of the ideal speed-up because its servers needed more cores
// than there are, else "". The cores that a server needs are those that a server of the first run used, which kept busy
// that many: work that waits uses next to none.
func coreLimit(rows []report.ScaleRow, busy float64, cores int) string {
	limited, needed := 0, serversShare*float64(cores)
	for _, row := range rows {
		ideal := float64(row.Servers) / float64(rows[0].Servers)
		if n := busy * ideal; ideal > 1 && row.Speedup < goodSpeedup*ideal && n > needed {
			limited, needed = row.Servers, n
		}
	}
	if limited == 0 {
		return ""
	}
	return fmt.Sprintf("%s would keep %.1f cores busy, of %d for them, the broker and the load: the work is bound by the CPU here. "+
		"Work that waits scales: --server-flag=--delay=20ms", servers(limited), needed, cores)
}

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
