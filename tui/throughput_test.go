package tui

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

func throughputOf(window time.Duration) func(*text.Styles, *lab.Snapshot, int, int) text.Frame {
	return func(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame {
		return throughputPanel(st, snap, window, w, h)
	}
}

func TestThroughputGolden(t *testing.T) { goldenPanel(t, "throughput", throughputOf(time.Minute)) }

func TestThroughputFits(t *testing.T) {
	windows := append([]time.Duration{0, time.Second}, spans...)
	sweepPanel(t, func(st *text.Styles, snap *lab.Snapshot, w, h int) text.Frame {
		return throughputPanel(st, snap, windows[max(w+h, 0)%len(windows)], w, h)
	})
}

// secondsFrom returns a snapshot of seconds, with one more that is not over.
func secondsFrom(first time.Time, past []ledger.Second) *lab.Snapshot {
	snap := &lab.Snapshot{}
	for i, s := range append(past[:len(past):len(past)], ledger.Second{}) {
		s.Time = first.Add(time.Duration(i) * time.Second)
		snap.Ledger.Seconds = append(snap.Ledger.Seconds, s)
	}
	snap.Ledger.Now = first.Add(time.Duration(len(past)) * time.Second)
	return snap
}

// heightsOf measures the columns of a chart in eighths of a row, and counts their cells of failures.
func heightsOf(t interface{ Fatalf(string, ...any) }, lines []text.Line) (heights, failed []int) {
	for row, l := range lines {
		var text strings.Builder
		for _, s := range l {
			text.WriteString(s.Text)
		}
		signs := []rune(text.String())
		if heights == nil {
			heights, failed = make([]int, len(signs)), make([]int, len(signs))
		}
		if len(signs) != len(heights) {
			t.Fatalf("row %d has %d cells, not %d", row, len(signs), len(heights))
		}
		for i, r := range signs {
			part := strings.IndexRune(" ▁▂▃▄▅▆▇█", r)
			switch {
			case r == '▒':
				failed[i]++
				heights[i] += 8
			case part < 0:
				t.Fatalf("row %d has %q", row, r)
			default:
				part = len([]rune(" ▁▂▃▄▅▆▇█"[:part]))
				if heights[i] > 0 && part < 8 {
					t.Fatalf("column %d has a hole in row %d", i, row)
				}
				heights[i] += part
			}
		}
	}
	return heights, failed
}

var someSeconds = rapid.Custom(func(t *rapid.T) []ledger.Second {
	busiest := rapid.SampledFrom([]int{0, 1, 10, 1000, 1e6}).Draw(t, "busiest")
	fails := rapid.SampledFrom([]int{0, 1, 1000}).Draw(t, "fails")
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Second {
		return ledger.Second{Completed: rapid.IntRange(0, busiest).Draw(t, "completed"), Failed: rapid.IntRange(0, fails).Draw(t, "failed")}
	}), 1, 70).Draw(t, "seconds")
})

// The height of each column follows its calls.
func TestColumnsFollowTheData(t *testing.T) {
	st := styled(false)
	rapid.Check(t, func(t *rapid.T) {
		past := someSeconds.Draw(t, "past")
		width, rows := rapid.IntRange(1, 150).Draw(t, "width"), rapid.IntRange(1, 20).Draw(t, "rows")
		snap := secondsFrom(epoch.Add(time.Duration(rapid.IntRange(-100, 1e6).Draw(t, "from"))*time.Second), past)
		p := newTimeline(snap.Ledger.Seconds[:len(past)], len(past), width)
		top := niceScale(p.highest())
		heights, failed := heightsOf(t, p.draw(st, rows, float64(top)))
		if len(heights) != width {
			t.Fatalf("%d columns in %d cells", len(heights), width)
		}
		columns := p.columns
		for i, c := range columns {
			sum := c.completed + c.failed
			switch {
			case heights[i] > 8*rows:
				t.Fatalf("column %d is %d eighths high in %d rows", i, heights[i], rows)
			case sum > 0 != (heights[i] > 0):
				t.Fatalf("column %d of %v/s is %d eighths high", i, sum, heights[i])
			case c.failed > 0 != (failed[i] > 0):
				t.Fatalf("column %d of %v failures/s shows %d", i, c.failed, failed[i])
			}
			for j, d := range columns {
				if sum < d.completed+d.failed && (heights[i]+7)/8 > (heights[j]+7)/8 {
					t.Fatalf("column %d of %v/s is higher than column %d of %v/s", i, sum, j, d.completed+d.failed)
				}
				if c.failed+d.failed == 0 && c.completed < d.completed && heights[i] > heights[j] {
					t.Fatalf("column %d of %v/s is higher than column %d of %v/s", i, sum, j, d.completed)
				}
			}
		}
	})
}

