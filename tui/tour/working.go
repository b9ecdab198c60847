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
		Happens: "Two servers start, a slow one and a fast one. Then a thousand calls are made at once, #1 to #1000. Every request names the same queue for its reply.",
		Watch:   "The numbers before the IDs. Calls are completed in another order than they were made.",
		Why:     "A queue for each call is costly. The correlation ID tells whose reply it is, so one queue will do.",
		Lane:    Ended,
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

// fairDispatch is the same load at prefetch 1 and at prefetch 100.
func fairDispatch() *Scenario {
	return &Scenario{
		Title:   "fair dispatch: prefetch 1 against 100",
		Happens: "Two servers share 16 calls in flight; one needs ten times as long as the other. First each gets one request at a time, then up to a hundred.",
		Watch:   "How many a second each server answers, and the throughput. At prefetch 100 the calls in flight grow old.",
		Why:     "With a high prefetch the broker deals requests out like cards, and the fast server idles while the slow one has a pile.",
		play: func(p *play) {
			var quick, lame string
			half := func(prefetch string) (share, rate, busy float64) {
				quick = p.server(prefetch, p.delay(20*time.Millisecond, 50*time.Millisecond))
				lame = p.server(prefetch, p.delay(200*time.Millisecond, 500*time.Millisecond))
				p.do(p.lab.Resume)
				p.answers(lame, 6) // by then it has its pile, if it is dealt one
				b := p.answers(lame, 8)
				return b.share(quick), b.rate(), p.atWork(b.batch)
			}
			p.step("Prefetch 1: a fast and a slow server, each with one request at a time.")
			share, rate, busy := half("--prefetch=1")
			p.fact(share > 0.6, "the fast server to do over 60 % at prefetch 1", "prefetch 1: %.1f/s, the fast server does %s, %.1f at work at once",
				rate, percent(share), busy)
			p.step("Prefetch 100: two others like them, but each has as many requests as it is dealt.")
			p.do(p.lab.Pause)
			p.stop(lame, quick) // what the first one has not begun goes to the other
			share, rate, busy = half("--prefetch=100")
			p.fact(share > 0.4 && share <= 0.6 && busy < 1.5, "it to do about half at prefetch 100, and to idle", "prefetch 100: %.1f/s, it does %s, %.1f at work at once",
				rate, percent(share), busy)
		},
	}
}

// scaling is the same load on more and more servers. How much they do in a second depends
// on what else the machine does; that they work at the same time does not.
func scaling() *Scenario {
	return &Scenario{
		Title:   "scaling: 1, 2, 4 servers",
		Happens: "16 calls are in flight all the time, for one server, then for two, then for four. The work is waiting, 0.2 s a call, so cores are no limit.",
		Watch:   "The throughput: it steps up where servers come (▲), to 5, 10 and 20 a second.",
		Why:     "All servers take from one queue. If they are too slow, start another: neither clients nor servers need to know.",
		play: func(p *play) {
			each := 15 // calls for each server
			if !p.pace.none() {
				each = 25 // 5 s, as long as rates are taken over
			}
			var first float64
			var answered []int // by how many servers, in each round
			running := 0
			for _, servers := range []int{1, 2, 4} {
				p.step("%s.", things(servers, "server, and 16 calls in flight all the time", "servers for the same load"))
				for ; running < servers; running++ {
					p.server("--delay=200ms")
				}
				if servers == 1 {
					p.do(p.lab.Resume)
				}
				p.completes(2 * servers) // what is new takes longer at first
				b := p.completes(each * servers)
				rate, busy := b.rate(), p.atWork(b.batch)
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
