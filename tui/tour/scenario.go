package tour

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Lane is one of the lanes of the screen.
type Lane int

const (
	InFlight Lane = iota
	Ended
	Duplicates
	Orphans
)

// A Scenario is one part of the tour.
type Scenario struct {
	Number int // from 1
	Title  string
	// Happens announces the steps, Watch names the place on the screen to look at, and Why explains
	// the result, in a few plain sentences each.
	Happens, Watch, Why string
	Lane                Lane // to look at

	body   string // of its requests; "" is fib
	folder bool   // it needs a folder
	play   func(*player)
}

// Scenarios returns all scenarios in their order.
func Scenarios() []*Scenario {
	all := []*Scenario{
		oneCallbackQueue(), fairDispatch(), scaling(), diesBeforeAck(), unknownReply(),
		lateReply(), noServer(), badRequests(), connectionDrops(), serverPanics(),
		earlyAck(), idempotence(), notRPC(),
	}
	for i, s := range all {
		s.Number = i + 1
	}
	return all
}

// Only returns the scenarios with these numbers, or all if there are none.
func Only(numbers ...int) ([]*Scenario, error) {
	all := Scenarios()
	if len(numbers) == 0 {
		return all, nil
	}
	var some []*Scenario
	for _, n := range numbers {
		if n < 1 || n > len(all) {
			return nil, fmt.Errorf("%d is not the number of a scenario, from 1 to %d", n, len(all))
		}
		if slices.Contains(some, all[n-1]) {
			return nil, fmt.Errorf("scenario %d is listed twice", n)
		}
		some = append(some, all[n-1])
	}
	return some, nil
}

// A Fact is a part of a scenario's claim, with the numbers from the ledger.
type Fact struct {
	Want string `json:"want"` // "1 duplicate"
	Got  string `json:"got"`  // "2 duplicates"
	OK   bool   `json:"ok"`
}

// A Result is the result of one scenario.
type Result struct {
	Scenario *Scenario
	Facts    []Fact
	Err      error // why it was not played to its end
	Elapsed  time.Duration
}

// OK reports whether the claim holds.
func (r *Result) OK() bool {
	return r.Err == nil && len(r.Facts) > 0 && !slices.ContainsFunc(r.Facts, func(f Fact) bool { return !f.OK })
}

// Summary returns the numbers of a claim that holds, or else those expected and those found. It may
// quote servers and brokers.
func (r *Result) Summary() string {
	var parts []string
	for _, f := range r.Facts {
		if r.OK() {
			parts = append(parts, f.Got)
		} else if !f.OK {
			parts = append(parts, fmt.Sprintf("expected %s, got %s", f.Want, f.Got))
		}
	}
	if r.Err != nil {
		parts = append(parts, r.Err.Error())
	}
	if r.OK() {
		return strings.Join(parts, ", ")
	}
	return strings.Join(parts, "; ")
}

// Line returns the result in one line.
func (r *Result) Line() string {
	verdict := "FAILED"
	if r.OK() {
		verdict = "ok"
	}
	return fmt.Sprintf("%2d %-6s %s: %s (%.1f s)", r.Scenario.Number, verdict, r.Scenario.Title, r.Summary(), r.Elapsed.Seconds())
}
