package chaos

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"sync"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
)

// A kind of call decides what may come of it.
type expectation uint8

const (
	aNumber  expectation = iota // fib(n), or a failure
	aRefusal                    // the body is no number: never an answer
	noQueue                     // to a queue that does not exist: no server may ever have it
	nothing                     // of no interest here: nobody serves it
)

// A known call is all that was seen of one correlation ID, from every side. It is small:
// a long run has many.
type known struct {
	n      int // its own: no other call asks for it
	wants  expectation
	client int

	begun, ended int             // events
	outcome      amqprpc.Outcome // by the event
	number       int             // it was the how-manieth of its client's to end, from 1
	open         int             // publishes that were not returned, so far or when it ended
	resent       bool            // it was published again while open
	classes      [5]uint16       // of its replies

	results     int             // times that the caller got one
	told        amqprpc.Outcome // by the caller
	notExecuted bool
	idempotent  bool
	wrong       string // what was wrong about the answer, if anything
}

// A books is one client's evidence: it observes, and is told by callers.
type books struct {
	client int
	most   int // ended calls that the client remembers

	mu       sync.Mutex
	calls    map[string]*known
	ends     int
	kinds    [int(amqprpc.EventUnblocked) + 1]int
	classes  [5]int
	outcomes [int(amqprpc.Closed) + 1]int
	refused  int            // calls that never began, and said so
	broken   []string       // what an event broke by itself
	awaiting map[string]int // calls that wait for a reply, and the epoch of their last publish
	recent   []string       // the IDs of the calls that have ended last
}

const mostRecent = 512

func newBooks(client, most int) *books {
	return &books{client: client, most: most, calls: map[string]*known{}, awaiting: map[string]int{}}
}

func (b *books) of(id string) *known {
	k := b.calls[id]
	if k == nil {
		k = &known{n: -1, client: b.client}
		b.calls[id] = k
	}
	return k
}

func (b *books) break_(format string, args ...any) {
	if len(b.broken) < 20 {
		b.broken = append(b.broken, fmt.Sprintf(format, args...))
	}
}

// Observe holds each event against what was before it.
func (b *books) Observe(e amqprpc.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kinds[e.Kind]++
	switch e.Kind {
	case amqprpc.EventSent:
		b.of(e.ID).begun++
	case amqprpc.EventPublished:
		k := b.of(e.ID)
		k.resent = k.resent || k.open > 0
		k.open++
		b.awaiting[e.ID] = e.Epoch
	case amqprpc.EventRetry:
		delete(b.awaiting, e.ID)
	case amqprpc.EventConnected:
		for id, epoch := range b.awaiting {
			if epoch < e.Epoch {
				b.break_("%s: it waits in epoch %d for a reply on the callback queue of epoch %d", id, e.Epoch, epoch)
			}
		}
	case amqprpc.EventReturned:
		if k := b.of(e.ID); k.ended == 0 {
			k.open--
		}
	case amqprpc.EventFailed:
		b.end(e)
	case amqprpc.EventReply:
		if e.Class == amqprpc.NoClass || e.Class > amqprpc.Unknown {
			b.break_("%s: a reply of the class %v", e.ID, e.Class)
			return
		}
		b.classes[e.Class]++
		k := b.calls[e.ID]
		if want := b.classOf(k, e.Class); e.Class != want {
			b.break_("%s: a reply was classed %v, and is %v", e.ID, e.Class, want)
		}
		if k != nil {
			k.classes[e.Class]++
		}
		if e.Class == amqprpc.Answer && k != nil {
			b.end(e)
		}
	}
}

func (b *books) end(e amqprpc.Event) {
	delete(b.awaiting, e.ID)
	k := b.of(e.ID)
	b.ends++
	k.ended++
	k.outcome, k.number = e.Outcome, b.ends
	b.outcomes[e.Outcome]++
	if len(b.recent) < mostRecent {
		b.recent = append(b.recent, e.ID)
	} else {
		b.recent[b.ends%mostRecent] = e.ID
	}
}

// endedIDs returns the IDs of calls that have ended.
func (b *books) endedIDs() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.recent)
}

// classOf is the class that a reply must have. One that has been forgotten may be unknown;
// how soon that is depends on the client's memory, which is exact: its last most ended calls.
func (b *books) classOf(k *known, got amqprpc.Class) amqprpc.Class {
	switch {
	case k == nil || k.begun == 0:
		return amqprpc.Unknown
	case k.ended == 0:
		return amqprpc.Answer
	case b.ends-k.number >= b.most && got == amqprpc.Unknown:
		return amqprpc.Unknown
	case k.outcome == amqprpc.Completed || k.outcome == amqprpc.Remote:
		return amqprpc.Duplicate
	}
	return amqprpc.Late
}

