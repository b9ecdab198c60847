package cli

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// However many events somebody causes, the log grows by a bounded rate, tells how many it
// has left out, and leaves nothing out of the other kinds.
func TestLogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		log, err := Logger(&out, "json", false)
		if err != nil {
			t.Fatal(err)
		}
		other := log.With("a", 1).WithGroup("g") // shares the allowance
		const flood, seconds = 20_000, 10
		for i := range flood {
			if i%2 == 0 {
				log.Warn("refused", "i", i)
			} else {
				other.Warn("refused", "i", i)
			}
			time.Sleep(seconds * time.Second / flood)
		}
		log.Info("refused") // of another level
		log.Warn("once")
		time.Sleep(time.Hour)
		log.Warn("refused")

		counts, suppressed := map[string]int{}, 0
		d := json.NewDecoder(strings.NewReader(out.String()))
		for d.More() {
			var line struct {
				Level, Msg string
				Suppressed int
				G          struct{ Suppressed int }
			}
			if err := d.Decode(&line); err != nil {
				t.Fatal(err)
			}
			counts[line.Level+" "+line.Msg]++
			suppressed += line.Suppressed + line.G.Suppressed
		}
		// The sum of so many small fractions is not exact.
		if n := counts["WARN refused"]; n < logBurst+seconds*logPerSec-1 || n > logBurst+seconds*logPerSec+1 || n+suppressed != flood+1 {
			t.Errorf("%d of %d are logged, and %d said to be suppressed", n, flood+1, suppressed)
		}
		if counts["INFO refused"] != 1 || counts["WARN once"] != 1 {
			t.Errorf("others: %v", counts)
		}
	})
}

// The memory of kinds is bounded too, and a clock that goes back takes nothing away.
func TestLogKindsAreBounded(t *testing.T) {
	l := newLimited(slog.DiscardHandler)
	now := time.Now()
	for i := range 10 * logKinds {
		if _, ok := l.kinds.take(logKind{slog.Level(i), "x"}, now); !ok {
			t.Fatal("the first of its kind is left out")
		}
		if n := len(l.kinds.of); n > logKinds {
			t.Fatalf("%d kinds are remembered", n)
		}
	}
	if _, ok := l.kinds.take(logKind{0, "y"}, now); !ok {
		t.Error("the first is left out")
	}
	if _, ok := l.kinds.take(logKind{0, "y"}, now.Add(-time.Hour)); !ok {
		t.Error("the second is left out")
	}
}
