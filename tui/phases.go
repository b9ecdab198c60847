package tui

import (
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// worthSaying is how long a start must have been late to be mentioned.
const worthSaying = time.Millisecond

// phases says where the time of the call went, as far as its first reply tells.
func (e *evidence) phases() (parts []string) {
	r := e.timed()
	if r == nil || e.Published.IsZero() {
		return nil
	}
	add := func(d time.Duration, what string) { parts = append(parts, text.Duration(max(d, 0))+" "+what) }
	if late := e.Sent.Sub(e.Intended); late >= worthSaying {
		add(late, "late to start")
	}
	add(e.Published.Sub(e.Sent), "to publish")
	if earlier := r.published.Sub(e.Published); earlier > 0 {
		add(earlier, "in earlier attempts")
	}
	working, known := r.working()
	switch {
	case r.inStep:
		add(r.received.Sub(r.published), "in queue and on wire")
		add(working, "in "+r.server)
		add(r.Time.Sub(r.replied), "back")
	case known:
		add(r.Time.Sub(r.published), "from publish to reply")
		add(working, "of it in "+r.server+" by its own clock, which differs from the one here")
	case !r.received.IsZero():
		add(r.Time.Sub(r.published), "from publish to reply")
		parts = append(parts, r.server+"'s times make no sense")
	default:
		add(r.Time.Sub(r.published), "from publish to reply")
	}
	return parts
}

// timed is the reply by which phases are told: the answer, else the first late one.
func (e *evidence) timed() *replySeen {
	if r := e.answer(); r != nil {
		return r
	}
	for _, r := range e.discarded() {
		if !r.hand && r.Class == amqprpc.Late {
			return r
		}
	}
	return nil
}