// A question is what a caller asks.
type question struct {
	n          int
	wants      expectation
	idempotent bool
}

// result notes what the caller was told.
func (b *books) result(id string, q question, reply amqprpc.Reply, err error) {
	var wrong string
	told := amqprpc.Completed
	failed := (*amqprpc.CallError)(nil)
	switch {
	case err == nil:
		wrong = checkAnswer(q.n, q.wants, reply)
	case errors.As(err, &failed):
		told = failed.Outcome
		wrong = checkFailure(q.wants, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil && failed == nil {
		b.refused++
		if id != "" || !errors.Is(err, amqprpc.ErrNotExecuted) {
			b.break_("a call that never began has the ID %q and the error %v", id, err)
		}
		return
	}
	k := b.of(id)
	k.n, k.wants, k.idempotent = q.n, q.wants, q.idempotent
	k.results++
	k.told, k.notExecuted = told, errors.Is(err, amqprpc.ErrNotExecuted)
	if wrong != "" {
		k.wrong = wrong
	}
}

func checkAnswer(n int, wants expectation, reply amqprpc.Reply) string {
	if wants != aNumber {
		return fmt.Sprintf("an answer, %.40q, where there can be none", reply.Body)
	}
	if want := fib(n); string(reply.Body) != want {
		return fmt.Sprintf("fib(%d) was answered %.40q (%d digits) by %q, not %.40q (%d)", n, reply.Body, len(reply.Body), reply.Server, want, len(want))
	}
	return ""
}

// checkFailure holds an error to what may go wrong here.
func checkFailure(wants expectation, err error) string {
	remote := (*amqprpc.RemoteError)(nil)
	if !errors.As(err, &remote) {
		return ""
	}
	allowed := []string{amqprpc.CodeInternal, amqprpc.CodeDeadlineExceeded, amqprpc.CodeCanceled} // faults, deadlines, lost connections
	switch wants {
	case aRefusal:
		allowed = append(allowed, amqprpc.CodeInvalidArgument)
	case noQueue, nothing:
		allowed = nil
	}
	for _, code := range allowed {
		if remote.Code == code {
			return ""
		}
	}
	return fmt.Sprintf("an error reply where none or another is right: %v", err)
}

// fib is the oracle: by doubling, and not by what the servers run.
func fib(n int) string {
	a, b := big.NewInt(0), big.NewInt(1) // fib(k), fib(k+1) for k = the bits of n so far
	for bit := 31; bit >= 0; bit-- {
		twice := new(big.Int).Lsh(b, 1)
		c := twice.Sub(twice, a)
		c.Mul(c, a)                                                // fib(2k) = fib(k) (2 fib(k+1) - fib(k))
		d := new(big.Int).Add(new(big.Int).Mul(a, a), b.Mul(b, b)) // fib(2k+1)
		if a, b = c, d; n>>bit&1 == 1 {
			a, b = d, new(big.Int).Add(c, d)
		}
	}
	return a.String()
}

// bodyOf is the request for n, with so many bytes around it that mean nothing.
func bodyOf(n int, wants expectation, padding int) []byte {
	if wants == aRefusal {
		return fmt.Appendf(nil, "no number %d", n)
	}
	return fmt.Appendf(nil, "%s%d", strings.Repeat(" ", padding), n)
}

// An executions is what servers had in their hands, by what they say of it.
type executions struct {
	mu      sync.Mutex
	seen    map[string]int // "fib(30)": how often
	byID    map[string]string
	dropped int // lines that the pool had no time for
}

func newExecutions() *executions {
	return &executions{seen: map[string]int{}, byID: map[string]string{}}
}

func (x *executions) saw(what string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seen[what]++
}

// line takes what a fibserver has printed.
func (x *executions) line(line string) {
	if what, ok := strings.CutPrefix(line, " [.] "); ok {
		x.saw(what)
	} else if strings.HasPrefix(line, "(") && strings.HasSuffix(line, " lines dropped)") {
		x.mu.Lock()
		x.dropped++
		x.mu.Unlock()
	}
}

// said is what a server says when it has the request for n.
func said(n int, wants expectation) string {
	if wants == aRefusal {
		return fmt.Sprintf("fib(%q)", bodyOf(n, wants, 0))
	}
	return fmt.Sprintf("fib(%d)", n)
}

// An evidence is all that the laws look at.
type evidence struct {
	books      []*books
	executions *executions
	snapshots  []ledger.Snapshot
	attempted  int      // calls that callers made, begun or not
	queues     []string // on the broker at the end
	requests   string   // the queue that may be there
	processes  []string // that are alive at the end
	planned    int      // faults
	injected   int
	heapBefore uint64 // bytes
	heapAfter  uint64
	heapMore   uint64 // that is allowed on top
}
