package tui

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

func TestLatencyGolden(t *testing.T) { goldenPanel(t, "latency", latencyWithBars) }
func TestLatencyFits(t *testing.T)   { sweepPanel(t, latencyWithBars) }

// latencyWithBars draws a snapshot with a bar for each cell, as the screen asks for them.
func latencyWithBars(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame {
	s := *snap
	if l := ledgers[snap]; l != nil {
		s.Ledger.ResponseBars = l.Snapshot(ledger.Query{Bars: max(w, 0), LogBars: true}).ResponseBars
	}
	return latencyPanel(st, &s, w, h)
}

// latencyLook returns a snapshot with bars of growing width and the given counts.
func latencyLook(counts ...uint64) *lab.Snapshot {
	snap := &lab.Snapshot{}
	b := &snap.Ledger
	from := 10.0
	for _, n := range counts {
		b.ResponseBars = append(b.ResponseBars, ledger.Bar{From: from, To: 1.2 * from, Count: n})
		b.Response.Count += n
		from *= 1.2
	}
	if b.Response.Count > 0 {
		b.Response.Max = from
	}
	b.Response.P50, b.Response.P90, b.Response.P99 = from/4, from/2, from*0.95
	b.Service = b.Response
	return snap
}

// The height of each column follows its share of the bars, and the highest fills the chart.
func TestLatencyColumnsFollowTheData(t *testing.T) {
	st := styled(false)
	rapid.Check(t, func(t *rapid.T) {
		counts := rapid.SliceOfN(rapid.Uint64Range(0, 1e6), 1, 80).Draw(t, "counts")
		w, h := len(counts), rapid.IntRange(3, 20).Draw(t, "h")
		b := latencyLook(counts...).Ledger
		lines := latencyColumns(st, b.Response, b.ResponseBars, h)
		if len(lines) != h {
			t.Fatalf("%d lines of %d", len(lines), h)
		}
		heights, _ := heightsOf(t, lines[:h-2])
		if len(heights) != w {
			t.Fatalf("%d columns in %d cells", len(heights), w)
		}
		sum, highest := uint64(0), 0
		for i, n := range counts {
			sum += n
			highest = max(highest, heights[i])
			for j, other := range counts {
				if n < other && heights[i] > heights[j] {
					t.Fatalf("%v answers are higher than %v", n, other)
				}
			}
			if n > 0 != (heights[i] > 0) {
				t.Fatalf("%v answers are %d eighths high", n, heights[i])
			}
		}
		if sum > 0 && highest != 8*(h-2) {
			t.Fatalf("the highest is %d eighths of %d", highest, 8*(h-2))
		}
	})
}

func TestLatencySays(t *testing.T) {
	waited := func() *lab.Snapshot {
		snap := *snapshots()["healthy"]
		snap.Ledger.Response.P50 *= 3
		return &snap
	}
	for _, c := range []struct {
		name string
		snap *lab.Snapshot
		w, h int
		yes  []string
		no   []string
	}{
		{"empty", &lab.Snapshot{}, 40, 8, []string{"no answers yet"}, []string{"p50"}},
		{"empty and narrow", &lab.Snapshot{}, 5, 1, []string{"no a…"}, nil},
		{"table", snapshots()["healthy"], 38, 12, []string{"p50     p90     p99     max", "▲p50", "▲p90", "▲p99", " ms"}, []string{"service", "serv."}},
		{"pairs", snapshots()["healthy"], 24, 6, []string{"p50 ", "p90 ", "p99 ", "max ", "█"}, []string{"service"}},
		{"one line", snapshots()["healthy"], 60, 1, []string{"p50 ", "p90 ", "p99 ", "max "}, []string{"█"}},
		{"short line", snapshots()["healthy"], 24, 3, []string{"p50 ", "p99 "}, []string{"max"}},
		{"waited", waited(), 60, 12, []string{"response", "service"}, nil},
		{"waited, less room", waited(), 38, 12, []string{"resp.", "serv."}, nil},
		{"waited, no room", waited(), 24, 6, []string{"service p50"}, nil},
		{"together", latencyLook(append(make([]uint64, 39), 1)...), 40, 12, []string{"▲", "10.0 ms"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := styled(false)
			says(t, paintFrames(st, c.h, latencyWithBars(st, c.snap, c.w, c.h)), c.yes, c.no)
		})
	}
}

// The marks are below the bars of their percentiles.
func TestLatencyMarks(t *testing.T) {
	counts := make([]uint64, 30)
	for i := range counts {
		counts[i] = 1
	}
	snap := latencyLook(counts...)
	b := snap.Ledger.ResponseBars
	l := &snap.Ledger.Response
	l.P50, l.P90, l.P99 = b[3].From, b[14].From, b[29].To+1
	lines := latencyColumns(styled(false), *l, b, 5)
	if got, want := lines[3].Render(), "───▲p50───────▲p90────────p99▲"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := lines[4].Render(), "10.0 ms"+strings.Repeat(" ", 17)+"2.37 s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
