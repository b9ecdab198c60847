package tour

import (
	"cmp"
	"fmt"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/text"
)

// The scenarios of this file have replies that are discarded.

func diesBeforeAck() *Scenario {
	return &Scenario{
		Title:   "a server dies between reply and ack",
		Happens: "fib-1 answers call #1 and is killed before it acks the request. The broker keeps the request for fib-2, which answers once more.",
		Watch:   "The lane of duplicates: the second reply to #1. Press enter there for the whole story.",
		Lane:    Duplicates,
		Why:     "The broker cannot know that the work was done. A request is delivered at least once: clients discard second replies, and servers must tolerate repeats.",
		play: func(p *player) {
			p.step("fib-1 starts. It will die between its first reply and the ack.")
			crashing := p.faultyServer("crash-before-ack", p.delay(0, time.Second))
			p.step("Two calls are made: fib-1 answers the first, and dies.")
			ids := p.startCalls(2)
			p.untilDead(crashing, ids)
			p.step("fib-2 starts: the broker redelivers the requests that were not acked.")
			next := p.server(p.delay(0, time.Second))
			// The request that was not acked is first in the queue second.
			p.result(ids[0])
			p.result(ids[1])

			ended := p.snapshot().Ledger
			n := ended.Replies.Duplicates
			p.fact(n == 1, "1 duplicate", "%s", text.Plural(n, "duplicate", "duplicates"))
			var second ledger.Stray
			if len(ended.Duplicates) > 0 {
				second = ended.Duplicates[0]
			}
			got := "no reply to a redelivered request"
			if second.Redelivered {
				got = "redelivered to " + second.Server
			}
			p.fact(second.Redelivered && second.ID == ids[0] && pool.ShortNames(second.Server) == next, "the request redelivered to "+next, "%s", got)
			p.fact(pool.ShortNames(second.AnsweredBy) == crashing, "its answer from "+crashing, "answered before by %s", cmp.Or(second.AnsweredBy, "nobody"))
			c := ended.Calls
			p.fact(c.Completed == c.Sent && c.Sent == 2, "0 lost of 2", "%d lost of %d", c.Sent-c.Completed, c.Sent)
		},
	}
}

func unknownReply() *Scenario {
	const calls = 20
	return &Scenario{
		Title:   "an unknown reply",
		Happens: "Twenty calls are made. Then another client sends a reply to our callback queue with a correlation ID that no call has, and one more call is made.",
		Watch:   "The lane of orphans: what came, and from whom.",
		Lane:    Orphans,
		Why:     "Anybody who knows its name can write to a callback queue. A reply is matched by its ID or discarded, and never taken for another's.",
		play: func(p *player) {
			p.step("A server starts, and %d calls are made.", calls)
			p.server(p.delay(0, 50*time.Millisecond))
			p.burst(calls)
			p.step("Somebody sends a reply to our callback queue, under an ID that no call has.")
			var id string
			p.try("send a reply", func() (err error) {
				id, err = p.lab.UnknownReply(p.ctx)
				return err
			})
			p.step("One more call is made: it gets its own answer.")
			p.call() // its answer comes after the unknown reply
			ended := p.snapshot().Ledger
			n := ended.Replies.Unknown
			p.fact(n == 1, "1 unknown reply", "%s", text.Plural(n, "unknown reply", "unknown replies"))
			ours := len(ended.Orphans) > 0 && ended.Orphans[0].ID == id && ended.Orphans[0].Class == amqprpc.Unknown
			got := "another ID than was sent"
			if ours {
				got = "discarded under its ID " + id[:8]
			}
			p.fact(ours, "it discarded, with the ID that was sent", "%s", got)
			c := ended.Calls
			p.fact(c.Completed == calls+1 && c.Failed == 0, fmt.Sprintf("%d of %d calls completed", calls+1, calls+1), "%d of %d calls completed", c.Completed, c.Sent)
		},
	}
}

func lateReply() *Scenario {
	const timeout, work = 2 * time.Second, 3 * time.Second
	return &Scenario{
		Title:   "a late reply",
		Happens: "The server needs 3 s, and a call waits for 2 s only. It fails with a timeout, and its reply comes later. Then a patient call is made.",
		Watch:   "Call #1 among the failed ones, then its reply in the lane of orphans: late by how much.",
		Lane:    Orphans,
		Why:     "A timeout ends the waiting, not the work. It does not tell whether the request was executed.",
		play: func(p *player) {
			p.step("A server starts that needs %g s for each request.", work.Seconds())
			p.faultyServer("slow=1:" + work.String())
			p.step("A call is made that waits for %g s only. Its reply comes all the same.", timeout.Seconds())
			p.setTimeout(timeout)
			hasty := p.call()
			p.step("A patient call is made.")
			p.setTimeout(30 * time.Second)
			patient := p.call() // it is answered after the late reply
			ended := p.snapshot().Ledger
			p.fact(hasty.Outcome == amqprpc.Timeout, "a timeout", "%v after %s", hasty.Outcome, text.Duration(elapsed(hasty)))
			n := ended.Replies.Late
			got := text.Plural(n, "late reply", "late replies")
			if len(ended.Orphans) > 0 {
				got += ", by " + text.Duration(ended.Orphans[0].Since)
			}
			p.fact(n == 1 && len(ended.Orphans) == 1 && ended.Orphans[0].ID == hasty.ID, "1 late reply", "%s", got)
			p.fact(patient.Outcome == amqprpc.Completed, "the patient call completed", "the patient call %v", patient.Outcome)
		},
	}
}
