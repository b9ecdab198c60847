package report

import (
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc/ledger"
)

// The first line counts all calls that fell short. It has a cross exactly if the exit code is 1.
func TestHeadline(t *testing.T) {
	calls := func(completed, failed, wrong uint64) ledger.Snapshot {
		return ledger.Snapshot{Calls: ledger.Calls{Sent: completed + failed, Completed: completed, Failed: failed, Wrong: wrong}}
	}
	for _, c := range []struct {
		sum       Summary
		want      string
		fellShort bool // if the run is judged
	}{
		{Summary{Snapshot: calls(500, 0, 0)}, "✓ 500 calls completed", false},
		{Summary{Snapshot: calls(456, 44, 19)}, "✗ 44 failed, 19 wrong of 500 calls", true},
		{Summary{Snapshot: calls(0, 500, 0)}, "✗ 500 failed of 500 calls", true},
		{Summary{Snapshot: calls(456, 44, 19), Missed: 7}, "✗ 44 failed, 19 wrong, 7 not started of 507 calls", true},
		{Summary{Snapshot: calls(500, 0, 2), MaxFailed: 5}, "! 2 wrong of 500 calls, up to 5 allowed", false},
		{Summary{Snapshot: calls(500, 0, 5), MaxFailed: 5}, "! 5 wrong of 500 calls, up to 5 allowed", false},
		{Summary{Snapshot: calls(500, 1, 5), MaxFailed: 5}, "✗ 1 failed, 5 wrong of 501 calls, up to 5 allowed", true},
		{Summary{Snapshot: calls(500, 0, 0), MaxFailed: 5}, "✓ 500 calls completed", false},
		{Summary{Snapshot: calls(20, 4, 1), Interrupted: true}, "! interrupted: 20 calls completed, 4 failed, 1 wrong", false},
		{Summary{Snapshot: calls(0, 0, 0), Interrupted: true}, "! interrupted: no call completed", false},
		{Summary{Snapshot: calls(0, 0, 0), Interrupted: true, InWarmUp: true}, "! interrupted in the warm-up: nothing was measured", false},
		{Summary{Snapshot: calls(0, 0, 0)}, "✗ no call was made", true},
		{Summary{Snapshot: ledger.Snapshot{Calls: ledger.Calls{Sent: 3, InFlight: 3}}}, "! no call completed", false},
		{Summary{Snapshot: calls(100, 0, 0), Config: RunConfig{Rate: 1000}, Behind: time.Second}, "! slower than 1,000/s, 100 calls completed", false},
		{Summary{Snapshot: calls(500, 0, 0), Fault: "the recording is not whole"}, "✗ the recording is not whole: 500 calls completed", true},
		{Summary{Snapshot: calls(3, 0, 0), Fault: "the recording is not whole", Interrupted: true}, "✗ the recording is not whole: interrupted: 3 calls completed", true},
	} {
		c.sum.Judged = true
		got, _, _ := strings.Cut(c.sum.Render(styled(false), 100), "\n")
		if got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
		if c.sum.FellShort() != c.fellShort {
			t.Errorf("%s: it fell short is %v", c.want, !c.fellShort)
		}
		// A run that nobody judges is no failure, whatever became of its calls.
		c.sum.Judged, c.sum.Fault = false, ""
		if got := c.sum.Render(styled(false), 100); c.sum.FellShort() || strings.HasPrefix(got, "✗") {
			t.Errorf("%s: not judged, and a failure: %.40q", c.want, got)
		}
	}
}

// A first line that is too long is wrapped, not cut.
func TestHeadlineWraps(t *testing.T) {
	sum := Summary{
		Snapshot: ledger.Snapshot{Calls: ledger.Calls{Sent: 20_000, Completed: 12_345, Failed: 7655, Wrong: 1234}, Elapsed: time.Minute, Throughput: 205},
		Missed:   4321,
	}
	got := sum.Render(styled(false), 40)
	want := "! 7,655 failed, 1,234 wrong, 4,321 not\n  started of 24,321 calls\n  205/s over 60.0 s\n"
	if !strings.HasPrefix(got, want) {
		t.Errorf("%.120q, want %q", got, want)
	}
}
