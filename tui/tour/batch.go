package tour

import (
	"slices"
	"time"

	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

// A batch is the calls of one burst that completed, in the order of their answers.
type batch []ledger.Call

// burst makes n calls at once and waits until all have ended. No others may be in flight.
func (p *play) burst(n int) batch {
	before := p.look().Ledger.Calls
	p.try("a burst", func() error { return p.lab.Burst(n) })
	p.until("a burst has ended", func(look lab.Snapshot) bool {
		c := look.Ledger.Calls
		return c.Sent >= before.Sent+uint64(n) && c.InFlight == 0
	})
	now := p.look().Ledger
	return lastOf(&now, before.Completed)
}

// since is what has been completed since there were so many completed calls.
func (p *play) since(completed uint64) batch {
	books := p.look().Ledger
	return lastOf(&books, completed)
}

// lastOf is what books have of the calls that were completed after so many.
func lastOf(books *ledger.Snapshot, completed uint64) batch {
	n := min(books.Calls.Completed-min(completed, books.Calls.Completed), uint64(len(books.Completed)))
	b := batch(slices.Clone(books.Completed[:n]))
	slices.Reverse(b) // the books have the newest first
	return b
}

// A stretch is the calls of a load that were completed one after the other, since a time.
type stretch struct {
	batch
	from time.Time
}

// stretch waits until something holds, while the load goes on.
func (p *play) stretch(what string, holds func(lab.Snapshot) bool) stretch {
	books := p.look().Ledger
	s := stretch{from: books.Now}
	if len(books.Completed) > 0 {
		s.from = books.Completed[0].Ended
	}
	p.until(what, holds)
	s.batch = p.since(books.Calls.Completed)
	return s
}

// completes waits until n more calls of the load have been completed.
func (p *play) completes(n int) stretch {
	before := p.look().Ledger.Calls.Completed
	return p.stretch("calls complete", func(look lab.Snapshot) bool { return look.Ledger.Calls.Completed >= before+uint64(n) })
}

// answers waits until a server has answered n more calls of the load.
func (p *play) answers(server string, n int) stretch {
	before := replies(p.look(), server)
	return p.stretch(server+" answers", func(look lab.Snapshot) bool { return replies(look, server) >= before+uint64(n) })
}

// replies is how many replies a server has sent.
func replies(look lab.Snapshot, server string) uint64 {
	for _, s := range look.Ledger.Servers {
		if pool.ShortNames(s.Name) == server {
			return s.Replies
		}
	}
	return 0
}

// rate is how many calls per second were completed.
func (s stretch) rate() float64 {
	if len(s.batch) == 0 {
		return 0
	}
	return float64(len(s.batch)) / s.batch[len(s.batch)-1].Ended.Sub(s.from).Seconds()
}

// took is how long the batch took, from the first request to the last answer.
func (b batch) took() time.Duration {
	if len(b) == 0 {
		return 0
	}
	first := b[0].Sent
	for _, c := range b {
		if c.Sent.Before(first) {
			first = c.Sent
		}
	}
	return b[len(b)-1].Ended.Sub(first)
}

// share is the part of the batch that a server has answered, 0 to 1.
func (b batch) share(server string) float64 {
	n := 0
	for _, c := range b {
		if pool.ShortNames(c.Server) == server {
			n++
		}
	}
	return float64(n) / float64(max(len(b), 1))
}

// servers is how many servers have answered the batch.
func (b batch) servers() int {
	seen := map[string]bool{}
	for _, c := range b {
		seen[c.Server] = true
	}
	return len(seen)
}

// atWork is how many servers were at work at once on the batch, on average, by the times
// that are in their replies.
func (p *play) atWork(b batch) float64 {
	var busy time.Duration
	var from, to time.Time
	for _, c := range b {
		story, _ := p.lab.Inspect(c.ID)
		received, replied, ok := serverTimes(story)
		if !ok {
			return 0
		}
		busy += replied.Sub(received)
		if from.IsZero() || received.Before(from) {
			from = received
		}
		if replied.After(to) {
			to = replied
		}
	}
	if !to.After(from) {
		return 0
	}
	return busy.Seconds() / to.Sub(from).Seconds()
}

// serverTimes are when the server had the request and when it sent its answer, by its own
// clock.
func serverTimes(story ledger.Story) (received, replied time.Time, ok bool) {
	m := answer(story)
	if m == nil {
		return received, replied, false
	}
	meta, _ := m.Meta()
	return meta.Received, meta.Replied, !meta.Received.IsZero() && !meta.Replied.IsZero()
}

// overtook is how many calls were answered before one that had been sent earlier.
func (b batch) overtook() int {
	n := 0
	var earliest time.Time // of those that were answered later
	for i := len(b) - 1; i >= 0; i-- {
		if sent := b[i].Sent; earliest.IsZero() || sent.Before(earliest) {
			earliest = sent
		} else if sent.After(earliest) {
			n++
		}
	}
	return n
}

// replyQueues is how many queues the requests of the batch have named for their replies.
func (p *play) replyQueues(b batch) int {
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
