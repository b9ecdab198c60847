package tour

import (
	"fmt"
	"slices"
	"time"

	"rpcscope/tui/text"
)

// The scenarios of this file have servers without faults.

func oneCallbackQueue() *Scenario {
	const calls = 1000
	return &Scenario{
		Title:   "one callback queue, a thousand calls out of order",
		Happens: "Two servers start, a slow one and a fast one. Then a thousand calls are made at once, #1 to #1000. Every request names the same queue for its reply.",
		Watch:   "The numbers before the IDs. Calls complete in another order than they were made.",
		Why:     "A queue for each call is costly. The correlation ID tells whose reply it is, so one queue will do.",
		Lane:    Ended,
		play: func(p *player) {
			p.step("Two servers start: first the slow one, then the fast one.")
			p.server("--workers=8", "--prefetch=8", p.delay(5*time.Millisecond, 400*time.Millisecond))
			p.server("--workers=32", "--prefetch=32", p.delay(0, 100*time.Millisecond))
			p.step("A thousand calls are made at once. All name the same queue for their replies.")
			b := p.burst(calls)
			p.fact(len(b) == calls, fmt.Sprintf("%d completed", calls), "%d completed", len(b))
			queues := p.replyQueues(b)
			p.fact(queues == 1, "1 callback queue", "%s", text.Plural(queues, "callback queue", "callback queues"))
			n := b.outOfOrder()
			p.fact(n > 0, "some that were answered before an earlier one", "%d answered before an earlier one", n)
		},
	}
}

// fairDispatch claims shares, not rates: a busy machine changes rates.
func fairDispatch() *Scenario {
	return &Scenario{
		Title:   "fair dispatch: prefetch 1 against 100",
		Happens: "Two servers share 16 calls in flight; one needs ten times as long as the other. First each gets one request at a time, then up to a hundred.",
		Watch:   "How many a second each server answers, and the throughput. At prefetch 100 calls are in flight for a long time.",
		Why:     "With a high prefetch the broker hands out requests in turn, and the fast server idles while the slow one has many.",
		play: func(p *player) {
			var fast, slow string
			round := func(prefetch string) (share, rate float64) {
				fast = p.server(prefetch, p.delay(20*time.Millisecond, 50*time.Millisecond))
				slow = p.server(prefetch, p.delay(200*time.Millisecond, 500*time.Millisecond))
				p.do(p.lab.Resume)
				p.answers(slow, 6) // until its queue is full at prefetch 100
				b := p.answers(slow, 8)
				return b.share(fast), b.rate()
			}
			p.step("Prefetch 1: a fast and a slow server, each with one request at a time.")
			share, rate := round("--prefetch=1")
			p.fact(share > 0.6, "the fast server to do over 60 % at prefetch 1", "prefetch 1: %.1f/s, the fast server does %s",
				rate, text.Percent(share))
			p.step("Prefetch 100: two new servers like them, each with as many requests as the broker hands out.")
			p.do(p.lab.Pause)
			p.stop(slow, fast) // the fast one gets the requests that the slow one has not started
			share, rate = round("--prefetch=100")
			p.fact(share > 0.4 && share <= 0.6, "it to do about half at prefetch 100", "prefetch 100: %.1f/s, it does %s", rate, text.Percent(share))
		},
	}
}

// scaling claims that the servers work at the same time, not rates: a busy machine changes rates.
func scaling() *Scenario {
	return &Scenario{
		Title:   "scaling: 1, 2, 4 servers",
		Happens: "16 calls are in flight all the time, for one server, then for two, then for four. The work is waiting, 0.2 s a call, so cores are no limit.",
		Watch:   "The throughput: it steps up when servers join (▲), to 5, 10 and 20 a second.",
		Why:     "All servers consume from one queue. If they are too slow, start another: neither clients nor servers need to know.",
		play: func(p *player) {
			each := 15 // calls for each server
			if p.cfg.Pace != 0 {
				each = 25 // 5 s, the period of the rates on the screen
			}
			var first float64
			var answered []int // servers that have answered, in each round
			running := 0
			for _, servers := range []int{1, 2, 4} {
				p.step("%s.", text.Plural(servers, "server, and 16 calls in flight all the time", "servers for the same load"))
				for ; running < servers; running++ {
					p.server("--delay=200ms")
				}
				if servers == 1 {
					p.do(p.lab.Resume)
				}
				p.completes(2 * servers) // warm up
				b := p.completes(each * servers)
				rate, working := b.rate(), p.maxAtWork(b)
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
				p.fact(working >= servers, fmt.Sprintf("%d servers at work at once", servers),
					"%d servers %.1f/s (%.1fx), %d at work at once", servers, rate, times, working)
			}
			// These differ if the user has started a server.
			p.fact(slices.Equal(answered, []int{1, 2, 4}), "1, 2 and 4 servers to answer", "answered by %d, %d and %d servers", answered[0], answered[1], answered[2])
		},
	}
}
