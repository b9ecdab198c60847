package tour

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"rpcscope/amqprpc"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
	"rpcscope/tui/text"
)

// The scenarios of this file have calls that fail.

func noServer() *Scenario {
	const timeout = time.Second
	return &Scenario{
		Title:   "no queue, no server, then a server",
		Happens: "One call is made without a queue, one with a queue but no server, which waits for 1 s, and one with a server.",
		Watch:   "The failed calls, and why each failed. The server gets only the last one.",
		Lane:    Ended,
		Why:     "A missing queue is known at once. A missing server is not: only a deadline ends that call, and the broker drops the request with it.",
		play: func(p *player) {
			p.step("A call is made. There is no queue for it.")
			first := p.call()
			p.step("A server starts, declares the queue, and is stopped: the queue stays.")
			p.stop(p.server())
			p.step("A call is made that waits for %g s. Nobody takes it out of the queue.", timeout.Seconds())
			p.setTimeout(timeout)
			second := p.call()
			p.setTimeout(30 * time.Second)
			p.step("A server starts, and one more call is made.")
			server := p.server(p.delay(0, 500*time.Millisecond))
			third := p.call()
			p.fact(first.Outcome == amqprpc.Unroutable, "no queue: unroutable", "no queue: %s within %s", outcome(first), text.Duration(max(elapsed(first), time.Millisecond)))
			// The deadline counts from a moment before the call was sent.
			p.fact(second.Outcome == amqprpc.Timeout && !second.Ended.Before(second.Deadline), "no server: a timeout after 1 s",
				"no server: %s after %s", outcome(second), text.Duration(elapsed(second)))
			p.fact(third.Outcome == amqprpc.Completed, "a server: completed", "a server: %s", outcome(third))
			n := replies(p.snapshot(), server)
			p.fact(n == 1, "1 request answered by "+server, "%s answered by %s", text.Plural(n, "request", "requests"), server)
		},
	}
}

func badRequests() *Scenario {
	bodies := []struct{ name, body, code string }{
		{"abc", "abc", amqprpc.CodeInvalidArgument},
		{"-5", "-5", amqprpc.CodeInvalidArgument},
		{"10^12", "1" + strings.Repeat("0", 12), amqprpc.CodeOutOfRange},
		{"nothing", "", amqprpc.CodeInvalidArgument},
	}
	return &Scenario{
		Title:   "abc, -5, 10^12, nothing: bad requests",
		Happens: "The server is asked for the fib of abc, of -5, of 10^12 and of nothing. Each is answered with an error. Then a good request comes.",
		Watch:   "The failed calls. Press enter on one for its code and why.",
		Lane:    Ended,
		Why:     "If a server crashes on a bad request, the next server gets it, and crashes too; an error reply breaks the cycle.",
		play: func(p *player) {
			p.step("A server starts.")
			server := p.server(p.delay(0, 300*time.Millisecond))
			var want, got []string
			ok := true
			for _, b := range bodies {
				p.step("It is asked for the fib of %s.", b.name)
				code := outcome(p.result(p.start(func() string { return p.lab.CallWith(b.body) })))
				ok = ok && code == b.code
				want = append(want, b.name+" "+b.code)
				got = append(got, b.name+" "+code)
			}
			p.fact(ok, strings.Join(want, ", "), "%s", strings.Join(got, ", "))
			p.step("It is asked for the fib of 20, as it should be.")
			after := p.call()
			p.fact(after.Outcome == amqprpc.Completed && pool.ShortNames(after.Server) == server, "a number answered by "+server, "a number: %s by %s", outcome(after), cmp.Or(after.Server, "nobody"))
			p.factLives(server)
		},
	}
}

func connectionDrops() *Scenario {
	const before, after = 50, 200
	return &Scenario{
		Title:   "the connection drops under load",
		Happens: "Sixteen calls are in flight all the time. Then the client's connection is cut, as by a failing network, and it connects again.",
		Watch:   "How many fail (✗): the key o shows only them. At the top right the time of the connection starts again, and calls complete again.",
		Lane:    Ended,
		Why:     "Replies to a lost callback queue never come. Calls in flight fail at once and do not wait for their timeout.",
		play: func(p *player) {
			p.step("Two servers start, and the load begins: %d calls in flight.", loadConcurrency)
			// With different delays there is always a call in flight.
			p.server("--workers=8", "--prefetch=8", p.delay(20*time.Millisecond, 200*time.Millisecond))
			p.server("--workers=8", "--prefetch=8", p.delay(33*time.Millisecond, 330*time.Millisecond))
			p.do(p.lab.Resume)
			p.until("calls complete", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed >= before })
			p.step("The connection is cut, as by a failing network. The client connects again by itself.")
			p.do(p.lab.DropConnection)
			at := p.snapshot().Ledger.Calls.Completed
			// More than can be on their way.
			p.until("calls complete again", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.Completed >= at+after })
			p.step("The load ends, and the last calls get their answers.")
			p.do(p.lab.Pause)
			p.until("all calls have ended", func(snap lab.Snapshot) bool { return snap.Ledger.Calls.InFlight == 0 })
			ended := p.snapshot().Ledger
			lost, c := ended.Failures.ConnectionLost, ended.Calls
			p.fact(lost > 0 && lost <= loadConcurrency, fmt.Sprintf("from 1 to %d calls failed as connection_lost", loadConcurrency), "%d failed as connection_lost", lost)
			p.fact(c.Failed == lost, "none failed otherwise", "%d failed otherwise", c.Failed-lost)
			conn := ended.Connection
			p.fact(conn.Connected && conn.Epochs == 2, "connected again once", "connected again %s", text.Plural(conn.Epochs-1, "time", "times"))
			p.fact(c.Sent == c.Completed+c.Failed && c.Completed >= before+after, "the others completed",
				"%d sent = %d completed + %d failed", c.Sent, c.Completed, c.Failed)
		},
	}
}

func serverPanics() *Scenario {
	const calls = 3
	return &Scenario{
		Title:   "the server panics",
		Happens: "The server's handler has a bug: it panics on each request. Three calls are made, one after the other.",
		Watch:   "Three failed calls, remote errors of the code INTERNAL, and one server that runs on.",
		Lane:    Ended,
		Why:     "A bug in one request must not stop the others. The caller learns only that the server has failed.",
		play: func(p *player) {
			p.step("A server starts whose handler panics at each request.")
			server := p.faultyServer("panic", p.delay(0, 300*time.Millisecond))
			internal := 0
			got := ""
			for i := range calls {
				p.step("Call %d of %d is made.", i+1, calls)
				story := p.call()
				if got = outcome(story); got == amqprpc.CodeInternal && pool.ShortNames(story.Server) == server {
					internal++
				}
			}
			line := fmt.Sprintf("%d of %d answered with %s", internal, calls, amqprpc.CodeInternal)
			if internal < calls {
				line += ", the last: " + got
			}
			p.fact(internal == calls, fmt.Sprintf("%d of %d answered with %s", calls, calls, amqprpc.CodeInternal), "%s", line)
			p.factLives(server)
		},
	}
}
