package report

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"pgregory.net/rapid"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/broker"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

const hostile = "\x1b]0;owned\x07\x1b[2J\u202efib\u200b\n\xff\u009b31m" + "e\u0301\u0301\u0301\u0301\u0301"

// situations are the summaries of the golden files.
var situations = sync.OnceValue(func() map[string]Summary {
	all := make(map[string]Summary)
	tell := func(name string, sum Summary, f func(*story)) {
		s := newStory()
		f(s)
		sum.Snapshot = s.snapshot()
		sum.Judged = sum.Config.Fib != "" // else it is of a screen
		all[name] = sum
	}

	tell("good", Summary{Config: closedLoop}, func(s *story) {
		s.complete(20_000, 0, "fib-1", "fib-2")
	})
	tell("discarded", Summary{Config: closedLoop, Failures: []Sentence{
		{"deadline exceeded", 12}, {"OUT_OF_RANGE: n is above 45", 5},
	}}, func(s *story) {
		for i := range 17 {
			s.complete(1000, 0, "fib-1", "fib-2", "fib-3")
			s.reply(amqprpc.Duplicate, amqprpc.Completed, "00000001-0000-4000-8000-000000000000", "fib-2", 0)
			switch id := s.send(0); {
			case i < 12:
				s.fail(id, amqprpc.Timeout, 5*time.Second)
				if i < 3 {
					s.reply(amqprpc.Late, amqprpc.Timeout, id, "fib-3", 6*time.Second)
				}
			default:
				s.reply(amqprpc.Answer, amqprpc.Remote, id, "fib-1", 40*time.Millisecond)
			}
		}
		s.complete(2983, 0, "fib-1", "fib-2", "fib-3")
		for range 5 {
			s.reply(amqprpc.Unknown, amqprpc.InFlight, "who", "", 0)
		}
	})
	open := RunConfig{Queue: "rpc_queue", Concurrency: 256, Rate: 500, Fib: "20-35", TimeoutMS: 5000, Seed: 7}
	tell("open", Summary{Config: open, Missed: 312}, func(s *story) {
		s.complete(1500, 0, "fib-1")
		s.complete(800, 2*time.Second, "fib-1")
	})
	tell("behind", Summary{Config: open, Behind: 7200 * time.Millisecond}, func(s *story) { s.complete(1500, 0, "fib-1") })
	tell("slow", Summary{Config: open}, func(s *story) { s.complete(1500, 4*time.Second, "fib-1") })
	tell("unroutable", Summary{Config: closedLoop, Failures: []Sentence{
		{"no queue took the request: 312 NO_ROUTE", 640},
	}}, func(s *story) {
		for range 640 {
			s.fail(s.send(0), amqprpc.Unroutable, time.Millisecond)
			s.now += time.Millisecond
		}
	})
	tell("timeout", Summary{Config: closedLoop, Interrupted: true}, func(s *story) {
		for range 60 {
			s.fail(s.send(0), amqprpc.Timeout, 5*time.Second)
		}
		for range 4 {
			s.fail(s.send(0), amqprpc.Canceled, 5100*time.Millisecond)
		}
	})
	tell("nothing", Summary{Config: closedLoop, Address: "localhost:5672"}, func(*story) {})
	tell("stand-in", Summary{Notice: standIn}, func(s *story) {
		s.connect(broker.Product, broker.Version, "127.0.0.1:40123")
		s.complete(1, 0, "fib-1")
	})
	tell("one", Summary{Config: closedLoop}, func(s *story) { s.complete(1, 0, "fib-1") })
	tell("wrong", Summary{Config: closedLoop}, func(s *story) {
		s.complete(25, 0, "fib-1")
		for i, text := range []string{"call 17: fib(30) is 832040, not 832041", "call 18: " + hostile, "3", "4", "5", "6", "7", "8", "9"} {
			s.wrong(fmt.Sprintf("%08x-0000-4000-8000-000000000000", 1+i), text)
		}
		s.send(0)
	})
	tell("warm-up", Summary{Config: closedLoop, Interrupted: true, InWarmUp: true}, func(*story) {})
	tell("hostile", Summary{
		Config:  RunConfig{Queue: hostile, Concurrency: 1, Fib: hostile, TimeoutMS: 1},
		Address: hostile, Failures: []Sentence{{hostile, 3}},
	}, func(s *story) {
		s.connect(hostile, hostile, hostile)
		s.complete(40, 0, hostile, "", strings.Repeat("長", 60), "한국어 서버")
	})
	tell("crowd", Summary{Config: closedLoop}, func(s *story) {
		var names []string
		for i := range 70 {
			names = append(names, fmt.Sprintf("fib-%d", i))
		}
		s.complete(1234, 0, names...)
	})
	return all
})

