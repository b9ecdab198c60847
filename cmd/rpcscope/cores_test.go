package main

import (
	"strings"
	"testing"

	"rpcscope/tui/report"
)

func TestCoreLimit(t *testing.T) {
	row := func(servers int, throughput, first float64) report.ScaleRow {
		return report.ScaleRow{Servers: servers, Throughput: throughput, Speedup: throughput / max(first, 1)}
	}
	for _, test := range []struct {
		name  string
		cores int
		busy  float64 // in the first run
		rows  []report.ScaleRow
		want  string // begin of the notice, "" for none
	}{
		{"no run", 2, 0, nil, ""},
		{"one run", 1, 1, []report.ScaleRow{row(1, 260, 260)}, ""},
		{"fib(30) on two cores", 2, 0.95, []report.ScaleRow{row(1, 262, 262), row(2, 490, 262), row(4, 500, 262)}, "4 servers would keep 3.8 cores busy, of 2 for them"},
		{"on one", 1, 0.8, []report.ScaleRow{row(1, 262, 262), row(2, 270, 262)}, "2 servers would keep 1.6 cores busy, of 1 for them"},
		{"from two servers on", 2, 1.7, []report.ScaleRow{row(2, 490, 490), row(4, 500, 490)}, "4 servers would keep 3.4"},
		{"cores are taken by others", 2, 0.5, []report.ScaleRow{row(1, 130, 130), row(4, 140, 130)}, "4 servers would keep 2.0"},
		{"cores enough", 8, 0.95, []report.ScaleRow{row(1, 262, 262), row(2, 520, 262), row(4, 1000, 262)}, ""},
		{"cores enough, and something else is the limit", 8, 0.95, []report.ScaleRow{row(1, 262, 262), row(4, 300, 262)}, ""},
		{"it sleeps", 2, 0.02, []report.ScaleRow{row(1, 48, 48), row(2, 95, 48), row(4, 190, 48)}, ""},
		{"it sleeps, on a bad day", 2, 0.02, []report.ScaleRow{row(1, 48, 48), row(4, 60, 48)}, ""},
		{"speed-up as it should be", 2, 0.95, []report.ScaleRow{row(1, 262, 262), row(2, 500, 262)}, ""},
		{"fewer and fewer", 2, 1.9, []report.ScaleRow{row(4, 500, 500), row(1, 262, 500)}, ""},
		{"nothing was completed", 2, 0.95, []report.ScaleRow{row(1, 0, 0), row(4, 0, 0)}, "4 servers"},
	} {
		got := coreLimit(test.rows, test.busy, test.cores)
		if !strings.HasPrefix(got, test.want) || got != "" && (test.want == "" || !strings.HasSuffix(got, "--server-flag=--delay=20ms")) {
			t.Errorf("%s: %q, want %q", test.name, got, test.want)
		}
	}
}
