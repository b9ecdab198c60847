package chaos

import (
	"fmt"
	"maps"
	"slices"

	"rpcscope/amqprpc"
)

// A violation is a law that does not hold, and the call that shows it, if it is about one.
type violation struct {
	law    string
	client int
	id     string
}

func (v violation) Error() string {
	if v.id == "" {
		return v.law
	}
	return fmt.Sprintf("client %d, call %s: %s", v.client, v.id, v.law)
}

// leastInjected is the part of the planned faults that must have been injected: one in so many.
const leastInjected = 5

// check holds the laws against the evidence. The first violations are the most telling.
func check(e *evidence) (found []violation) {
	results := 0
	for _, b := range e.clientRecord {
		found = append(found, b.check(e.executions)...)
		results += b.refused
		for _, k := range b.calls {
			results += k.results
		}
	}
	add := func(format string, args ...any) {
		found = append(found, violation{law: fmt.Sprintf(format, args...)})
	}
	if results != e.attempted {
		add("%d calls were made, and %d results came back", e.attempted, results)
	}
	for i, s := range e.snapshots {
		if err := s.Broken(); err != nil {
			add("client %d: %v", i, err)
		}
		b := e.clientRecord[i]
		for name, pair := range map[string][2]uint64{
			"calls sent":      {s.Calls.Sent, uint64(b.kinds[amqprpc.EventSent])},
			"calls completed": {s.Calls.Completed, uint64(b.outcomes[amqprpc.Completed])},
			"calls in flight": {s.Calls.InFlight, 0},
			"answers":         {s.Replies.Answers, uint64(b.classes[amqprpc.Answer])},
			"duplicates":      {s.Replies.Duplicates, uint64(b.classes[amqprpc.Duplicate])},
			"late replies":    {s.Replies.Late, uint64(b.classes[amqprpc.Late])},
			"unknown replies": {s.Replies.Unknown, uint64(b.classes[amqprpc.Unknown])},
			"events ignored":  {s.Traffic.Ignored, 0},
		} {
			if pair[0] != pair[1] {
				add("client %d: the ledger has %d %s, and there were %d", i, pair[0], name, pair[1])
			}
		}
		for _, o := range amqprpc.Failures() {
			if s.Failures.Of(o) != uint64(b.outcomes[o]) {
				add("client %d: the ledger has %d calls %v, and there were %d", i, s.Failures.Of(o), o, b.outcomes[o])
			}
		}
	}
	if e.injected*leastInjected < e.planned {
		add("of %d faults only %d were injected: the machine is too slow for this to say anything", e.planned, e.injected)
	}
	for _, q := range e.queues {
		if q != e.requests {
			add("the queue %q is left on the broker", q)
		}
	}
	for _, p := range e.processes {
		add("the process %s outlives the pool", p)
	}
	if e.heapAfter > e.heapBefore+e.heapMore {
		add("the heap has grown from %d to %d bytes, by more than %d", e.heapBefore, e.heapAfter, e.heapMore)
	}
	return found
}

// check holds the laws of single calls.
func (b *clientRecord) check(x *executions) (found []violation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, law := range b.broken {
		found = append(found, violation{law: law, client: b.client})
	}
	for _, id := range slices.Sorted(maps.Keys(b.calls)) {
		k := b.calls[id]
		executed := x.seen[said(k.n, k.wants)]
		byID, mine := x.byID[id]
		var law string
		switch {
		case k.begun != 1:
			law = fmt.Sprintf("it began %d times", k.begun)
		case k.ended != 1:
			law = fmt.Sprintf("it has %d outcomes", k.ended)
		case k.results != 1:
			law = fmt.Sprintf("its caller got %d results", k.results)
		case k.told != k.outcome:
			law = fmt.Sprintf("its caller was told %v, the events say %v", k.told, k.outcome)
		case k.outcome == amqprpc.InFlight || k.outcome == amqprpc.Expired:
			law = fmt.Sprintf("it ended as %v, which cannot be here", k.outcome)
		case (k.outcome == amqprpc.Completed || k.outcome == amqprpc.Remote) != (k.classes[amqprpc.Answer] == 1) || k.classes[amqprpc.Answer] > 1:
			law = fmt.Sprintf("it is %v, with %d answers", k.outcome, k.classes[amqprpc.Answer])
		case k.wrong != "":
			law = k.wrong
		case k.wants == noQueue && executed > 0:
			law = "it went to no queue, and a server had it"
		case k.notExecuted && executed > 0:
			law = fmt.Sprintf("it is ErrNotExecuted (%v), and a server had it", k.outcome)
		case k.notExecuted && k.open > 0:
			law = fmt.Sprintf("it is ErrNotExecuted (%v), and %d publishes are not accounted for", k.outcome, k.open)
		case !k.notExecuted && k.open == 0 && k.outcome != amqprpc.Completed && k.outcome != amqprpc.Remote:
			law = fmt.Sprintf("no server can have had it, and it is not ErrNotExecuted (%v)", k.outcome)
		case k.resent && !k.idempotent:
			law = "it was sent again while a server might have had it, and is not idempotent"
		case mine && byID != said(k.n, k.wants):
			law = fmt.Sprintf("it asks for %s, and a server had %s under its ID", said(k.n, k.wants), byID)
		default:
			continue
		}
		found = append(found, violation{law, b.client, id})
	}
	return found
}