func TestSummaryGolden(t *testing.T) {
	for name, sum := range situations() {
		t.Run(name, func(t *testing.T) {
			for _, width := range []int{80, 100} {
				text := sum.Render(styled(false), width)
				golden(t, fmt.Sprintf("%s-%d", name, width), text)
				fits(t, text, width)

				colour := sum.Render(styled(true), width)
				golden(t, fmt.Sprintf("%s-%d-colour", name, width), colour)
				if ansi.Strip(colour) != text {
					t.Errorf("colour changes more than colour:\n%s", ansi.Strip(colour))
				}
			}
		})
	}
}

func TestSummaryFitsEveryWidth(t *testing.T) {
	for name, sum := range situations() {
		t.Run(name, func(t *testing.T) {
			for width := -1; width < 140; width++ {
				want := width
				if want <= 0 {
					want = 80
				}
				text := sum.Render(styled(false), width)
				fits(t, text, min(max(want, 40), 100))
				sound(t, text)
			}
		})
	}
}

// sound fails the test if text has bad numbers or trailing spaces.
func sound(t interface {
	Helper()
	Errorf(string, ...any)
}, text string) {
	t.Helper()
	for _, bad := range []string{"NaN", "Inf", "%!", "-0 "} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in\n%s", bad, text)
		}
	}
	for l := range strings.Lines(text) {
		if trimmed := strings.TrimRight(l, " \n"); trimmed+"\n" != l {
			t.Errorf("spaces at the end of %q", l)
		}
	}
}

// A summary of any numbers, possible or not, is drawn and fits.
func TestSummaryOfAnything(t *testing.T) {
	styles := styled(false)
	rapid.Check(t, func(t *rapid.T) {
		latency := rapid.Custom(func(t *rapid.T) ledger.Latency {
			ms := func(name string) float64 { return rapid.Float64Range(0, 1e9).Draw(t, name) }
			return ledger.Latency{
				Count: rapid.Uint64Range(0, 1e15).Draw(t, "count"), Min: ms("min"), Mean: ms("mean"), Max: ms("max"),
				P50: ms("p50"), P90: ms("p90"), P99: ms("p99"), P999: ms("p999"),
			}
		})
		bars := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) ledger.Bar {
			return ledger.Bar{
				From: rapid.Float64Range(0, 1e8).Draw(t, "from"), To: rapid.Float64Range(0, 1e8).Draw(t, "to"),
				Count: rapid.Uint64Range(0, 1e14).Draw(t, "n"),
			}
		}), 0, 14)
		server := rapid.Custom(func(t *rapid.T) ledger.Server {
			return ledger.Server{
				Name: rapid.String().Draw(t, "name"), Others: rapid.Bool().Draw(t, "others"),
				Replies: rapid.Uint64().Draw(t, "replies"), Share: rapid.Float64Range(0, 1).Draw(t, "share"),
			}
		})
		n := rapid.Uint64()
		sum := Summary{
			Snapshot: ledger.Snapshot{
				Elapsed:    time.Duration(rapid.Int64Min(0).Draw(t, "elapsed")),
				Calls:      ledger.Calls{Sent: n.Draw(t, "sent"), Completed: n.Draw(t, "completed"), Failed: n.Draw(t, "failed"), InFlight: n.Draw(t, "in flight"), Wrong: n.Draw(t, "wrong")},
				Failures:   ledger.Failures{Timeout: n.Draw(t, "timeout"), ConnectionLost: n.Draw(t, "lost"), Expired: n.Draw(t, "expired")},
				Replies:    ledger.Replies{Received: n.Draw(t, "received"), Duplicates: n.Draw(t, "dup"), Unknown: n.Draw(t, "unknown")},
				Throughput: rapid.Float64Range(0, 1e12).Draw(t, "throughput"),
				Response:   latency.Draw(t, "response"), Service: latency.Draw(t, "service"),
				ResponseBars: bars.Draw(t, "bars"),
				Servers:      rapid.SliceOfN(server, 0, 20).Draw(t, "servers"),
				Connection: ledger.Connection{
					Epochs: rapid.IntRange(0, 1e6).Draw(t, "epochs"), Reason: rapid.String().Draw(t, "reason"),
					Info: amqprpc.ConnectionInfo{Product: rapid.String().Draw(t, "product")},
				},
			},
			Config: RunConfig{
				Queue: rapid.String().Draw(t, "queue"), Fib: rapid.String().Draw(t, "fib"),
				Concurrency: rapid.IntRange(0, 1e9).Draw(t, "c"), Rate: rapid.Float64Range(0, 1e6).Draw(t, "rate"),
				TimeoutMS: rapid.Int64Range(0, 1e12).Draw(t, "timeout"), Seed: n.Draw(t, "seed"),
			},
			Interrupted: rapid.Bool().Draw(t, "interrupted"),
			Missed:      rapid.Int64Range(0, 1e9).Draw(t, "missed"),
			Judged:      rapid.Bool().Draw(t, "judged"),
			MaxFailed:   n.Draw(t, "max failed"),
			Fault:       rapid.SampledFrom([]string{"", "the recording is not whole"}).Draw(t, "fault"),
			Failures:    []Sentence{{rapid.String().Draw(t, "said"), rapid.Int64Range(0, 1e9).Draw(t, "times")}},
		}
		width := rapid.IntRange(1, 120).Draw(t, "width")
		text := sum.Render(styles, width)
		fits(t, text, min(max(width, 40), 100))
		if strings.HasPrefix(text, "✗") != sum.FellShort() {
			t.Errorf("it fell short: %v, and the summary begins with %.20q", sum.FellShort(), text)
		}
	})
}

