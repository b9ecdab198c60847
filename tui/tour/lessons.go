package tour

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// The scenarios of this file show how to use RPC, and when not to.

func earlyAck() *Scenario {
	const calls = 5
	return &Scenario{
		Title:   "why ack after the reply",
		Happens: "Five calls are made to a server that acks each request as it comes, and dies during the work. Then to one that acks after its reply, and dies too.",
		Watch:   "In flight: after the early ack a new server finds nothing to do, and all calls time out. After the other death it answers them.",
		Why:     "An ack tells the broker to forget the request: after it nobody can do the work again. The late ack costs a duplicate at times.",
		Lane:    Ended,
		play: func(p *player) {
			var next string // the server that is started when the crashing one has died
			round := func(crashing string) (dead bool, died string, lost, answered int) {
				ids := p.startCalls(calls)
				p.untilDead(crashing, ids)
				dead, died = p.isDead(crashing)
				next = p.server(p.delay(0, 300*time.Millisecond))
				for _, id := range ids {
					switch c := p.result(id); {
					case c.Outcome != amqprpc.Completed:
						lost++
					case pool.ShortNames(c.Server) == next:
						answered++
					}
				}
				return dead, died, lost, answered
			}
			work := p.delay(200*time.Millisecond, 1500*time.Millisecond)
			p.step("fib-1 starts. It acks each request as it comes, before the work, and will die during the work.")
			crashing := p.faultyServer("early-ack", work)
			p.step("Five calls are made. fib-1 acks them all, and dies. fib-2 starts, and finds none of them.")
			p.setTimeout(p.watched(2*time.Second, 6*time.Second))
			dead, died, lost, _ := round(crashing)
			p.fact(dead && lost > 0, crashing+" to die, and calls to be lost by its early ack", "early ack: %s, %d of %d lost", died, lost, calls)

			p.step("fib-3 takes the place of fib-2. It acks after its reply, and will die during the work, too.")
			p.setTimeout(30 * time.Second)
			p.stopAll()
			crashing = p.faultyServer("crash-before-reply", work)
			p.step("Five calls are made. fib-3 takes the first, and dies. fib-4 starts, and finds all five.")
			dead, died, lost, answered := round(crashing)
			p.fact(dead && lost == 0 && answered == calls, fmt.Sprintf("%s to die, and all %d calls to be answered by the next server", crashing, calls),
				"late ack: %s, %d of %d lost, %d answered by %s", died, lost, calls, answered, next)
		},
	}
}

func idempotence() *Scenario {
	const calls = 3
	return &Scenario{
		Title:   "idempotent: no harm done twice",
		Happens: "Three calls add 1 each to a counter. A server dies between reply and ack. Then the same with servers that store which IDs have added.",
		Watch:   "The answers: they are the counter's value, first 1, 3, 4, as one call adds twice, and then 1, 2, 3.",
		Why:     "A request may come again, if a server dies or a caller retries. Store its ID with the work, and no harm is done twice.",
		Lane:    Ended,
		body:    "1",
		folder:  true,
		play: func(p *player) {
			round := func(crashing string, flags []string) (sum int, answers []string) {
				ids := p.startCalls(calls)
				p.untilDead(crashing, ids)
				p.server(flags...)
				for _, id := range ids {
					text := answerText(p.result(id))
					n, _ := strconv.Atoi(text)
					sum, answers = max(sum, n), append(answers, text)
				}
				return sum, answers
			}
			const dies = "crash-before-ack"
			work := p.delay(0, time.Second)
			p.step("fib-1 starts. It adds, answers, and will die before its first ack.")
			flags := []string{"--counter=" + filepath.Join(p.folder, "counter"), work}
			crashing := p.faultyServer(dies, flags...)
			p.step("Three calls are made. fib-1 adds 1, answers, and dies. fib-2 starts, with the same counter.")
			sum, answers := round(crashing, flags)
			p.fact(sum == calls+1, fmt.Sprintf("%d calls to add %d", calls, calls+1), "%d calls added %d: answers %s", calls, sum, strings.Join(answers, ", "))

			p.step("fib-3 takes the place of fib-2, with a new counter. It stores the ID with the number that it adds.")
			p.stopAll()
			flags = []string{"--counter=" + filepath.Join(p.folder, "counter-by-id"), "--once", work}
			crashing = p.faultyServer(dies, flags...)
			p.step("Three calls are made. fib-3 adds 1, answers, and dies. fib-4 starts, with the same counter.")
			sum, answers = round(crashing, flags)
			p.fact(sum == calls, fmt.Sprintf("%d calls to add %d by ID", calls, calls), "by ID %d calls added %d: answers %s", calls, sum, strings.Join(answers, ", "))
			n := p.snapshot().Ledger.Replies.Duplicates
			p.fact(n == 2, "a duplicate each time", "%s", text.Plural(n, "duplicate", "duplicates"))
		},
	}
}

// answerText returns the body of a call's answer, or its other outcome.
func answerText(story ledger.Story) string {
	if m := lab.Answer(story); m != nil && story.Outcome == amqprpc.Completed {
		return string(m.Body)
	}
	return outcome(story)
}

func notRPC() *Scenario {
	const calls, servers, timeout = 8, 4, 2 * time.Second
	return &Scenario{
		Title:   "when not to use RPC",
		Lane:    InFlight,
		Happens: "Four servers get eight calls one after the other, and then eight at once. Then they are stopped, and one more call is made.",
		Watch:   "In flight, the throughput, and how long eight calls take. The last call fails.",
		Why:     "A caller that waits for each answer uses one server of four, and fails without one. If you do not need the answer, publish a message and go on: a queue can wait.",
		play: func(p *player) {
			p.step("Four servers start. Each request takes them 0.5 s.")
			for range servers {
				p.server(p.delay(200*time.Millisecond, 500*time.Millisecond))
			}
			p.step("Eight calls are made, one after the other: each waits for the answer to the one before.")
			from := p.snapshot().Ledger.Calls.Completed
			for range calls {
				p.call()
			}
			inTurn := p.since(from)
			p.step("Eight calls are made at once, and their answers are waited for together.")
			atOnce := p.burst(calls)
			working := p.maxAtWork(inTurn)
			p.fact(len(inTurn) == calls && working == 1, "1 server at work at once, one by one",
				"one by one: %s, %d of %d servers at work", text.Duration(inTurn.elapsed()), working, servers)
			working = p.maxAtWork(atOnce)
			p.fact(len(atOnce) == calls && working > servers/2, "most servers at work at once",
				"at once: %s, %d of %d servers at work", text.Duration(atOnce.elapsed()), working, servers)
			p.step("The servers are stopped. One more call is made, which waits for %g s.", timeout.Seconds())
			p.stopAll()
			p.setTimeout(timeout)
			last := p.call()
			p.fact(last.Outcome == amqprpc.Timeout, "no server: a timeout", "no server: %s after %s", outcome(last), text.Duration(elapsed(last)))
		},
	}
}
