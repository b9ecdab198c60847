package chaos

import (
	"context"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// sound returns evidence that breaks no law: a call of each kind, and a few discarded replies.
func sound() *evidence {
	b, l, x := newClientRecord(0, 2), ledger.New(ledger.Config{}), newExecutions()
	told := ledger.NewTee(b, l)
	event := func(kind amqprpc.EventKind, id string, class amqprpc.Class, outcome amqprpc.Outcome) {
		told.Observe(amqprpc.Event{Kind: kind, ID: id, Class: class, Outcome: outcome})
	}
	begin := func(id string) { event(amqprpc.EventSent, id, 0, 0) }
	reply := func(id string, class amqprpc.Class, outcome amqprpc.Outcome) {
		event(amqprpc.EventReply, id, class, outcome)
	}
	publish := func(id string) { event(amqprpc.EventPublished, id, 0, 0) }
	fail := func(id string, n int, wants expectation, outcome amqprpc.Outcome, notExecuted bool) {
		event(amqprpc.EventFailed, id, 0, outcome)
		b.result(id, question{n: n, wants: wants}, amqprpc.Reply{}, &amqprpc.CallError{ID: id, Outcome: outcome, NotExecuted: notExecuted})
	}
	begin("a")
	publish("a")
	x.line(" [.] fib(30)")
	x.byID["a"] = "fib(30)"
	reply("a", amqprpc.Answer, amqprpc.Completed)
	b.result("a", question{n: 30, wants: aNumber}, amqprpc.Reply{Message: amqprpc.Message{Body: []byte("832040")}}, nil)
	reply("a", amqprpc.Duplicate, amqprpc.Completed)
	reply("x", amqprpc.Unknown, 0)

	begin("b")
	publish("b")
	x.line(` [.] fib("no number 31")`)
	reply("b", amqprpc.Answer, amqprpc.Remote)
	b.result("b", question{n: 31, wants: aRefusal}, amqprpc.Reply{}, &amqprpc.CallError{ID: "b", Outcome: amqprpc.Remote, Err: amqprpc.Errorf(amqprpc.CodeInvalidArgument, "no")})

	begin("c")
	publish("c")
	x.line(" [.] fib(32)")
	fail("c", 32, aNumber, amqprpc.Timeout, false)
	reply("c", amqprpc.Late, amqprpc.Timeout)
	reply("a", amqprpc.Unknown, 0) // forgotten by now

	begin("d")
	publish("d")
	event(amqprpc.EventReturned, "d", 0, 0)
	publish("d")
	event(amqprpc.EventReturned, "d", 0, 0)
	fail("d", 33, noQueue, amqprpc.Unroutable, true)
	b.result("", question{n: 34, wants: aNumber}, amqprpc.Reply{}, notBegun())
	return &evidence{
		clientRecord: []*clientRecord{b}, executions: x, snapshots: []ledger.Snapshot{l.Snapshot(ledger.Query{})}, attempted: 5,
		queues: []string{"requests"}, requests: "requests", planned: 10, injected: 2, heapBefore: 100, heapAfter: 110, heapMore: 10,
	}
}

func notBegun() error {
	return fmt.Errorf("%w: %w", amqprpc.ErrTooManyInFlight, amqprpc.ErrNotExecuted)
}

// Each law can fail: evidence that breaks it is a violation of that law.
func TestLawsCanFail(t *testing.T) {
	if found := check(sound()); len(found) > 0 {
		t.Fatalf("sound evidence: %v", found)
	}
	event := func(b *clientRecord, kind amqprpc.EventKind, id string, class amqprpc.Class, outcome amqprpc.Outcome) {
		b.Observe(amqprpc.Event{Kind: kind, ID: id, Class: class, Outcome: outcome})
	}
	answer := func(b *clientRecord, id string, n int, wants expectation, body string) {
		event(b, amqprpc.EventSent, id, 0, 0)
		event(b, amqprpc.EventReply, id, amqprpc.Answer, amqprpc.Completed)
		b.result(id, question{n: n, wants: wants}, amqprpc.Reply{Message: amqprpc.Message{Body: []byte(body)}}, nil)
	}
	for name, c := range map[string]struct {
		spoil func(*evidence, *clientRecord)
		want  string
	}{
		"no outcome":     {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventSent, "e", 0, 0) }, "call e: it has 0 outcomes"},
		"two outcomes":   {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventFailed, "c", 0, amqprpc.Timeout) }, "call c: it has 2 outcomes"},
		"never begun":    {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventFailed, "e", 0, amqprpc.Timeout) }, "call e: it began 0 times"},
		"begun twice":    {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventSent, "a", 0, 0) }, "call a: it began 2 times"},
		"no result":      {func(_ *evidence, b *clientRecord) { b.calls["a"].results = 0 }, "call a: its caller got 0 results"},
		"another result": {func(_ *evidence, b *clientRecord) { b.calls["a"].told = amqprpc.Timeout }, "told timeout, the events say completed"},
		"expired": {func(_ *evidence, b *clientRecord) {
			b.calls["c"].told, b.calls["c"].outcome = amqprpc.Expired, amqprpc.Expired
		}, "ended as expired"},
		"completed by nothing": {func(_ *evidence, b *clientRecord) { b.calls["a"].classes[amqprpc.Answer] = 0 }, "it is completed, with 0 answers"},
		"answered twice": {func(_ *evidence, b *clientRecord) {
			event(b, amqprpc.EventReply, "a", amqprpc.Answer, amqprpc.Completed)
		}, "was classed answer, and is duplicate"},
		"a result got lost":      {func(e *evidence, _ *clientRecord) { e.attempted++ }, "6 calls were made, and 5 results"},
		"a wrong answer":         {func(_ *evidence, b *clientRecord) { answer(b, "e", 30, aNumber, "832041") }, `fib(30) was answered "832041"`},
		"another call's answer":  {func(_ *evidence, b *clientRecord) { answer(b, "e", 31, aNumber, "832040") }, `fib(31) was answered "832040"`},
		"an answer to nonsense":  {func(_ *evidence, b *clientRecord) { answer(b, "e", 31, aRefusal, "1") }, "where there can be none"},
		"an answer from nowhere": {func(_ *evidence, b *clientRecord) { answer(b, "e", 31, noQueue, "1") }, "where there can be none"},
		"a refusal of a number": {func(_ *evidence, b *clientRecord) {
			b.calls["a"].wrong = checkFailure(aNumber, amqprpc.Errorf(amqprpc.CodeInvalidArgument, "no"))
		}, "an error reply where none or another is right"},
		"an error from nowhere": {func(_ *evidence, b *clientRecord) {
			b.calls["d"].wrong = checkFailure(noQueue, amqprpc.Errorf(amqprpc.CodeInternal, "no"))
		}, "an error reply where none or another is right"},
		"executed, and says it was not": {func(e *evidence, _ *clientRecord) { e.clientRecord[0].calls["c"].notExecuted = true }, "call c: it is ErrNotExecuted (timeout), and a server had it"},
		"executed, without a queue":     {func(e *evidence, _ *clientRecord) { e.executions.saw("fib(33)") }, "it went to no queue, and a server had it"},
		"unroutable, and perhaps had":   {func(_ *evidence, b *clientRecord) { b.calls["d"].notExecuted = false }, "no server can have had it, and it is not ErrNotExecuted"},
		"sent, and says it was not executed": {func(e *evidence, b *clientRecord) {
			delete(e.executions.seen, "fib(32)")
			b.calls["c"].notExecuted = true
		}, "1 publishes are not accounted for"},
		"sent again": {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventPublished, "a", 0, 0) }, "call a: it was sent again while"},
		"waits for what cannot come": {func(_ *evidence, b *clientRecord) {
			event(b, amqprpc.EventSent, "e", 0, 0)
			event(b, amqprpc.EventPublished, "e", 0, 0)
			b.Observe(amqprpc.Event{Kind: amqprpc.EventConnected, Epoch: 1})
		}, "e: it waits in epoch 1 for a reply on the callback queue of epoch 0"},
		"hardly a fault":                  {func(e *evidence, _ *clientRecord) { e.injected-- }, "of 10 faults only 1 were injected"},
		"another request under its ID":    {func(e *evidence, _ *clientRecord) { e.executions.byID["a"] = "fib(3)" }, "a server had fib(3) under its ID"},
		"late and said to be a duplicate": {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventReply, "c", amqprpc.Duplicate, 0) }, "was classed duplicate, and is late"},
		"forgotten too soon":              {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventReply, "c", amqprpc.Unknown, 0) }, "was classed unknown, and is late"},
		"nobody's, and late":              {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventReply, "y", amqprpc.Late, 0) }, "was classed late, and is unknown"},
		"no class":                        {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventReply, "y", amqprpc.NoClass, 0) }, "a reply of the class"},
		"not begun, and executed perhaps": {func(e *evidence, b *clientRecord) {
			e.attempted++
			b.result("", question{n: 9, wants: aNumber}, amqprpc.Reply{}, context.Canceled)
		}, "a call that never began"},
		"a reply not in the ledger":   {func(_ *evidence, b *clientRecord) { event(b, amqprpc.EventReply, "y", amqprpc.Unknown, 0) }, "the ledger has 2 unknown replies, and there were 3"},
		"the ledger breaks a law":     {func(e *evidence, _ *clientRecord) { e.snapshots[0].Calls.InFlight++ }, "ledger: the numbers contradict each other: {Sent:4 "},
		"a failure not in the ledger": {func(e *evidence, _ *clientRecord) { e.snapshots[0].Failures.Timeout-- }, "the ledger has 0 calls timeout, and there were 1"},
		"an event that cannot be":     {func(e *evidence, _ *clientRecord) { e.snapshots[0].Traffic.Ignored++ }, "the ledger has 1 events ignored"},
		"a queue left":                {func(e *evidence, _ *clientRecord) { e.queues = append(e.queues, "amq.gen-x") }, `the queue "amq.gen-x" is left`},
		"a process left":              {func(e *evidence, _ *clientRecord) { e.processes = []string{"fib-1"} }, "the process fib-1 outlives"},
		"memory left":                 {func(e *evidence, _ *clientRecord) { e.heapAfter++ }, "the heap has grown"},
	} {
		t.Run(name, func(t *testing.T) {
			e := sound()
			c.spoil(e, e.clientRecord[0])
			var all []string
			for _, v := range check(e) {
				all = append(all, v.Error())
			}
			if text := strings.Join(all, "\n"); !strings.Contains(text, c.want) {
				t.Errorf("want %q among:\n%s", c.want, text)
			}
		})
	}
}

// The oracle agrees with the definition.
func TestOracleMatchesDefinition(t *testing.T) {
	a, b := big.NewInt(0), big.NewInt(1)
	for n := range 2000 {
		if got, want := fib(n), a.String(); got != want {
			t.Fatalf("fib(%d) = %s, want %s", n, got, want)
		}
		a, b = b, a.Add(a, b)
	}
}