// A histogram has every answer in it, and no two rows with the same label.
func TestHistogramHasAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least := rapid.Int64Range(0, 1e10).Draw(t, "least")
		spread := rapid.SampledFrom([]int64{1, 1e3, 1e5, 1e7, 1e10}).Draw(t, "spread")
		s := newStory()
		n := rapid.IntRange(1, 300).Draw(t, "n")
		for range n {
			s.reply(amqprpc.Answer, amqprpc.Completed, s.send(0), "fib-1", time.Duration(least+s.rng.Int64N(spread)))
		}
		snapshot := s.snapshot()
		names, sum, marks := make(map[string]bool), uint64(0), 0
		for _, b := range binned(snapshot.Response, snapshot.ResponseBars) {
			if name := text.Millis(b.from); names[name] {
				t.Fatalf("two rows from %s", name)
			} else {
				names[name] = true
			}
			sum += b.n
			marks += len(b.marks)
		}
		if sum != uint64(n) || marks != 4 {
			t.Fatalf("%d of %d answers, %d of 4 marks", sum, n, marks)
		}
	})
}

// deniedText is the text of a [amqprpc.PermissionError].
const deniedText = `user "ann" lacks the write permission on exchange "amq.default" in virtual host "/": ` +
	`rabbitmqctl set_permissions -p / ann CONFIGURE WRITE READ, with a WRITE that matches "amq.default"`

