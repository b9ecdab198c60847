package chaos

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// A line is a sequence of faults, one after the other. Those of different lines overlap.
type line string

const (
	clientNetwork line = "client network"
	serverNetwork line = "server network"
	theBroker     line = "broker"
	theServers    line = "servers"
	theMessages   line = "messages"
)

var lines = []line{clientNetwork, serverNetwork, theBroker, theServers, theMessages}

// A step is one fault of the schedule. The parameters that it uses depend on its kind.
type step struct {
	at    time.Duration // since the beginning; later if the one before in its line took longer
	lasts time.Duration // until it is healed; 0 for a fault that is over at once
	line  line
	kind  string

	which  int           // of the clients or servers, modulo how many there are
	delay  time.Duration // latency
	jitter time.Duration
	rate   int    // bytes per second
	count  int    // messages
	list   string // for --fault
}

func (s step) String() string {
	b := fmt.Sprintf("%8v  %-14s  %-26s", s.at, s.line, s.kind)
	for _, p := range []struct {
		name  string
		value any
		there bool
	}{
		{"for", s.lasts, s.lasts > 0}, {"delay", s.delay, s.delay > 0}, {"jitter", s.jitter, s.jitter > 0}, {"bytes/s", s.rate, s.rate > 0},
		{"count", s.count, s.count > 0}, {"faults", s.list, s.list != ""}, {"which", s.which, true},
	} {
		if p.there {
			b += fmt.Sprintf(" %s=%v", p.name, p.value)
		}
	}
	return b
}

// A recipe draws the parameters of one kind of fault.
type recipe struct {
	line   line
	kind   string
	weight int
	draw   func(*rand.Rand, *step)
}

const longestFault = 6 * time.Second

// between draws a duration in steps of 10 ms.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	const grain = 10 * time.Millisecond
	return low + time.Duration(r.Int64N(int64((high-low)/grain)+1))*grain
}

func lasting(low, high time.Duration) func(*rand.Rand, *step) {
	return func(r *rand.Rand, s *step) { s.lasts = between(r, low, high) }
}

func counted(low, high int) func(*rand.Rand, *step) {
	return func(r *rand.Rand, s *step) { s.count = low + r.IntN(high-low+1) }
}

func atOnce(*rand.Rand, *step) {}

var recipes = slices.Concat(network(clientNetwork), network(serverNetwork), []recipe{
	{theBroker, "stop and start", 2, lasting(0, time.Second)},
	{theBroker, "kill and start", 2, lasting(0, time.Second)},
	{theBroker, "freeze", 2, lasting(500*time.Millisecond, longestFault)},
	{theBroker, "memory alarm", 3, lasting(200*time.Millisecond, 3*time.Second)},
	{theBroker, "close connections", 3, atOnce},
	{theBroker, "hold confirms", 2, lasting(100*time.Millisecond, 2*time.Second)},

	{theServers, "kill", 3, lasting(0, time.Second)},
	{theServers, "stop", 2, lasting(0, time.Second)},
	{theServers, "suspend", 3, lasting(100*time.Millisecond, longestFault)},
	{theServers, "misbehave", 4, func(r *rand.Rand, s *step) {
		s.lasts = between(r, time.Second, longestFault)
		s.list = faultList(r)
	}},

	{theMessages, "delete request queue", 1, atOnce},
	{theMessages, "delete callback queue", 2, atOnce},
	{theMessages, "drop client connection", 2, atOnce},
	{theMessages, "flood of unknown IDs", 2, counted(100, 2000)},
	{theMessages, "flood of ended calls' IDs", 3, counted(100, 2000)},
	{theMessages, "flood of garbage", 2, counted(10, 200)},
	{theMessages, "flood of empty IDs", 1, counted(10, 500)},
	{theMessages, "flood of huge replies", 2, counted(1, 6)},
	{theMessages, "flood of garbage requests", 1, counted(10, 100)},
})

