package tour

import (
	"fmt"
	"slices"
	"time"
)

// Scenarios of servers that work as they should.

// oneCallbackQueue is a thousand calls through one callback queue.
func oneCallbackQueue() *Scenario {
	const calls = 1000
	return &Scenario{
		Title:   "one callback queue, a thousand calls out of order",
		Happens: "Two servers start, a slow one and a fast one. Then a thousand calls are made at once. Every request names the same queue for its reply.",
		Watch:   "The numbers of in flight and completed. IDs leave in another order than they came.",
		Why:     "A queue for each call is costly. The correlation ID tells whose reply it is, so one queue will do.",
		play: func(p *play) {
			p.step("Two servers start: first the slow one, then the fast one.")
			p.server("--workers=8", "--prefetch=8", p.delay(5*time.Millisecond, 400*time.Millisecond))
			p.server("--workers=32", "--prefetch=32", p.delay(0, 100*time.Millisecond))
			p.step("A thousand calls are made at once. All name the same queue for their replies.")
			b := p.burst(calls)
			p.fact(len(b) == calls, fmt.Sprintf("%d completed", calls), "%d completed", len(b))
			queues := p.replyQueues(b)
			p.fact(queues == 1, "1 callback queue", "%s", things(queues, "callback queue", "callback queues"))
			over := b.overtook()
			p.fact(over > 0, "some that were answered before an earlier one", "%d answered before an earlier one", over)
		},
	}
}

// fairDispatch is the same work at prefetch 1 and at prefetch 100.
func fairDispatch() *Scenario {
	const calls = 24
	return &Scenario{
		Title:   "fair dispatch: prefetch 1 against 100",
		Happens: "Two servers share 24 calls; one needs twenty times as long as the other. First each gets one request at a time, then as many as there are.",
		Watch:   "How long the second half takes, and the servers' shares, where the screen has room for them.",
		Why:     "With a high prefetch the broker deals requests out like cards, and the fast server idles while the slow one has a pile.",
		play: func(p *play) {
			half := func(prefetch string) (share float64, took string, all bool) {
				quick := p.server(prefetch, p.delay(10*time.Millisecond, 20*time.Millisecond))
				lame := p.server(prefetch, p.delay(200*time.Millisecond, 400*time.Millisecond))
				b := p.burst(calls)
				p.stop(quick, lame)
				return b.share(quick), seconds(b.took()), len(b) == calls
			}
			p.step("Prefetch 1: a fast and a slow server share %d calls, each with one request at a time.", calls)
			share, took, all := half("--prefetch=1")
			p.fact(share > 0.6 && all, "the fast server to do over 60 % at prefetch 1", "prefetch 1: the fast server did %s in %s", percent(share), took)
			p.step("Prefetch 100: the same again, but each has as many requests as it is dealt.")
			share, took, all = half("--prefetch=100")
			p.fact(share > 0.4 && share <= 0.6 && all, "it to do about half at prefetch 100", "prefetch 100: %s in %s", percent(share), took)
		},
	}
}

// scaling is the same work on more and more servers. How much they do in a second depends
// on what else the machine does; that they work at the same time does not.
func scaling() *Scenario {
	const calls = 16
	return &Scenario{
		Title:   "scaling: 1, 2, 4 servers",
		Happens: "The same 16 calls are made to one server, then to two, then to four. The work is waiting, 0.2 s a call, so cores are no limit.",
		Watch:   "In flight empties twice as fast each time, and the throughput steps up.",
		Why:     "All servers take from one queue. If they are too slow, start another: neither clients nor servers need to know.",
		play: func(p *play) {
			var first float64
			var answered []int // by how many servers, in each round
			running := 0
			for _, servers := range []int{1, 2, 4} {
				p.step("%s: a call each to warm up, then %d calls.", things(servers, "server", "servers"), calls)
				for ; running < servers; running++ {
					p.server("--delay=200ms")
				}
				p.burst(running) // what is new takes longer at first
				b := p.burst(calls)
				rate, busy := b.rate(), p.atWork(b)
				answered = append(answered, b.servers())
				if servers == 1 {
					first = rate
					p.fact(rate > 0, "calls to be answered", "1 server %.1f/s", rate)
					continue
				}
				times := 0.0
				if first > 0 {
					times = rate / first
				}
				least := 0.6 * float64(servers)
				p.fact(busy >= least, fmt.Sprintf("%d servers to do more, at least %.1f of them at work at once", servers, least),
					"%d servers %.1f/s (%.1fx), %.1f at work at once", servers, rate, times, busy)
			}
			// Somebody who has started one by hand sees other numbers.
			p.fact(slices.Equal(answered, []int{1, 2, 4}), "1, 2 and 4 servers to answer", "answered by %d, %d and %d servers", answered[0], answered[1], answered[2])
		},
	}
}
