package tour

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
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

// A Scenario is one story of the tour.
type Scenario struct {
	Number int // from 1
	Title  string
	// Happens is what will be done, Watch where to look meanwhile, Why what it matters:
	// a few plain sentences each.
	Happens, Watch, Why string
	// Lane is where to look meanwhile.
	Lane Lane

	body   string // of its requests, if they do not ask for fib
	folder bool   // it needs one
	play   func(*play)
}

// Scenarios returns all there are, in their order.
func Scenarios() []*Scenario {
	all := []*Scenario{
		oneCallbackQueue(), fairDispatch(), scaling(), diesBeforeAck(), unknownReply(),
		lateReply(), nobodyServes(), badRequests(), connectionDrops(), serverPanics(),
		earlyAck(), harmTwice(), notRPC(),
	}
	for i, s := range all {
		s.Number = i + 1
	}
	return all
}

// Only returns the scenarios whose numbers a list such as "4,7" has, in the order of the
// list; all of them for "".
func Only(list string) ([]*Scenario, error) {
	all := Scenarios()
	if list == "" {
		return all, nil
	}
	var some []*Scenario
	for item := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || n < 1 || n > len(all) {
			return nil, fmt.Errorf("%.20q is not the number of a scenario, from 1 to %d", item, len(all))
		}
		if slices.Contains(some, all[n-1]) {
			return nil, fmt.Errorf("scenario %d is listed twice", n)
		}
		some = append(some, all[n-1])
	}
	return some, nil
}

// A Fact is a part of a scenario's claim, and what the ledger says of it.
type Fact struct {
	Want string `json:"want"` // what was claimed: "1 duplicate"
	Got  string `json:"got"`  // what is so: "2 duplicates"
	OK   bool   `json:"ok"`
}

// A Result is what came of playing a scenario.
type Result struct {
	Scenario *Scenario
	Facts    []Fact
	// Err says why it could not be played to its end.
	Err     error
	Elapsed time.Duration
}

// OK reports whether the claim holds.
func (r *Result) OK() bool {
	return r.Err == nil && len(r.Facts) > 0 && !slices.ContainsFunc(r.Facts, func(f Fact) bool { return !f.OK })
}

// Numbers are those by which the claim holds or, where it does not, what was expected and
// what came instead. They may quote what servers and brokers wrote.
func (r *Result) Summary() string {
	var said []string
	ok := r.OK()
	for _, f := range r.Facts {
		switch {
		case ok:
			said = append(said, f.Got)
		case !f.OK:
			said = append(said, fmt.Sprintf("expected %s, got %s", f.Want, f.Got))
		}
	}
	if r.Err != nil {
		said = append(said, r.Err.Error())
	}
	if ok {
		return strings.Join(said, ", ")
	}
	return strings.Join(said, "; ")
}

// Verdict is "ok" or "FAILED".
func (r *Result) Verdict() string {
	if r.OK() {
		return "ok"
	}
	return "FAILED"
}

// Line is the result in one line.
func (r *Result) Line() string {
	return fmt.Sprintf("%2d %-6s %s: %s (%.1f s)", r.Scenario.Number, r.Verdict(), r.Scenario.Title, r.Summary(), r.Elapsed.Seconds())
}

// errNothing is the error of a scenario that has claimed nothing.
var errNothing = errors.New("nothing was claimed")