func network(l line) []recipe {
	low, high := 200*time.Millisecond, longestFault
	return []recipe{
		{l, "latency", 3, func(r *rand.Rand, s *step) {
			s.lasts, s.delay, s.jitter = between(r, low, high), between(r, 10*time.Millisecond, 300*time.Millisecond), between(r, 0, 200*time.Millisecond)
		}},
		{l, "bandwidth", 2, func(r *rand.Rand, s *step) {
			s.lasts, s.rate = between(r, low, high), 1<<(12+r.IntN(7)) // 4 to 256 KiB/s
		}},
		{l, "freeze up", 2, lasting(low, high)},
		{l, "freeze down", 2, lasting(low, high)},
		{l, "lose up", 1, lasting(low, high)},
		{l, "lose down", 1, lasting(low, high)},
		{l, "lose both", 1, lasting(low, high)},
		{l, "cut", 2, atOnce},
		{l, "reset", 2, atOnce},
		{l, "refuse", 1, lasting(low, 2*time.Second)},
	}
}

func faultList(r *rand.Rand) string {
	all := []string{
		"crash-before-ack=0.02", "crash-before-reply=0.02", "duplicate=0.3", "unknown=0.2", "drop=0.1",
		"error=0.1", "panic=0.1", "slow=0.1:400ms", "ack-delay=20ms",
	}
	r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return strings.Join(all[:1+r.IntN(4)], ",")
}

// makePlan makes the schedule: a pure function of the seed and of how long it is to last.
func makePlan(seed uint64, length time.Duration) []step {
	var plan []step
	for i, l := range lines {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		for at := between(r, 0, 2*time.Second); at < length; {
			s := draw(r, l)
			s.at = at
			s.lasts = min(s.lasts, length-at)
			plan = append(plan, s)
			at += s.lasts + between(r, 300*time.Millisecond, 2500*time.Millisecond)
		}
	}
	slices.SortStableFunc(plan, func(a, b step) int { return cmp.Compare(a.at, b.at) })
	return plan
}

func draw(r *rand.Rand, l line) step {
	total := 0
	for _, k := range recipes {
		if k.line == l {
			total += k.weight
		}
	}
	n := r.IntN(total)
	for _, k := range recipes {
		if k.line != l {
			continue
		}
		if n -= k.weight; n < 0 {
			s := step{line: l, kind: k.kind, which: r.IntN(100)}
			k.draw(r, &s)
			return s
		}
	}
	panic("the weights do not add up")
}

func printed(plan []step) string {
	var b strings.Builder
	for _, s := range plan {
		fmt.Fprintln(&b, s)
	}
	return b.String()
}

// The plan depends on the seed alone, lies within its time, keeps the order of each line, and has all kinds sooner or
// later.
func TestPlanDependsOnSeedAlone(t *testing.T) {
	const length = time.Minute
	seen := map[string]bool{}
	distinct := map[string]bool{}
	const seeds = 50
	for seed := range uint64(seeds) {
		plan := makePlan(seed, length)
		if a, b := printed(plan), printed(makePlan(seed, length)); a != b {
			t.Fatalf("seed %d has two plans:\n%s\n%s", seed, a, b)
		}
		distinct[printed(plan)] = true
		free := map[line]time.Duration{}
		for _, s := range plan {
			seen[string(s.line)+": "+s.kind] = true
			if s.at < free[s.line] || s.lasts < 0 || s.lasts > longestFault || s.at+s.lasts > length {
				t.Errorf("seed %d: this does not fit: %v", seed, s)
			}
			free[s.line] = s.at + s.lasts
		}
	}
	if len(distinct) != seeds {
		t.Errorf("%d seeds make %d plans", seeds, len(distinct))
	}
	if len(seen) != len(recipes) {
		t.Errorf("of %d kinds of faults %d occur", len(recipes), len(seen))
	}
}