// All seconds of the span are in the picture.
func TestColumnsShowAllSeconds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		past := someSeconds.Draw(t, "past")
		n, width := len(past), rapid.IntRange(1, 150).Draw(t, "width")
		snap := secondsFrom(epoch.Add(time.Duration(rapid.IntRange(0, 1000).Draw(t, "from"))*time.Second), past)
		p := newTimeline(snap.Ledger.Seconds[:n], n, width)
		if last := p.cellOf(n - 1); width < n && last != width-1 {
			t.Fatalf("the last second is in cell %d of %d", last, width)
		}
		for i := range past {
			if at := p.cellOf(i); at < -1 || at >= width || i > 0 && at < p.cellOf(i-1) {
				t.Fatalf("second %d of %d is in cell %d of %d", i, n, at, width)
			}
		}
		if width >= n { // each second has cells of its own
			seen := 0
			for i := range past {
				if to := p.cellOf(i + 1); to <= p.cellOf(i) {
					t.Fatalf("second %d has no cell", i)
				}
				seen++
			}
			if p.cellOf(n) != width {
				t.Fatalf("%d seconds end at cell %d of %d", seen, p.cellOf(n), width)
			}
		}
	})
}

// From one second to the next the picture moves as a whole.
func TestColumnsMoveAsAWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, width := rapid.IntRange(2, 300).Draw(t, "n"), rapid.IntRange(2, 120).Draw(t, "width")
		past := make([]ledger.Second, n+1)
		for i := range past {
			past[i].Completed = 1 + i*i%977
		}
		seconds := secondsFrom(at(time.Duration(rapid.IntRange(0, 1000).Draw(t, "from"))*time.Second), past).Ledger.Seconds
		now, next := newTimeline(seconds[:n], n, width), newTimeline(seconds[1:n+1], n, width)
		shift := now.cellOf(n-1) - next.cellOf(n-2)
		a, b := now.columns, next.columns
		// The oldest and the newest cell may be in the making.
		for i := shift + 2; i < width-1; i++ {
			if a[i] != b[i-shift] {
				t.Fatalf("cell %d has changed from %v to %v on its way", i, a[i], b[i-shift])
			}
		}
	})
}

func TestThroughputSays(t *testing.T) {
	flat := make([]ledger.Second, 60)
	for i := range flat {
		flat[i].Completed = 300
	}
	flat[30].Failed = 40
	flat[50].Duplicates = 2
	flat[10].Orphans = 1
	snap := secondsFrom(epoch, flat)
	snap.Marks = []lab.Mark{{Time: at(20 * time.Second), Server: "fib-7", Joined: true}, {Time: at(40 * time.Second), Server: "fib-8"}}
	snap.Ledger.Calls.Completed = 18_000
	snap.Ledger.Rate = 300
	idle := secondsFrom(epoch, make([]ledger.Second, 60))
	for _, c := range []struct {
		name   string
		snap   *lab.Snapshot
		window time.Duration
		w, h   int
		yes    []string
		no     []string
	}{
		{"all", snap, time.Minute, 60, 12, []string{"Throughput, 60 s  [ ]  300/s", "400┤", "▒", "▲fib-7", "▼fib-8", "60 s ago", "now", "d duplicate  o orphaned", "o ", "d "}, []string{"nothing"}},
		{"half", snap, 30 * time.Second, 60, 8, []string{"Throughput, 30 s", "400┤", "200┤", "30 s ago", "▼fib-8"}, []string{"fib-7"}},
		{"low", snap, time.Minute, 60, 5, []string{"400┤", "▲fib-7"}, []string{"duplicate", "ago"}},
		{"lowest", snap, time.Minute, 60, 1, []string{"400┤"}, []string{"fib", "ago"}},
		{"narrow", snap, time.Minute, 10, 12, []string{"now", "█"}, []string{"400"}},
		{"nothing yet", idle, 5 * time.Minute, 40, 8, []string{"nothing completed yet", "Throughput, 5 min", "5 min ago"}, []string{"┤", "█"}},
		{"nothing at all", &lab.Snapshot{}, 15 * time.Minute, 40, 8, []string{"nothing completed yet", "15 min ago", "now"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			st := styled(false)
			says(t, paintFrames(st, c.h, throughputPanel(st, c.snap, c.window, c.w, c.h)), c.yes, c.no)
		})
	}
}

// The second that is not over is not drawn.
func TestThroughputLeavesOutThePresentSecond(t *testing.T) {
	st := styled(false)
	a := *snapshots()["healthy"]
	b := a
	b.Ledger.Seconds = append([]ledger.Second(nil), a.Ledger.Seconds...)
	b.Ledger.Seconds[len(b.Ledger.Seconds)-1].Completed += 12345
	if x, y := joinedBody(throughputPanel(st, &a, time.Minute, 60, 12)), joinedBody(throughputPanel(st, &b, time.Minute, 60, 12)); x != y {
		t.Errorf("%s\nis not\n%s", y, x)
	}
}

func TestNiceScale(t *testing.T) {
	for x, want := range map[float64]int{0: 0, -1: 0, 0.3: 1, 1: 1, 1.2: 2, 7: 8, 9: 10, 10: 10, 328: 400, 401: 500, 12_408: 20_000} {
		if got := niceScale(x); got != want {
			t.Errorf("niceScale(%v) is %d, not %d", x, got, want)
		}
	}
}