func TestHint(t *testing.T) {
	failed := func(n uint64, f ledger.Failures) ledger.Snapshot {
		return ledger.Snapshot{Calls: ledger.Calls{Sent: n, Failed: n}, Failures: f, Traffic: ledger.Traffic{Published: n}}
	}
	unsent := failed(3, ledger.Failures{Timeout: 3})
	unsent.Traffic.Published = 0
	late := failed(3, ledger.Failures{Timeout: 3})
	late.Replies.Late = 1
	lost := failed(3, ledger.Failures{ConnectionLost: 3})
	lost.Connection = ledger.Connection{Connected: true, Lost: "EOF\x1b"}
	denied := failed(3, ledger.Failures{ConnectionLost: 3})
	denied.Connection = ledger.Connection{Connected: true, Lost: deniedText, Denied: true}
	revoked := denied
	revoked.Calls.Completed = 1
	for _, c := range []struct {
		name, queue string
		s           ledger.Snapshot
		want        string
	}{
		{"nothing", "rpc_queue", ledger.Snapshot{}, ""},
		{"completed", "rpc_queue", ledger.Snapshot{Calls: ledger.Calls{Completed: 1, Failed: 9}, Failures: ledger.Failures{Timeout: 9}}, ""},
		{"too short", "", ledger.Snapshot{Calls: ledger.Calls{Sent: 2, InFlight: 2}}, "the run was over before a call had ended"},
		{"other queue", "fib.v2", failed(3, ledger.Failures{Unroutable: 2, Timeout: 1}), "no queue 'fib.v2': is a server running? Start one with: fibserver --queue fib.v2"},
		{"odd queue", "a b;c", failed(1, ledger.Failures{Unroutable: 1}), "no queue 'a b;c': is a server running? Start one with: fibserver --queue NAME"},
		{"no name", "", failed(1, ledger.Failures{Timeout: 1}), "is a server consuming from the request queue? Start one with: fibserver"},
		{"nothing sent", "q", unsent, "no call could be sent before its deadline"},
		{"late", "q", late, "1 reply came too late: give calls more time, send fewer at once, or start more servers"},
		{"remote", "q", failed(1, ledger.Failures{Remote: 1}), "servers answer with errors: are they meant for these requests?"},
		{"rejected", "q", failed(1, ledger.Failures{Rejected: 1}), "the broker refuses requests: is 'q' full, or without a leader?"},
		{"lost", "q", lost, `the connection was lost: EOF\x1b`},
		{"lost, who knows why", "q", failed(1, ledger.Failures{ConnectionLost: 1}), "the connection was lost: is the broker still there?"},
		{"denied", "q", denied, "the broker refuses calls: " + deniedText},
		{"denied after a while", "q", revoked, "the broker refuses calls: " + deniedText},
		{"canceled", "q", failed(1, ledger.Failures{Canceled: 1}), ""},
	} {
		sum := Summary{Snapshot: c.s, Config: RunConfig{Queue: c.queue}}
		if got := sum.hint(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The summary names the state of the connection once, and adds no hint to it.
func TestSummaryConnection(t *testing.T) {
	for want, c := range map[string]ledger.Connection{
		"connection not connected: refused":                      {Reason: "refused"},
		"connection lost and not yet restored: EOF":              {Reason: "EOF", Since: epoch},
		"connection the broker blocks publishers: low on memory": {Connected: true, Since: epoch, Blocked: true, BlockedReason: "low on memory"},
	} {
		for sent := range uint64(2) {
			sum := Summary{Snapshot: ledger.Snapshot{
				Calls: ledger.Calls{Sent: sent, Failed: sent}, Failures: ledger.Failures{Timeout: sent}, Connection: c,
			}}
			got := sum.Render(styled(false), 80)
			if !strings.Contains(got, want+"\n") || strings.Count(got, "connection ") != 1 || strings.Contains(got, "→") {
				t.Errorf("%q is not the only row on the connection:\n%s", want, got)
			}
		}
	}
}

func TestSummaryWriteHasNoColourWithoutTerminal(t *testing.T) {
	sum := situations()["discarded"]
	var b bytes.Buffer
	if err := sum.Write(&b, 80); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsRune(b.String(), '\x1b') {
		t.Errorf("escape sequences in\n%s", &b)
	}
	if b.String() != sum.Render(styled(false), 80) {
		t.Error("Write and Render disagree")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestSummaryWriteReturnsTheError(t *testing.T) {
	if err := new(Summary).Write(broken{}, 80); err == nil || err.Error() != "disk full" {
		t.Errorf("error %v", err)
	}
}

func TestSummarySays(t *testing.T) {
	all := situations()
	zero, replayed, slower := Summary{}, all["good"], all["slow"]
	replayed.Replayed, slower.Replayed = true, true
	for _, c := range []struct {
		name string
		sum  Summary
		yes  []string
		no   []string
	}{
		{"zero", zero, []string{"! no call was made", "0 received"}, []string{"latency", "servers", "failed"}},
		{"good", all["good"], []string{"✓ 20,000 calls completed", "64 in flight", "seed 42", "RabbitMQ 4.2.1"},
			[]string{"discarded", "failed", "counts from", "orphaned", "→"}},
		{"discarded", all["discarded"], []string{"the call had its answer already", "no call of that ID", "no reply before the deadline"}, nil},
		{"replayed", replayed, []string{"began as   closed loop, 64 in flight"}, []string{"\nrun"}},
		{"replayed, slower", slower, nil, []string{"instead of"}},
		{"open", all["open"], []string{"open model, 500/s", "counts from", "312 calls were due"}, nil},
		{"unroutable", all["unroutable"], []string{"no queue 'rpc_queue'", "is a server running?", "fibserver"}, []string{"latency", "servers"}},
		{"timeout", all["timeout"], []string{"! interrupted", "is a server consuming"}, []string{"latency"}},
		{"warm-up", all["warm-up"], []string{"! interrupted in the warm-up: nothing was measured"}, []string{"sent", "received", "completed"}},
		{"one", all["one"], []string{"✓ 1 call completed", "1 answer"}, []string{"spread"}},
		{"hostile", all["hostile"], []string{`\x1b]0;owned`, `\u202e`, "(no name)", "한국어 서버"}, []string{"\u202e", "\x1b"}},
		{"crowd", all["crowd"], []string{"others", "fib-6"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := c.sum.Render(styled(false), 80)
			for _, s := range c.yes {
				if !strings.Contains(text, s) {
					t.Errorf("%q is missing from\n%s", s, text)
				}
			}
			for _, s := range c.no {
				if strings.Contains(text, s) {
					t.Errorf("%q is in\n%s", s, text)
				}
			}
		})
	}
}

func FuzzSummary(f *testing.F) {
	for _, s := range []string{"fib-1", hostile, "サーバー", "", "\u202e", "a b c"} {
		f.Add(s, 80, uint64(20_000), 38.1)
	}
	styles := styled(false)
	f.Fuzz(func(t *testing.T, words string, width int, n uint64, ms float64) {
		l := ledger.Latency{Count: n, Min: ms, Mean: ms, Max: ms, P50: ms, P90: ms, P99: ms, P999: ms}
		sum := Summary{
			Snapshot: ledger.Snapshot{
				Calls: ledger.Calls{Sent: n, Failed: n, Wrong: n}, Failures: ledger.Failures{Timeout: n},
				Wrongs:  []ledger.WrongAnswer{{ID: words, Text: words}},
				Replies: ledger.Replies{Received: n, Late: n}, Response: l, Service: l,
				ResponseBars: []ledger.Bar{{From: 0, To: ms, Count: n / 2}, {From: ms, To: 2 * ms, Count: n / 4}},
				Servers:      []ledger.Server{{Name: words, Replies: n, Share: 1}},
				Connection:   ledger.Connection{Info: amqprpc.ConnectionInfo{Product: words, Version: words, Address: words}},
			},
			Config: RunConfig{Queue: words, Fib: words, Rate: ms}, Failures: []Sentence{{words, 1}},
		}
		out := sum.Render(styles, width)
		if width <= 0 {
			width = 80
		}
		width = min(max(width, 40), 100)
		for l := range strings.Lines(out) {
			harmless(t, strings.TrimSuffix(l, "\n"), width)
		}
	})
}

// The hints about another service do not mention fibserver.
func TestHintOnAnotherService(t *testing.T) {
	body := `{"id": {k}}`
	for _, o := range []amqprpc.Outcome{amqprpc.Unroutable, amqprpc.Timeout} {
		s := newStory()
		s.fail(s.send(0), o, time.Second)
		sum := Summary{Snapshot: s.snapshot(), Config: RunConfig{Queue: "orders", Body: &body}}
		if text := sum.Render(styled(false), 80); !strings.Contains(text, "your server") || strings.Contains(text, "fibserver") || !strings.Contains(text, "body "+body) {
			t.Errorf("%v:\n%s", o, text)
		}
	}
}
