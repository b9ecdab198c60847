package tour_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rpcscope/amqprpc/broker/brokertest"
	"rpcscope/tui/lab"
	"rpcscope/tui/tour"
)

// compares reports whether a scenario compares servers at work. Such scenarios run one at a time; the
// others mostly wait, and run in parallel.
func compares(number int) bool { return number <= 3 || number == 13 }

// Every claim holds, and sessions leave nothing behind.
func TestClaimsHold(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	for _, s := range tour.Scenarios() {
		t.Run(s.Title, func(t *testing.T) {
			if !compares(s.Number) {
				t.Parallel()
			}
			brokertest.Shared(t)
			if r := play(t, t.Context(), node, s, nil); !r.OK() {
				t.Error(r.Line())
			} else {
				t.Log(r.Line())
			}
		})
	}
}

// A wrapper replaces methods of a lab. If a function is nil, the lab's own method is called.
type wrapper struct {
	tour.Lab
	call       func() string
	callWith   func(string) string
	burst      func(int) error
	setTimeout func(time.Duration) error
	setFault   func(string) error
	start      func(context.Context, ...string) (string, error)
	stop       func(context.Context, string) error
	unknown    func(context.Context) (string, error)
	drop       func()
}

func (m *wrapper) Call() string {
	if m.call != nil {
		return m.call()
	}
	return m.Lab.Call()
}

func (m *wrapper) CallWith(body string) string {
	if m.callWith != nil {
		return m.callWith(body)
	}
	return m.Lab.CallWith(body)
}

func (m *wrapper) Burst(n int) error {
	if m.burst != nil {
		return m.burst(n)
	}
	return m.Lab.Burst(n)
}

func (m *wrapper) SetTimeout(d time.Duration) error {
	if m.setTimeout != nil {
		return m.setTimeout(d)
	}
	return m.Lab.SetTimeout(d)
}

func (m *wrapper) SetFault(list string) error {
	if m.setFault != nil {
		return m.setFault(list)
	}
	return m.Lab.SetFault(list)
}

func (m *wrapper) StartServer(ctx context.Context, flags ...string) (string, error) {
	if m.start != nil {
		return m.start(ctx, flags...)
	}
	return m.Lab.StartServer(ctx, flags...)
}

func (m *wrapper) StopServer(ctx context.Context, name string) error {
	if m.stop != nil {
		return m.stop(ctx, name)
	}
	return m.Lab.StopServer(ctx, name)
}

func (m *wrapper) UnknownReply(ctx context.Context) (string, error) {
	if m.unknown != nil {
		return m.unknown(ctx)
	}
	return m.Lab.UnknownReply(ctx)
}

func (m *wrapper) DropConnection() {
	if m.drop != nil {
		m.drop()
		return
	}
	m.Lab.DropConnection()
}

