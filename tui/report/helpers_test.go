package report

import (
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/mattn/go-runewidth"
	"github.com/muesli/termenv"
	"go.uber.org/goleak"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/tui/text"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) {
	runewidth.DefaultCondition.EastAsianWidth = false // whatever the locale of who tests
	goleak.VerifyTestMain(m)
}

// styled returns styles without colour, or with 256 colours.
func styled(colour bool) *text.Styles {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	if colour {
		r.SetColorProfile(termenv.ANSI256)
	}
	return text.StylesOf(r)
}

var epoch = time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)

func at(d time.Duration) time.Time { return epoch.Add(d) }

// A story makes up calls and their replies, and tells a ledger of them.
type story struct {
	ledger *ledger.Ledger
	rng    *rand.Rand
	now    time.Duration
	calls  int
}

func newStory() *story {
	s := &story{ledger: ledger.New(ledger.Config{}), rng: rand.New(rand.NewPCG(1, 2))}
	s.connect("RabbitMQ", "4.2.1", "localhost:5672")
	return s
}

func (s *story) tell(e amqprpc.Event) {
	if e.Time.IsZero() {
		e.Time = at(s.now)
	}
	s.ledger.Observe(e)
}

func (s *story) connect(product, version, address string) {
	s.tell(amqprpc.Event{Kind: amqprpc.EventConnected, Epoch: 1, Connection: &amqprpc.ConnectionInfo{
		Product: product, Version: version, Address: address, Queue: "amq.gen-JzTY20BRgKO",
	}})
}

func (s *story) send(waited time.Duration) (id string) {
	s.calls++
	id = fmt.Sprintf("%08x-0000-4000-8000-000000000000", s.calls)
	s.tell(amqprpc.Event{Kind: amqprpc.EventSent, ID: id, Intended: at(s.now - waited), Deadline: at(s.now + 5*time.Second)})
	s.tell(amqprpc.Event{Kind: amqprpc.EventPublished, ID: id, Attempt: 1, Epoch: 1, Message: &amqprpc.Message{
		RoutingKey: "rpc_queue", CorrelationID: id, Body: []byte("30"),
	}})
	return id
}

func (s *story) reply(class amqprpc.Class, outcome amqprpc.Outcome, id, server string, after time.Duration) {
	s.tell(amqprpc.Event{
		Kind: amqprpc.EventReply, Time: at(s.now + after), ID: id, Class: class, Outcome: outcome,
		Message: &amqprpc.Message{CorrelationID: id, AppID: server, Body: []byte("832040")},
	})
}

func (s *story) fail(id string, o amqprpc.Outcome, after time.Duration) {
	s.tell(amqprpc.Event{Kind: amqprpc.EventFailed, Time: at(s.now + after), ID: id, Attempt: 1, Outcome: o})
}

func (s *story) wrong(id, text string) {
	s.tell(amqprpc.Event{Kind: ledger.EventWrong, ID: id, Text: text})
}

// complete makes n calls, one every 3 ms, that take 12 ms and something with a long tail. The servers answer in turn.
func (s *story) complete(n int, waited time.Duration, servers ...string) {
	for i := range n {
		id := s.send(waited)
		took := time.Duration(12e6 + 18e6*math.Exp(0.6*s.rng.NormFloat64()))
		s.reply(amqprpc.Answer, amqprpc.Completed, id, servers[i%len(servers)], took)
		s.now += 3 * time.Millisecond
	}
}

func (s *story) snapshot() ledger.Snapshot { return s.ledger.Snapshot(SummaryQuery()) }

var closedLoop = RunConfig{Queue: "rpc_queue", Concurrency: 64, Fib: "30", TimeoutMS: 5000, Seed: 42}

// golden compares got with testdata/name.golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s\n(go test ./tui/report -update writes it anew)", path, got, want)
	}
}

// fits fails the test if a line of s is wider than width.
func fits(t interface {
	Helper()
	Errorf(string, ...any)
}, s string, width int) {
	t.Helper()
	for l := range strings.Lines(s) {
		if bare := ansi.Strip(strings.TrimSuffix(l, "\n")); text.Width(bare) > width {
			t.Errorf("%d cells wide, not %d: %q", text.Width(bare), width, l)
		}
	}
}

// harmless fails the test unless s is escaped, and at most width cells wide.
func harmless(t interface {
	Helper()
	Fatalf(string, ...any)
}, s string, width int) {
	t.Helper()
	if text.Escape(s, width) != s {
		t.Fatalf("%q is not escaped, or wider than %d cells", s, width)
	}
}

const standIn = "In-process broker (localhost:5672: connection refused). Run rpcscope demo --url amqp://user:password@host/ to use a RabbitMQ of yours."
