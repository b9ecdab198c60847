package tour

import (
	"slices"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

// A batch is calls that completed one after the other, in the order of their answers.
type batch []ledger.Call

// burst makes n calls at once and waits until all have ended. No others may be in flight.
func (p *player) burst(n int) batch {
	before := p.snapshot().Ledger.Calls
	p.try("a burst", func() error { return p.lab.Burst(n) })
	p.until("a burst has ended", func(snap lab.Snapshot) bool {
		c := snap.Ledger.Calls
		return c.Sent >= before.Sent+uint64(n) && c.InFlight == 0
	})
	return p.since(before.Completed)
}

// since returns the calls after the first ones that completed.
func (p *player) since(completed uint64) batch {
	s := p.snapshot().Ledger
	n := min(s.Calls.Completed-min(completed, s.Calls.Completed), uint64(len(s.Completed)))
	b := batch(slices.Clone(s.Completed[:n]))
	slices.Reverse(b) // the ledger has the newest first
	return b
}

// completes waits until n more calls of the load have completed.
func (p *player) completes(n int) batch {
	before := p.snapshot().Ledger.Calls.Completed
	p.until("calls complete", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed >= before+uint64(n) })
	return p.since(before)
}

// answers waits until a server has answered n more calls of the load.
func (p *player) answers(server string, n int) batch {
	snap := p.snapshot()
	before := replies(snap, server)
	p.until(server+" answers", func(snap lab.Snapshot) bool { return replies(snap, server) >= before+uint64(n) })
	return p.since(snap.Ledger.Calls.Completed)
}

// replies returns how many replies a server has sent.
func replies(snap lab.Snapshot, server string) uint64 {
	for _, s := range snap.Ledger.Servers {
		if pool.ShortNames(s.Name) == server {
			return s.Replies
		}
	}
	return 0
}

// rate returns how many calls completed per second.
func (b batch) rate() float64 {
	if len(b) < 2 {
		return 0
	}
	return float64(len(b)-1) / b[len(b)-1].Ended.Sub(b[0].Ended).Seconds()
}

// elapsed returns the time from the first request to the last answer.
func (b batch) elapsed() time.Duration {
	if len(b) == 0 {
		return 0
	}
	first := slices.MinFunc(b, func(c, d ledger.Call) int { return c.Sent.Compare(d.Sent) })
	return b[len(b)-1].Ended.Sub(first.Sent)
}

// share returns the part of the batch that a server has answered, from 0 to 1.
func (b batch) share(server string) float64 {
	n := 0
	for _, c := range b {
		if pool.ShortNames(c.Server) == server {
			n++
		}
	}
	return float64(n) / float64(max(len(b), 1))
}

// servers returns how many servers have answered.
func (b batch) servers() int {
	seen := map[string]bool{}
	for _, c := range b {
		seen[c.Server] = true
	}
	return len(seen)
}

// maxAtWork returns the maximum of requests that servers with prefetch 1 had at the same time, by the
// times of the servers in their replies.
func (p *player) maxAtWork(b batch) int {
	type change struct {
		at time.Time
		by int
	}
	var changes []change
	for _, c := range b {
		story, _ := p.lab.Inspect(c.ID)
		m := lab.Answer(story)
		if m == nil {
			return 0
		}
		meta, _ := m.Meta()
		if meta.Received.IsZero() || meta.Replied.IsZero() {
			return 0
		}
		changes = append(changes, change{meta.Received, 1}, change{meta.Replied, -1})
	}
	slices.SortFunc(changes, func(c, d change) int {
		if n := c.at.Compare(d.at); n != 0 {
			return n
		}
		return c.by - d.by
	})
	working, peak := 0, 0
	for _, c := range changes {
		working += c.by
		peak = max(peak, working)
	}
	return peak
}

// outOfOrder returns how many calls were answered before one that was sent earlier.
func (b batch) outOfOrder() int {
	n := 0
	var earliest time.Time // of the calls that were answered later
	for i := len(b) - 1; i >= 0; i-- {
		if sent := b[i].Sent; earliest.IsZero() || sent.Before(earliest) {
			earliest = sent
		} else if sent.After(earliest) {
			n++
		}
	}
	return n
}

// replyQueues returns how many reply queues the requests of the batch have named.
func (p *player) replyQueues(b batch) int {
	queues := make(map[string]bool)
	for _, c := range b {
		story, _ := p.lab.Inspect(c.ID)
		for i := range story.Events {
			if m := story.Events[i].Message(); m != nil && m.ReplyTo != "" {
				queues[m.ReplyTo] = true
			}
		}
	}
	return len(queues)
}