// If the premise of a claim is broken, the facts that depend on it do not hold.
func TestClaimsCanFail(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	noFault := func(m *wrapper) { m.setFault = func(string) error { return nil } }
	// limitServers starts only the first servers.
	limitServers := func(m *wrapper, limit int, flags ...string) {
		var names []string
		m.start = func(ctx context.Context, asked ...string) (string, error) {
			if len(names) == limit {
				return names[limit-1], nil
			}
			if flags != nil {
				asked = flags
			}
			name, err := m.Lab.StartServer(ctx, asked...)
			names = append(names, name)
			return name, err
		}
	}
	prefetch := func(m *wrapper, all string) {
		m.start = func(ctx context.Context, flags ...string) (string, error) {
			flags = slices.Clone(flags)
			for i, f := range flags {
				if strings.HasPrefix(f, "--prefetch=") {
					flags[i] = "--prefetch=" + all
				}
			}
			return m.Lab.StartServer(ctx, flags...)
		}
	}
	// replaceFlag replaces a flag of the servers, or removes it.
	replaceFlag := func(m *wrapper, flag, other string) {
		m.start = func(ctx context.Context, flags ...string) (string, error) {
			flags = slices.Clone(flags)
			for i, f := range flags {
				if f == flag {
					flags[i] = other
				}
			}
			return m.Lab.StartServer(ctx, slices.DeleteFunc(flags, func(f string) bool { return f == "" })...)
		}
	}
	for _, c := range []struct {
		scenario int
		premise  string // the broken one
		wrap     func(*wrapper)
		fails    []string // facts that do not hold
	}{
		{1, "servers that differ", func(m *wrapper) { limitServers(m, 1, "--prefetch=1") }, []string{"some that were answered before an earlier one"}},
		{2, "another prefetch", func(m *wrapper) { prefetch(m, "1") }, []string{"it to do about half at prefetch 100"}},
		{2, "prefetch 1", func(m *wrapper) { prefetch(m, "100") }, []string{"the fast server to do over 60 % at prefetch 1"}},
		{3, "more servers", func(m *wrapper) { limitServers(m, 1) }, []string{
			"2 servers at work at once", "4 servers at work at once",
			"1, 2 and 4 servers to answer",
		}},
		{3, "servers of its own alone", func(m *wrapper) {
			m.start = func(ctx context.Context, flags ...string) (string, error) {
				m.start = nil
				if _, err := m.Lab.StartServer(ctx, flags...); err != nil {
					return "", err
				}
				return m.Lab.StartServer(ctx, flags...)
			}
		}, []string{"1, 2 and 4 servers to answer"}},
		{4, "a death", noFault, []string{"1 duplicate", "the request redelivered to fib-2", "its answer from fib-1"}},
		{5, "a reply", func(m *wrapper) {
			m.unknown = func(context.Context) (string, error) { return "00000000-0000-4000-8000-000000000000", nil }
		}, []string{"1 unknown reply", "it discarded, with the ID that was sent"}},
		{6, "a deadline", func(m *wrapper) { m.setTimeout = func(time.Duration) error { return nil } }, []string{"a timeout", "1 late reply"}},
		{6, "a slow server", noFault, []string{"a timeout", "1 late reply"}},
		{7, "no queue", func(m *wrapper) {
			m.call = func() string {
				m.call = nil
				name, err := m.Lab.StartServer(t.Context())
				id := m.Lab.Call()
				for err == nil && m.Lab.Snapshot(lab.Query{}).Ledger.Calls.Completed == 0 {
					time.Sleep(time.Millisecond)
				}
				if err := errors.Join(err, m.Lab.StopServer(t.Context(), name)); err != nil {
					t.Error(err)
				}
				return id
			}
		}, []string{"no queue: unroutable"}},
		{7, "no server", func(m *wrapper) { m.stop = func(context.Context, string) error { return nil } },
			[]string{"no server: a timeout after 1 s", "1 request answered by fib-2"}},
		{8, "bad requests", func(m *wrapper) { m.callWith = func(string) string { return m.Lab.CallWith("5") } },
			[]string{"abc INVALID_ARGUMENT, -5 INVALID_ARGUMENT, 10^12 OUT_OF_RANGE, nothing INVALID_ARGUMENT"}},
		{8, "a server that lives", func(m *wrapper) {
			m.call = func() string {
				if err := m.Lab.(*lab.Lab).RestartServer(t.Context(), "fib-1"); err != nil {
					t.Error(err)
				}
				return m.Lab.Call()
			}
		}, []string{"fib-1 lives"}},
		{9, "a loss", func(m *wrapper) { m.drop = func() {} }, []string{"from 1 to 16 calls failed as connection_lost", "connected again once"}},
		{10, "a panic", noFault, []string{"3 of 3 answered with INTERNAL"}},
		{11, "an early ack", func(m *wrapper) {
			m.setFault = func(fault string) error {
				return m.Lab.SetFault(strings.Replace(fault, "early-ack", "crash-before-reply", 1))
			}
		}, []string{"fib-1 to die, and calls to be lost by its early ack"}},
		{11, "deaths", func(m *wrapper) {
			m.setFault = func(string) error { return m.Lab.SetFault("drop") }
			m.setTimeout = func(d time.Duration) error { return m.Lab.SetTimeout(min(d, 2*time.Second)) }
		}, []string{"fib-1 to die, and calls to be lost by its early ack", "fib-3 to die, and all 5 calls to be answered by the next server"}},
		{11, "a late ack", func(m *wrapper) {
			m.setFault = func(string) error { return m.Lab.SetFault("early-ack") }
			m.setTimeout = func(d time.Duration) error { return m.Lab.SetTimeout(min(d, 2*time.Second)) }
		}, []string{"fib-3 to die, and all 5 calls to be answered by the next server"}},
		{12, "a death", noFault, []string{"3 calls to add 4", "a duplicate each time"}},
		{12, "IDs that are noted", func(m *wrapper) { replaceFlag(m, "--once", "") }, []string{"3 calls to add 3 by ID"}},
		{12, "servers that forget", func(m *wrapper) {
			m.start = func(ctx context.Context, flags ...string) (string, error) {
				return m.Lab.StartServer(ctx, append(flags, "--once")...)
			}
		}, []string{"3 calls to add 4"}},
		{13, "one call after the other", func(m *wrapper) {
			m.call = func() string {
				m.call = nil
				if err := m.Lab.Burst(20); err != nil {
					t.Error(err)
				}
				return m.Lab.Call()
			}
		}, []string{"1 server at work at once, one by one"}},
		{13, "several servers", func(m *wrapper) { limitServers(m, 1) }, []string{"most servers at work at once"}},
		{13, "no server", func(m *wrapper) { m.stop = func(context.Context, string) error { return nil } }, []string{"no server: a timeout"}},
	} {
		t.Run(fmt.Sprintf("%d without %s", c.scenario, c.premise), func(t *testing.T) {
			if !compares(c.scenario) || c.premise == "more servers" {
				t.Parallel()
			}
			brokertest.Shared(t)
			r := play(t, t.Context(), node, scenario(t, c.scenario), func(l tour.Lab) tour.Lab {
				m := &wrapper{Lab: l}
				c.wrap(m)
				return m
			})
			var failed []string
			for _, f := range r.Facts {
				if !f.OK {
					failed = append(failed, f.Want)
				}
			}
			if r.OK() || r.Err != nil || !slices.Equal(failed, c.fails) {
				t.Errorf("%s; failed are %q, %v, not %q", r.Line(), failed, r.Err, c.fails)
			}
			if line := r.Line(); !strings.Contains(line, "FAILED") || !strings.Contains(line, "expected "+c.fails[0]+", got ") {
				t.Errorf("the line %q", line)
			}
		})
	}
}

