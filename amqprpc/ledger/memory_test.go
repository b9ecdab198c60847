package ledger

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
)

// A call in flight is never forgotten, nor a call with a discarded reply before the reply is.
func TestWhatIsForgotten(t *testing.T) {
	l := New(Config{Completed: 10, Failed: 5, Duplicates: 3, Orphans: 3})
	observe(l, sent("old", 0), published("old", 0, "45"))
	observe(l, sent("failed", 0), failed("failed", msec, amqprpc.Unroutable))
	call(l, "doubled", 0)
	observe(l, sent("slow", 0), failed("slow", msec, amqprpc.Timeout))
	observe(l, discarded(amqprpc.Duplicate, "doubled", msec, "fib-2"), discarded(amqprpc.Late, "slow", msec, "fib-2"),
		discarded(amqprpc.Unknown, "foreign", msec, "fib-2"))
	for i := range 1000 {
		call(l, callID(i), time.Duration(i)*msec)
	}
	for i := range 10 {
		observe(l, sent(callID(i), time.Second), failed(callID(i), time.Second, amqprpc.Timeout))
	}
	for id, want := range map[string]int{"old": 2, "doubled": 5, "slow": 3, "foreign": 1} {
		if s, ok := l.Inspect(id); !ok || len(s.Events) != want {
			t.Errorf("%s: %d events, want %d", id, len(s.Events), want)
		}
	}
	for _, id := range []string{"failed", callID(500)} {
		if _, ok := l.Inspect(id); ok {
			t.Errorf("%s is still there", id)
		}
	}
	s := l.Snapshot(everything())
	if s.InFlight[0].ID != "old" || s.InFlight[0].Request != "45" || len(s.Completed) != 10 || len(s.Failed) != 5 {
		t.Errorf("%+v", s)
	}
	if s.Completed[0].ID != callID(999) || s.Completed[0].Answer != "832040" || s.Completed[0].Age != 9*msec {
		t.Errorf("newest completed call: %+v", s.Completed[0])
	}
	// Three other duplicates push the first one out, and its call with it.
	for i := range 3 {
		observe(l, discarded(amqprpc.Duplicate, callID(990+i), time.Second, "fib-2"))
	}
	if _, ok := l.Inspect("doubled"); ok {
		t.Error("a call outlives its last duplicate")
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
}

func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// maxBytes returns the memory that a ledger with this Config holds at most, in bytes, with the given
// number of calls in flight and the most hostile traffic. With calls of less than a kilobyte it holds
// about a twentieth of that.
func (c Config) maxBytes(inFlight int) int {
	c = c.withDefaults()
	const (
		fixed     = 1 << 20 // two histograms of 180 KB, scratch space
		perRecord = 512     // the record, its ID, its slot in the map
		perServer = 1024
		perEvent  = 4096 // an event of the connection
		perSecond = 64
	)
	// The allocator rounds sizes up by at most an eighth. The last event of a story may be longer
	// than the room left, see addToStory.
	story := perRecord + (c.StoryBytes+storyReserve)*9/8
	stray := perRecord + 2*maxShort + c.maxEvent()*9/8
	records := c.Completed + c.Failed + c.Duplicates + c.Orphans + inFlight
	return fixed + records*story + freeRecords*(perRecord+freeBytes) + (c.Duplicates+c.Orphans)*stray +
		c.Servers*perServer + c.Connection*perEvent + c.Seconds*perSecond
}

// The bound holds against the largest messages that AMQP can carry.
func TestMemoryIsBounded(t *testing.T) {
	cfg := Config{Completed: 40, Failed: 20, Duplicates: 20, Orphans: 20}
	const inFlight = 20
	bound := cfg.maxBytes(inFlight)
	before := heap()
	l := New(cfg)
	long := strings.Repeat("L", 300)
	table := amqp.Table{}
	for i := range 200 {
		table[fmt.Sprint(i, long)[:200]] = amqp.Table{long: strings.Repeat("v", 600)}
	}
	huge := func(id string) *amqprpc.Message {
		return &amqprpc.Message{
			Exchange: long, RoutingKey: long, ContentType: long, ContentEncoding: long, CorrelationID: id, ReplyTo: long,
			Expiration: long, MessageID: long, Type: long, UserID: long, AppID: id + long, Headers: table, Body: make([]byte, 1<<16),
		}
	}
	ids := make([]string, 400)
	for i := range ids {
		id := callID(i)
		ids[i] = id
		text := strings.Repeat("t", 5000)
		events := []amqprpc.Event{sent(id, 0)}
		for a := range 10 {
			p := published(id, 0, "")
			p.Attempt, p.Message = a, huge(id)
			events = append(events, p, amqprpc.Event{Kind: amqprpc.EventRetry, Time: at(0), ID: id, Text: text})
		}
		if i >= inFlight {
			e := answer(id, msec, "", "")
			if e.Message = huge(id); i%3 == 0 {
				e.Outcome = amqprpc.Remote
			}
			d := discarded(amqprpc.Duplicate, id, msec, "")
			d.Message, d.AnsweredBy, d.Text = huge(id), long, text
			u := discarded(amqprpc.Unknown, long+id, msec, "")
			u.Message, u.Text = huge(id), text
			events = append(events, e, d, u, amqprpc.Event{Kind: amqprpc.EventDisconnected, Text: text})
		}
		observe(l, events...)
	}
	if err := l.check(); err != nil {
		t.Error(err)
	}
	used := heap() - before
	t.Logf("used %d KB of %d KB", used>>10, bound>>10)
	if used > bound {
		t.Errorf("%d bytes used, %d allowed", used, bound)
	}
	// The end of a call is in its story whatever came before.
	for _, c := range l.Snapshot(everything()).Completed {
		s, _ := l.Inspect(c.ID)
		if k := kindsOf(s); !slices.Contains(k, "reply answer") || s.Dropped == 0 {
			t.Fatalf("%q, %d dropped", k, s.Dropped)
		}
	}
	runtime.KeepAlive(ids)
}

func TestMemoryDoesNotGrowWithTheRun(t *testing.T) {
	l := New(Config{Completed: 512})
	events := typical(1000)
	span := events[len(events)-1].Time.Sub(epoch)
	run := func(calls int) int {
		for range calls / 1000 {
			observe(l, events...)
			shift(events, span)
		}
		return heap()
	}
	first := run(20_000)
	if last := run(200_000); last > first+(256<<10) {
		t.Errorf("%d bytes after 20,000 calls, %d after 220,000", first, last)
	}
	runtime.KeepAlive(events)
}
