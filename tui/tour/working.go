package tour

import "fmt"

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
			p.server("--workers=8", "--prefetch=8", "--delay=5ms")
			p.server("--workers=32", "--prefetch=32")
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
	const calls = 60
	const fast, slow = "--delay=5ms", "--delay=50ms"
	return &Scenario{
		Title:   "fair dispatch: prefetch 1 against 100",
		Happens: "Two servers share 60 calls; one needs ten times as long as the other. First each gets one request at a time, then as many as there are.",
		Watch:   "How long the second half takes, and the servers' shares, where the screen has room for them.",
		Why:     "With a high prefetch the broker deals requests out like cards, and the fast server idles while the slow one has a pile.",
		play: func(p *play) {
			half := func(prefetch string) (share float64, took string) {
				quick := p.server(prefetch, fast)
				lame := p.server(prefetch, slow)
				b := p.burst(calls)
				p.stop(quick, lame)
				return b.share(quick), seconds(b.took())
			}
			share, took := half("--prefetch=1")
			p.fact(share > 0.67, "the fast server to do over two thirds at prefetch 1", "prefetch 1: the fast server did %s in %s", percent(share), took)
			share, took = half("--prefetch=100")
			p.fact(share > 0.4 && share < 0.6, "it to do about half at prefetch 100", "prefetch 100: %s in %s", percent(share), took)
		},
	}
}

// scaling is the same work on more and more servers.
func scaling() *Scenario {
	const calls = 40
	return &Scenario{
		Title:   "scaling: 1, 2, 4 servers",
		Happens: "The same 40 calls are made to one server, then to two, then to four. The work is waiting, 75 ms a call, so cores are no limit.",
		Watch:   "In flight empties twice as fast each time, and the servers' shares stay even.",
		Why:     "All servers take from one queue. If they are too slow, start another: neither clients nor servers need to know.",
		play: func(p *play) {
			var rates [3]float64
			running := 0
			for i := range rates {
				for ; running < 1<<i; running++ {
					p.server("--delay=75ms")
				}
				rates[i] = p.burst(calls).rate()
			}
			p.fact(rates[0] > 0, "calls to be answered", "1 server %.0f/s", rates[0])
			for i, least := range []float64{1.5, 2.5} {
				servers, now := 2<<i, rates[i+1]
				times := 0.0
				if rates[0] > 0 {
					times = now / rates[0]
				}
				p.fact(times >= least, fmt.Sprintf("%d servers to do at least %.1f times that", servers, least), "%d servers %.0f/s (%.1fx)", servers, now, times)
			}
		},
	}
}