// An interrupt ends a scenario at any step, and nothing is left of it.
func TestInterrupt(t *testing.T) {
	brokertest.SkipIfShort(t)
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	why := errors.New("interrupted")
	for _, number := range []int{3, 6, 9} { // during a load, a call, a load
		ctx, cancel := context.WithCancelCause(t.Context())
		session, err := tour.Open(ctx, scenario(t, number), config(node))
		if err != nil {
			t.Fatal(err)
		}
		played := make(chan tour.Result)
		go func() { played <- session.Play(ctx) }()
		for session.Lab.Snapshot(lab.Query{}).Ledger.Calls.InFlight == 0 {
			time.Sleep(time.Millisecond)
		}
		cancel(why)
		if r := <-played; r.OK() || !errors.Is(r.Err, why) {
			t.Errorf("%s: %v", r.Line(), r.Err)
		}
		closeSession(t, node, session)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	some, err := tour.Only(5, 3, 4)
	if err != nil {
		t.Fatal(err)
	}
	reported := 0
	err = tour.Check(ctx, config(node), some, func(tour.Result) { reported++; cancel(why) })
	if !errors.Is(err, why) || reported != 1 {
		t.Errorf("reported %d, %v", reported, err)
	}
}

// A scenario that cannot be played to its end fails with the reason.
func TestPlayFails(t *testing.T) {
	node := brokertest.Shared(t)
	brokertest.NoLeaks(t)
	r := play(t, t.Context(), node, scenario(t, 5), func(l tour.Lab) tour.Lab {
		return &wrapper{Lab: l, start: func(context.Context, ...string) (string, error) { return "", errors.New("no such program") }}
	})
	if r.OK() || r.Summary() != "start a server: no such program" || len(r.Facts) != 0 {
		t.Error(r.Line())
	}
	r = play(t, t.Context(), node, scenario(t, 5), func(l tour.Lab) tour.Lab {
		return &wrapper{Lab: l, unknown: func(context.Context) (string, error) { panic("a bug") }}
	})
	if r.OK() || r.Err == nil || !strings.HasPrefix(r.Err.Error(), "panic: a bug") {
		t.Error(r.Line())
	}

	cfg := config(node)
	cfg.Broker.URLs = []string{"amqp://127.0.0.1:1/"}
	if err := tour.Check(t.Context(), cfg, tour.Scenarios(), func(r tour.Result) { t.Error(r.Line()) }); err == nil {
		t.Error("no broker is no error")
	}
}

func TestOnly(t *testing.T) {
	for _, c := range []struct {
		numbers []int
		want    string
	}{
		{nil, "1 2 3 4 5 6 7 8 9 10 11 12 13"}, {[]int{4, 7}, "4 7"}, {[]int{7, 4}, "7 4"}, {[]int{13}, "13"},
		{[]int{0}, ""}, {[]int{14}, ""}, {[]int{-1}, ""}, {[]int{4, 4}, ""},
	} {
		some, err := tour.Only(c.numbers...)
		var got []string
		for _, s := range some {
			got = append(got, fmt.Sprint(s.Number))
		}
		if strings.Join(got, " ") != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%v: %q, %v", c.numbers, got, err)
		}
	}
}

// A result without facts is a failure.
func TestResult(t *testing.T) {
	s := &tour.Scenario{Number: 4, Title: "a death"}
	good, bad := tour.Fact{Want: "1 duplicate", Got: "1 duplicate", OK: true}, tour.Fact{Want: "none lost", Got: "2 lost"}
	for _, c := range []struct {
		facts []tour.Fact
		err   error
		want  string
	}{
		{[]tour.Fact{good, good}, nil, " 4 ok     a death: 1 duplicate, 1 duplicate (1.5 s)"},
		{[]tour.Fact{good, bad}, nil, " 4 FAILED a death: expected none lost, got 2 lost (1.5 s)"},
		{[]tour.Fact{good}, errors.New("it broke"), " 4 FAILED a death: it broke (1.5 s)"},
		{[]tour.Fact{bad}, errors.New("it broke"), " 4 FAILED a death: expected none lost, got 2 lost; it broke (1.5 s)"},
		{nil, nil, " 4 FAILED a death:  (1.5 s)"},
	} {
		r := tour.Result{Scenario: s, Facts: c.facts, Err: c.err, Elapsed: 1500 * time.Millisecond}
		if got := r.Line(); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}
