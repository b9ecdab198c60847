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

// An expectation is the kind of a call, which decides how it may end.
type expectation uint8

const (
	aNumber  expectation = iota // fib(n), or a failure
	aRefusal                    // the body is no number: never an answer
	noQueue                     // to a queue that does not exist: no server may ever have it
	nothing                     // of no interest here: nobody serves it
)

// A known is the evidence about one correlation ID, from events, callers and servers. It is small: a long run has
// many.
type known struct {
	n      int // its own: no other call asks for it
	wants  expectation
	client int

	begun, ended int             // events
	outcome      amqprpc.Outcome // by the event
	number       int             // its place among the ended calls of its client, from 1
	open         int             // publishes that were not returned, so far or when it ended
	resent       bool            // it was published again while open
	classes      [5]uint16       // of its replies

	results     int             // times that the caller got one
	told        amqprpc.Outcome // by the caller
	notExecuted bool
	idempotent  bool
	wrong       string // why the answer was wrong, if it was
}

// A clientRecord is one client's evidence: its events, and the results of its callers.
type clientRecord struct {
	client int
	limit  int // ended calls that the client remembers

	mu       sync.Mutex
	calls    map[string]*known
	ends     int
	kinds    [int(amqprpc.EventUnblocked) + 1]int
	classes  [5]int
	outcomes [int(amqprpc.Closed) + 1]int
	refused  int            // calls that never began, by their error
	broken   []string       // violations of single events
	awaiting map[string]int // calls that wait for a reply, and the epoch of their last publish
	recent   []string       // the IDs of the calls that have ended last
}

const maxRecent = 512

func newClientRecord(client, limit int) *clientRecord {
	return &clientRecord{client: client, limit: limit, calls: map[string]*known{}, awaiting: map[string]int{}}
}

func (b *clientRecord) of(id string) *known {
	k := b.calls[id]
	if k == nil {
		k = &known{n: -1, client: b.client}
		b.calls[id] = k
	}
	return k
}

func (b *clientRecord) violate(format string, args ...any) {
	if len(b.broken) < 20 {
		b.broken = append(b.broken, fmt.Sprintf(format, args...))
	}
}

// Observe checks each event against those before it.
func (b *clientRecord) Observe(e amqprpc.Event) {
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
				b.violate("%s: it waits in epoch %d for a reply on the callback queue of epoch %d", id, e.Epoch, epoch)
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
			b.violate("%s: a reply of the class %v", e.ID, e.Class)
			return
		}
		b.classes[e.Class]++
		k := b.calls[e.ID]
		if want := b.classOf(k, e.Class); e.Class != want {
			b.violate("%s: a reply was classed %v, and is %v", e.ID, e.Class, want)
		}
		if k != nil {
			k.classes[e.Class]++
		}
		if e.Class == amqprpc.Answer && k != nil {
			b.end(e)
		}
	}
}

func (b *clientRecord) end(e amqprpc.Event) {
	delete(b.awaiting, e.ID)
	k := b.of(e.ID)
	b.ends++
	k.ended++
	k.outcome, k.number = e.Outcome, b.ends
	b.outcomes[e.Outcome]++
	if len(b.recent) < maxRecent {
		b.recent = append(b.recent, e.ID)
	} else {
		b.recent[b.ends%maxRecent] = e.ID
	}
}

// endedIDs returns the IDs of calls that have ended.
func (b *clientRecord) endedIDs() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.recent)
}

// classOf is the class that a reply must have. One that has been forgotten may be unknown;
// how soon that is depends on the client's memory, which is exact: its last limit ended calls.
func (b *clientRecord) classOf(k *known, got amqprpc.Class) amqprpc.Class {
	switch {
	case k == nil || k.begun == 0:
		return amqprpc.Unknown
	case k.ended == 0:
		return amqprpc.Answer
	case b.ends-k.number >= b.limit && got == amqprpc.Unknown:
		return amqprpc.Unknown
	case k.outcome == amqprpc.Completed || k.outcome == amqprpc.Remote:
		return amqprpc.Duplicate
	}
	return amqprpc.Late
}

// A question is the request of a caller.
type question struct {
	n          int
	wants      expectation
	idempotent bool
}

// result notes the result of a caller.
func (b *clientRecord) result(id string, q question, reply amqprpc.Reply, err error) {
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
			b.violate("a call that never began has the ID %q and the error %v", id, err)
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

// checkFailure returns a text if an error is none that may happen here.
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

// fib is the oracle: by doubling, without the code of the servers.
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

// bodyOf is the request for n, with so many bytes of padding.
func bodyOf(n int, wants expectation, padding int) []byte {
	if wants == aRefusal {
		return fmt.Appendf(nil, "no number %d", n)
	}
	return fmt.Appendf(nil, "%s%d", strings.Repeat(" ", padding), n)
}

// An executions is the requests that servers received, by their logs.
type executions struct {
	mu      sync.Mutex
	seen    map[string]int // "fib(30)": how often
	byID    map[string]string
	dropped int // lines that the pool dropped
}

func newExecutions() *executions {
	return &executions{seen: map[string]int{}, byID: map[string]string{}}
}

func (x *executions) saw(what string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.seen[what]++
}

// line notes a line that a fibserver has printed.
func (x *executions) line(line string) {
	if what, ok := strings.CutPrefix(line, " [.] "); ok {
		x.saw(what)
	} else if strings.HasPrefix(line, "(") && strings.HasSuffix(line, " lines dropped)") {
		x.mu.Lock()
		x.dropped++
		x.mu.Unlock()
	}
}

// said returns the line that a server prints for the request for n.
func said(n int, wants expectation) string {
	if wants == aRefusal {
		return fmt.Sprintf("fib(%q)", bodyOf(n, wants, 0))
	}
	return fmt.Sprintf("fib(%d)", n)
}

// An evidence is the input of the laws.
type evidence struct {
	clientRecord []*clientRecord
	executions   *executions
	snapshots    []ledger.Snapshot
	attempted    int      // calls that callers made, begun or not
	queues       []string // on the broker at the end
	requests     string   // the queue that may be there
	processes    []string // that are alive at the end
	planned      int      // faults
	injected     int
	heapBefore   uint64 // bytes
	heapAfter    uint64
	heapMore     uint64 // that is allowed on top
}
