package explain

import (
	"time"

	"rpcscope/amqprpc"
	"rpcscope/tui/text"
)

// minLateStart is how late a call must start for its story to mention it.
const minLateStart = time.Millisecond

// phases divides the time up to the first reply.
func (e *Evidence) phases() (parts []string) {
	r := e.timedReply()
	if r == nil || e.Published.IsZero() {
		return nil
	}
	add := func(d time.Duration, what string) { parts = append(parts, text.Duration(max(d, 0))+" "+what) }
	if late := e.Sent.Sub(e.Intended); late >= minLateStart {
		add(late, "late to start")
	}
	add(e.Published.Sub(e.Sent), "to publish")
	if earlier := r.published.Sub(e.Published); earlier > 0 {
		add(earlier, "in earlier attempts")
	}
	service, known := r.serviceTime()
	if r.clocksAgree {
		add(r.received.Sub(r.published), "in queue and on wire")
		add(service, "in "+r.server)
		add(r.Time.Sub(r.replied), "back")
		return parts
	}
	add(r.Time.Sub(r.published), "from publish to reply")
	if known {
		add(service, "of it in "+r.server+" by its own clock, which differs from the one here")
	} else if !r.received.IsZero() {
		parts = append(parts, r.server+"'s times make no sense")
	}
	return parts
}

// timedReply returns the reply that phases measures: the answer, or else the first late reply.
func (e *Evidence) timedReply() *Reply {
	if r := e.answer(); r != nil {
		return r
	}
	for _, r := range e.Discarded() {
		if !r.byHand && r.Class == amqprpc.Late {
			return r
		}
	}
	return nil
}
