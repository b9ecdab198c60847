package explain

import (
	"strings"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"rpcscope/amqprpc"
	"rpcscope/amqprpc/ledger"
	"rpcscope/server/pool"
	"rpcscope/tui/lab"
)

const (
	completed   = "Completed in 41.2 ms: fib-1 answered 832040."
	expired     = "It may have waited in the queue until it expired there and the broker dropped it; or a server dropped it, or one took it and has not replied."
	secondReply = " The second reply came 1.20 s after the first: "
)

type verdictCase struct {
	name  string
	tale  *tale
	pool  []pool.Status
	conn  ledger.Connection
	now   float64
	text  string
	alarm string
}

func verdictCases() []verdictCase {
	with := func(s said, change func(*said)) said {
		change(&s)
		return s
	}
	connected := ledger.Connection{Connected: true, Since: at(-time.Hour)}
	return []verdictCase{
		// In flight.
		{name: "waits for a connection", tale: newTale().sent(), now: 312, conn: ledger.Connection{Since: at(0)},
			text: "In flight for 312 ms: not yet published, it waits for a connection. Its deadline is in 4.69 s."},
		{name: "waits for an alarm", tale: newTale().sent(), now: 312, conn: ledger.Connection{Connected: true, Since: at(0), Blocked: true, BlockedReason: "low on memory\x1b"},
			text: `In flight for 312 ms: not yet published, the broker takes no requests (low on memory\x1b). Its deadline is in 4.69 s.`},
		{name: "waits", tale: newTale().sent(), now: 3, conn: connected,
			text: "In flight for 3.00 ms: not yet published. Its deadline is in 5.00 s."},
		{name: "published", tale: newTale().sent().published(0.4, 1), now: 312, conn: connected,
			text: "In flight for 312 ms: published 312 ms ago and not yet confirmed by the broker. Its deadline is in 4.69 s."},
		{name: "confirmed", tale: newTale().out(), now: 1000, conn: connected,
			text: "In flight for 1.00 s: published and confirmed after 1.20 ms, it is in the queue or a server works on it. Its deadline is in 4.00 s."},
		{name: "confirmed, overdue", tale: newTale().out(), now: 5003, conn: connected,
			text: "In flight for 5.00 s: published and confirmed after 1.20 ms, it is in the queue or a server works on it. Its deadline passed 3.00 ms ago."},
		{name: "retry due", tale: newTale().sent().published(0.4, 1).returned(1, 1).
			event(1, amqprpc.Event{Kind: amqprpc.EventRetry, Attempt: 1, Outcome: amqprpc.Unroutable, Delay: ms(100)}), now: 41, conn: connected,
			text: "In flight for 41.0 ms: attempt 1 came to nothing (unroutable), the next is due in 60.0 ms. Its deadline is in 4.96 s."},
		{name: "second attempt", tale: newTale().sent().published(0.4, 1).returned(1, 1).
			event(1, amqprpc.Event{Kind: amqprpc.EventRetry, Attempt: 1, Outcome: amqprpc.Unroutable}).published(101, 2), now: 141, conn: connected,
			text: "In flight for 141 ms: published (attempt 2) 40.0 ms ago and not yet confirmed by the broker. Its deadline is in 4.86 s."},

		// Answers.
		{name: "completed", tale: newTale().out().answer(41.2, fib1), text: completed},
		{name: "completed, wrong", tale: newTale().out().answer(41.2, fib1).event(41.3, amqprpc.Event{Kind: ledger.EventWrong, Text: "call 3: fib(30) is 55."}),
			text: completed + " The answer is wrong: call 3: fib(30) is 55."},
		{name: "completed, wrong, nobody says why", tale: newTale().out().answer(41.2, fib1).event(41.3, amqprpc.Event{Kind: ledger.EventWrong}),
			text: completed + " The answer is wrong."},
		{name: "completed by a stranger", tale: newTale().out().answer(41.2, said{}),
			text: "Completed in 41.2 ms: a server without a name answered 832040."},
		{name: "completed, empty", tale: newTale().out().event(41.2, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Answer, Outcome: amqprpc.Completed,
			Message: &amqprpc.Message{AppID: "fib-1"}}),
			text: "Completed in 41.2 ms: fib-1 answered with an empty body."},
		{name: "completed by hand", tale: newTale().out().answer(41.2, said{server: lab.InjectorName}),
			text: "Completed in 41.2 ms: a reply sent by hand answered 832040."},
		{name: "completed after a retry", tale: newTale().out().published(1000, 2).answer(1040, with(fib1, func(s *said) { s.attempt, s.received, s.replied = 2, 1001, 1039 })),
			text: "Completed in 1.04 s: fib-1 answered 832040, to attempt 2 of 2."},
		{name: "completed after a redelivery", tale: newTale().out().answer(1241, fib2),
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: probably a server died, lost its connection or gave it back before its ack."},
		{name: "completed after a death", tale: newTale().out().answer(1241, fib2), pool: []pool.Status{ended("fib-1", pool.Killed, 600), running("fib-2"), ended("fib-3", pool.Killed, -600)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-1 died meanwhile, so probably it had the request first."},
		{name: "completed after a redelivery, and died of it", tale: newTale().out().answer(1241, fib2), pool: []pool.Status{running("fib-1"), ended("fib-2", pool.Crashed, 1301)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: probably a server died, lost its connection or gave it back before its ack."},
		{name: "completed after a redelivery, died before its reply was here", tale: newTale().out().answer(1241, said{server: "fib-2", received: -1200, replied: -1160, redelivered: true}), pool: []pool.Status{ended("fib-2", pool.Crashed, 1240.9)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: probably a server died, lost its connection or gave it back before its ack."},
		{name: "completed after a redelivery, and was started again", tale: newTale().out().answer(1241, fib2), pool: []pool.Status{restarted("fib-2", 1260)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: probably a server died, lost its connection or gave it back before its ack."},
		{name: "completed after a redelivery, in its second life", tale: newTale().out().answer(1241, fib2), pool: []pool.Status{restarted("fib-2", 600)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-2 ended meanwhile, so probably it had the request first."},
		{name: "completed after a death that was noticed late", tale: newTale().out().answer(1241, fib2), pool: []pool.Status{ended("fib-1", pool.Killed, 1300), ended("fib-2", pool.Crashed, 1300)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-1 died meanwhile, so probably it had the request first."},
		{name: "remote", tale: newTale().out().answer(41.2, with(fib1, func(s *said) { s.code, s.body = "OUT_OF_RANGE", "n is above 45." })),
			text: "Failed after 41.2 ms: fib-1 answered with an error: OUT_OF_RANGE: n is above 45."},
		{name: "remote, hostile code", tale: newTale().out().answer(41.2, with(fib1, func(s *said) { s.code, s.body = "\x1b[31m", "\x1b[31m" })),
			text: `Failed after 41.2 ms: fib-1 answered with an error: UNKNOWN: \x1b[31m.`},

		// Duplicates.
		{name: "killed before its ack", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{ended("fib-1", pool.Killed, 50), running("fib-2")},
			text: completed + secondReply + "fib-1 died (killed) before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "crashed before its ack", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{ended("fib-1", pool.Crashed, 41.1), running("fib-2")},
			text: completed + secondReply + "fib-1 died (crashed) before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "stopped before its ack", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{ended("fib-1", pool.Stopped, 300)},
			text: completed + secondReply + "fib-1 was stopped before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "started again", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{restarted("fib-1", 500)},
			text: completed + secondReply + "fib-1 ended (it was started again since) before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "started again much later", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{restarted("fib-1", 60_000)},
			text: completed + secondReply + "fib-1 probably died, or lost its connection, before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "lost, and lives", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{running("fib-1"), running("fib-2")},
			text: completed + secondReply + "fib-1, which was still running, lost its connection or gave the request back before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "killed long after", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2), pool: []pool.Status{ended("fib-1", pool.Killed, 60_000)},
			text: completed + secondReply + "fib-1, which was still running, lost its connection or gave the request back before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "redelivered, nobody knows why", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2),
			text: completed + secondReply + "fib-1 probably died, or lost its connection, before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "redelivered to the same", tale: newTale().out().answer(41.2, fib1).dup(1241.2, with(fib2, func(s *said) { s.server = "fib-1" })), pool: []pool.Status{restarted("fib-1", 500)},
			text: completed + secondReply + "fib-1 ended (it was started again since) before its ack, the broker redelivered the request to fib-1 again, and the answer was the same. It was discarded."},
		{name: "redelivered to the same, which died of it", tale: newTale().out().answer(41.2, fib1).dup(1241.2, with(fib2, func(s *said) { s.server = "fib-1" })), pool: []pool.Status{ended("fib-1", pool.Crashed, 1300)},
			text: completed + secondReply + "fib-1, which was still running, lost its connection or gave the request back before its ack, the broker redelivered the request to fib-1 again, and the answer was the same. It was discarded."},
		{name: "replied twice", tale: newTale().out().answer(41.2, fib1).dup(41.9, fib1),
			text: completed + " The second reply came 700 µs after the first: fib-1 replied twice by itself (a fault, or a retry of its publish), and the answer was the same. It was discarded."},
		{name: "replied twice to a redelivery", tale: newTale().out().answer(1241.2, fib2).dup(1242.2, fib2), pool: []pool.Status{ended("fib-1", pool.Killed, 50)},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-1 died meanwhile, so probably it had the request first. The second reply came 1.00 ms after the first: fib-2 replied twice by itself (a fault, or a retry of its publish), and the answer was the same. It was discarded."},
		{name: "twice, without a word", tale: newTale().out().answer(41.2, said{server: "fib-1"}).dup(1241.2, said{server: "fib-1"}),
			text: completed + secondReply + "fib-1 replied twice, or the request was delivered to it twice (the replies do not say), and the answer was the same. It was discarded."},
		{name: "twice, without a name", tale: newTale().out().answer(41.2, said{}).dup(1241.2, said{}),
			text: "Completed in 41.2 ms: a server without a name answered 832040." + secondReply + "a server without a name replied twice, or the request was delivered to it twice (the replies do not say), and the answer was the same. It was discarded."},
		{name: "twice, once without a word", tale: newTale().out().answer(41.2, said{server: "fib-1"}).dup(1241.2, with(fib1, func(s *said) { s.received, s.replied = 1200, 1240 })),
			text: completed + secondReply + "fib-1 replied twice, or the request was delivered to it twice (the replies do not say), and the answer was the same. It was discarded."},
		{name: "the first delivery's own reply", tale: newTale().out().answer(1241, fib2).dup(2441, with(fib1, func(s *said) { s.replied = 2440 })), pool: []pool.Status{running("fib-1"), running("fib-2")},
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-1 had it first." + secondReply + "fib-1 had the request first, and its own reply came later than that of fib-2, to which it was redelivered, and the answer was the same. It was discarded."},
		{name: "the first delivery's own reply, of one that does not say", tale: newTale().out().answer(1241, fib2).dup(2441, said{server: "calc"}),
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: probably a server died, lost its connection or gave it back before its ack." + secondReply + "probably calc had the request first, and its own reply came later than that of fib-2, to which it was redelivered, and the answer was the same. It was discarded."},
		{name: "the first delivery's own reply, of the same server", tale: newTale().out().answer(1241, fib2).dup(2441, with(fib2, func(s *said) { s.received, s.replied, s.redelivered = 1, 2440, false })),
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-2 had it first." + secondReply + "fib-2 had the request twice, and its reply to the first delivery came later than that to the second, and the answer was the same. It was discarded."},
		{name: "several, the first delivery's among them", tale: newTale().out().answer(1241, fib2).dup(2441, with(fib1, func(s *said) { s.replied = 2440 })).dup(2442, fib2).dup(2443, with(fib1, func(s *said) { s.replied = 2440 })),
			text: "Completed in 1.24 s: fib-2 answered 832040. The request had been delivered before: fib-1 had it first. The second reply came 1.20 s after the first: fib-1 had the request first, and its own reply came later than that of fib-2, to which it was redelivered, and the answer was the same. 2 more replies came within 2.00 ms. All were discarded."},
		{name: "by two, without a word", tale: newTale().out().answer(41.2, said{server: "fib-1"}).dup(1241.2, said{server: "fib-2"}),
			text: completed + secondReply + "probably the broker redelivered the request to fib-2, which does not say, and the answer was the same. It was discarded."},
		{name: "queued twice", tale: newTale().out().answer(41.2, fib1).dup(1241.2, with(fib2, func(s *said) { s.redelivered = false })),
			text: completed + secondReply + "fib-2 got the request as if for the first time, so probably it was in the queue twice, and the answer was the same. It was discarded."},
		{name: "by hand", tale: newTale().out().answer(41.2, fib1).dup(1241.2, said{server: lab.InjectorName}),
			text: completed + secondReply + "it was sent by hand from this program, and the answer was the same. It was discarded."},
		{name: "after one by hand", tale: newTale().out().answer(41.2, said{server: lab.InjectorName}).dup(1241.2, fib2),
			text: "Completed in 41.2 ms: a reply sent by hand answered 832040." + secondReply + "the first one had been sent by hand, this one is fib-2's own, and the answer was the same. It was discarded."},
		{name: "replayed", tale: newTale().out().answer(41.2, fib1).dup(1241.2, with(fib2, func(s *said) { s.server, s.replayed = "fib-1", true })),
			text: completed + secondReply + "the broker redelivered the request to fib-1, which sent the reply that it had stored, and the answer was the same. It was discarded."},
		{name: "retried by the client", tale: newTale().out().published(500, 2).answer(541.2, with(fib1, func(s *said) { s.attempt = 1 })).
			dup(1741.2, with(fib2, func(s *said) { s.attempt, s.redelivered = 2, false })),
			text: "Completed in 541 ms: fib-1 answered 832040, to attempt 1 of 2." + secondReply + "the client had sent the request more than once, fib-1 answered attempt 1 and fib-2 attempt 2, and the answer was the same. It was discarded."},
		{name: "differ", tale: newTale().out().answer(41.2, fib1).dup(1241.2, with(fib2, func(s *said) { s.body = "832041" })), pool: []pool.Status{ended("fib-1", pool.Killed, 50)},
			text:  completed + secondReply + "fib-1 died (killed) before its ack, the broker redelivered the request to fib-2. It was discarded.",
			alarm: "The answers differ: 832040 and 832041."},
		{name: "an answer and none", tale: newTale().out().answer(41.2, fib1).event(41.9, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Duplicate, Message: &amqprpc.Message{AppID: "fib-2"}}),
			text:  completed + " The second reply came 700 µs after the first: probably the broker redelivered the request to fib-2, which does not say. It was discarded.",
			alarm: "The answers differ: 832040 and an empty body."},
		{name: "differ far behind", tale: newTale().out().answer(41.2, with(fib1, func(s *said) { s.body = strings.Repeat("a", 99) + "b" })).dup(41.9, with(fib1, func(s *said) { s.body = strings.Repeat("a", 99) + "c" })),
			text:  "Completed in 41.2 ms: fib-1 answered " + strings.Repeat("a", 31) + "…. The second reply came 700 µs after the first: fib-1 replied twice by itself (a fault, or a retry of its publish). It was discarded.",
			alarm: "The answers differ from byte 100 on; both begin with " + strings.Repeat("a", 31) + "…."},
		{name: "differ in length", tale: newTale().out().answer(41.2, with(fib1, func(s *said) { s.body = strings.Repeat("a", 99) })).dup(41.9, with(fib1, func(s *said) { s.body = strings.Repeat("a", 1100) })),
			text:  "Completed in 41.2 ms: fib-1 answered " + strings.Repeat("a", 31) + "…. The second reply came 700 µs after the first: fib-1 replied twice by itself (a fault, or a retry of its publish). It was discarded.",
			alarm: "The answers differ: both begin with " + strings.Repeat("a", 31) + "…, but one has 99 bytes and the other 1,100."},
		{name: "answer and error", tale: newTale().out().answer(41.2, fib1).dup(1241.2, with(fib2, func(s *said) { s.code, s.body = "INTERNAL", "832040" })),
			text:  completed + secondReply + "fib-1 probably died, or lost its connection, before its ack, the broker redelivered the request to fib-2. It was discarded.",
			alarm: "The answers differ: 832040 and INTERNAL: 832040."},
		{name: "died before its reply was here", tale: newTale().out().answer(41.2, said{server: "fib-1"}).dup(1241.2, fib2), pool: []pool.Status{ended("fib-1", pool.Crashed, 40)},
			text: completed + secondReply + "fib-1 died (crashed) before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},
		{name: "several", tale: newTale().out().answer(41.2, fib1).dup(1241.2, fib2).dup(2000, said{server: lab.InjectorName}).dup(2500, said{server: lab.InjectorName}),
			text: completed + secondReply + "fib-1 probably died, or lost its connection, before its ack, the broker redelivered the request to fib-2, and the answer was the same. 2 more replies came within 1.26 s. All were discarded."},
		{name: "several, one differs", tale: newTale().out().answer(41.2, fib1).dup(41.3, fib1).dup(2000, said{server: lab.InjectorName, body: "no"}),
			text:  completed + " The second reply came 100 µs after the first: fib-1 replied twice by itself (a fault, or a retry of its publish), and the answer was the same. 1 more reply came within 1.96 s. All were discarded.",
			alarm: "The answers differ: 832040 and no."},
		{name: "forgotten by the client", tale: newTale().out().answer(41.2, fib1).discarded(1241.2, amqprpc.Unknown, fib2),
			text: completed + " Another reply, of a call that the client had forgotten by then, came 1.20 s after the first: fib-1 probably died, or lost its connection, before its ack, the broker redelivered the request to fib-2, and the answer was the same. It was discarded."},

		// Failures.
		{name: "timeout, never published", tale: newTale().sent().failed(5000, amqprpc.Timeout, "deadline exceeded"),
			text: "Timed out after 5.00 s: it was never published, so no server has it."},
		{name: "timeout, no room", tale: newTale().sent().failed(5000, amqprpc.Timeout, "deadline exceeded: there was no room for another call in flight"),
			text: "Timed out after 5.00 s: it was never published (there was no room for another call in flight), so no server has it."},
		{name: "timeout, never confirmed", tale: newTale().sent().published(0.4, 1).failed(5000, amqprpc.Timeout, "deadline exceeded"),
			text: "Timed out after 5.00 s: it was published and the broker never confirmed it: whether a queue or a server has it, nobody can tell."},
		{name: "timeout, confirmed", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded"),
			text: "Timed out after 5.00 s: the broker confirmed the request after 1.20 ms, and no reply came. " + expired},
		{name: "timeout, confirmed, and the connection is another one", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded"), now: 9000, conn: ledger.Connection{Connected: true, Since: at(7 * time.Second)},
			text: "Timed out after 5.00 s: the broker confirmed the request after 1.20 ms, and no reply came. It may have waited in the queue until it expired there and the broker dropped it; or a server dropped it."},
		{name: "timeout, before the next attempt", tale: newTale().out().event(900, amqprpc.Event{Kind: amqprpc.EventRetry, Attempt: 1, Outcome: amqprpc.ConnectionLost, Delay: ms(100)}).failed(5000, amqprpc.Timeout, "deadline exceeded"),
			text: "Timed out after 5.00 s: attempt 1 came to nothing (connection lost), and its callback queue went with the connection, so no reply to it could come; the next attempt was never published."},
		{name: "timeout, returned, before the next attempt", tale: newTale().sent().published(0.4, 1).returned(1, 1).event(1, amqprpc.Event{Kind: amqprpc.EventRetry, Attempt: 1, Outcome: amqprpc.Unroutable, Delay: ms(9000)}).failed(5000, amqprpc.Timeout, "deadline exceeded"),
			text: "Timed out after 5.00 s: attempt 1 came to nothing (unroutable); the next attempt was never published."},
		{name: "timeout, in the second attempt", tale: newTale().out().event(900, amqprpc.Event{Kind: amqprpc.EventRetry, Attempt: 1, Outcome: amqprpc.ConnectionLost, Delay: ms(100)}).
			published(1000, 2).step(1001.2, amqprpc.EventConfirmed, 2).failed(5000, amqprpc.Timeout, "deadline exceeded"),
			text: "Timed out after 5.00 s: the broker confirmed the request after 1.20 ms, and no reply came. " + expired},
		{name: "timeout, confirmed afterwards", tale: newTale().sent().published(0.4, 1).failed(5000, amqprpc.Timeout, "deadline exceeded").step(5001, amqprpc.EventConfirmed, 1),
			text: "Timed out after 5.00 s: it was published, the broker confirmed it only afterwards, and no reply came."},
		{name: "timeout, returned", tale: newTale().sent().published(0.4, 1).returned(1, 1).failed(5000, amqprpc.Timeout, "deadline exceeded: rpc_queue: 312 NO_ROUTE"),
			text: "Timed out after 5.00 s: the broker had returned it (312 NO_ROUTE)."},
		{name: "late", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5312, said{server: "fib-2", received: 5, replied: 5311}),
			text: "Timed out after 5.00 s. fib-2's reply came 312 ms too late and was discarded."},
		{name: "late, as the client counts it", tale: newTale().out().failed(5000.4, amqprpc.Timeout, "deadline exceeded").event(5312, amqprpc.Event{Kind: amqprpc.EventReply,
			Class: amqprpc.Late, Outcome: amqprpc.Timeout, Since: 312 * time.Millisecond, Message: said{server: "fib-2"}.message(taleID)}),
			text: "Timed out after 5.00 s. fib-2's reply came 312 ms too late and was discarded."},
		{name: "late error", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5001.27, said{server: "fib-1", body: "too late", code: amqprpc.CodeDeadlineExceeded}),
			text: "Timed out after 5.00 s. fib-1's error reply (DEADLINE_EXCEEDED) came 1.27 ms too late and was discarded."},
		{name: "late error without a name", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5001.27, said{code: "\x1b[31m"}),
			text: "Timed out after 5.00 s. An error reply (UNKNOWN) from a server without a name came 1.27 ms too late and was discarded."},
		{name: "late, redelivered", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5312, fib2),
			text: "Timed out after 5.00 s. fib-2's reply, to a redelivered request, came 312 ms too late and was discarded."},
		{name: "late by hand", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5312, said{server: lab.InjectorName}),
			text: "Timed out after 5.00 s: the broker confirmed the request after 1.20 ms, and no reply came. " + expired + " A reply sent by hand from this program came 312 ms after that and was discarded."},
		{name: "late, twice", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").late(5312, said{server: "fib-2"}).late(6312, said{server: "fib-2", body: "832041"}),
			text:  "Timed out after 5.00 s. fib-2's reply came 312 ms too late. 1 more reply came within 1.00 s. All were discarded.",
			alarm: "The answers differ: 832040 and 832041."},
		{name: "late, forgotten", tale: newTale().out().failed(5000, amqprpc.Timeout, "deadline exceeded").discarded(700_000, amqprpc.Unknown, said{server: "fib-2"}),
			text: "Timed out after 5.00 s. fib-2's reply, of a call that the client had forgotten by then, came 11m35s too late and was discarded."},
		{name: "canceled", tale: newTale().out().failed(100, amqprpc.Canceled, "canceled"),
			text: "Canceled after 100 ms: the caller gave up. The broker confirmed the request after 1.20 ms, and no reply came. It may still wait in the queue; or a server dropped it, or one took it and has not replied."},
		{name: "late after canceled", tale: newTale().out().failed(20, amqprpc.Canceled, "canceled").late(41.2, fib1),
			text: "Canceled after 20.0 ms: the caller gave up. fib-1's reply came 21.2 ms after that and was discarded."},
		{name: "unroutable", tale: newTale().sent().published(0.4, 1).returned(1.1, 1).failed(1.1, amqprpc.Unroutable, "no queue took the request: rpc_queue: 312 NO_ROUTE"),
			text: "Returned by the broker after 1.10 ms: 312 NO_ROUTE, there is no queue 'rpc_queue'. No server has executed it."},
		{name: "unroutable, after an attempt", tale: newTale().out().published(100, 2).returned(101, 2).failed(101, amqprpc.Unroutable, "no queue took the request").late(141, fib1),
			text: "Returned by the broker after 101 ms: 312 NO_ROUTE, there is no queue 'rpc_queue'. An earlier attempt may have been executed. fib-1's reply came 40.0 ms after that and was discarded."},
		{name: "rejected", tale: newTale().sent().published(0.4, 1).step(3, amqprpc.EventNacked, 1).failed(3, amqprpc.Rejected, "the broker rejected the request"),
			text: "Rejected after 3.00 ms: the broker refused responsibility for the request (basic.nack), as a queue does that is full or has no leader. That nobody has executed it is likely, not certain."},
		{name: "rejected by way of a dead letter", tale: newTale().out().failed(30, amqprpc.Rejected, `the broker rejected the request: dead-lettered: "rejected"`),
			text: `Rejected after 30.0 ms: the request came back from a dead-letter queue (dead-lettered: "rejected").`},
		{name: "expired", tale: newTale().out().failed(4990, amqprpc.Expired, "the request expired in its queue: dead-lettered: expired").
			event(4990, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Late, Message: &amqprpc.Message{ReplyTo: "amq.gen", Body: []byte("30"), Headers: amqp.Table{"x-first-death-reason": "expired"}}}),
			text: "Expired after 4.99 s: the request grew too old in its queue, no server took it in time, and it came back from a dead-letter queue."},
		{name: "connection lost", tale: newTale().out().failed(120, amqprpc.ConnectionLost, "connection lost: EOF"),
			text: "The connection was lost after 120 ms (EOF), and the callback queue with it. The request may have been executed: nobody can tell."},
		{name: "closed", tale: newTale().out().failed(120, amqprpc.Closed, "closed"),
			text: "The client was closed after 120 ms, before a reply came. The request may be executed all the same."},
		{name: "closed, never published", tale: newTale().sent().failed(120, amqprpc.Closed, "closed"),
			text: "The client was closed after 120 ms, before a reply came. The request had not been published."},

		// Of no known call.
		{name: "unknown", tale: newTale().discarded(0, amqprpc.Unknown, fib1),
			text: "No call of this ID is known here: never sent, sent by another client, or forgotten since. Discarded. It came from fib-1."},
		{name: "unknown by hand", tale: newTale().discarded(0, amqprpc.Unknown, said{server: lab.InjectorName}),
			text: "A reply with an unknown ID, sent by hand from this program: no call is waiting for it. Discarded."},
		{name: "unknown, twice", tale: newTale().discarded(0, amqprpc.Unknown, fib1).discarded(1200, amqprpc.Unknown, fib1),
			text: "No call of this ID is known here: never sent, sent by another client, or forgotten since. Discarded. 2 replies of it came, the last 1.20 s after the first."},
		{name: "no ID", tale: newTaleOf("").discarded(0, amqprpc.Unknown, said{server: "\x1b]0;"}),
			text: `A reply without a correlation ID, from \x1b]0;: it cannot belong to any call. Discarded.`},
		{name: "a dead letter of a forgotten call", tale: newTale().event(0, deadLetter(amqprpc.Event{Class: amqprpc.Unknown})),
			text: "A request itself came back from a dead-letter queue (expired), no reply: its call was sent by another client, or forgotten since. Discarded."},
		{name: "a late dead letter of a forgotten call", tale: newTale().event(0, deadLetter(amqprpc.Event{Class: amqprpc.Late, Outcome: amqprpc.Timeout, Since: ms(312)})),
			text: "A request itself came back from a dead-letter queue (expired): its call had timed out 312 ms before and is no longer remembered. Discarded."},
		{name: "a dead letter and a reply of a forgotten call", tale: newTale().event(0, deadLetter(amqprpc.Event{Class: amqprpc.Unknown})).discarded(10, amqprpc.Unknown, fib1),
			text: "No call of this ID is known here: never sent, sent by another client, or forgotten since. Discarded. It came from fib-1. The request itself came back from a dead-letter queue."},
		{name: "a late error for a forgotten call", tale: newTale().event(0, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Late, Outcome: amqprpc.Timeout,
			Since: ms(312), Message: said{server: "fib-1", code: amqprpc.CodeInternal}.message(taleID)}),
			text: "A late error reply (INTERNAL) from fib-1: the call had timed out 312 ms before. The call itself is no longer remembered. Discarded."},
		{name: "duplicate of a forgotten call", tale: newTale().event(0, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Duplicate, Outcome: amqprpc.Completed,
			Since: ms(1200), AnsweredBy: "fib-1", Message: fib2.message(taleID)}),
			text: "A duplicate from fib-2: fib-1 had answered the call 1.20 s before. The call itself is no longer remembered. Discarded."},
		{name: "late for a forgotten call", tale: newTale().event(0, amqprpc.Event{Kind: amqprpc.EventReply, Class: amqprpc.Late, Outcome: amqprpc.Timeout,
			Since: ms(312), Message: fib2.message(taleID)}),
			text: "A late reply from fib-2: the call had timed out 312 ms before. The call itself is no longer remembered. Discarded."},
	}
}

func TestVerdict(t *testing.T) {
	for _, c := range verdictCases() {
		t.Run(c.name, func(t *testing.T) {
			got := Read(c.tale.inspect(), Circumstances{Now: epoch.Add(ms(c.now)), Pool: c.pool, Connection: c.conn}).Verdict()
			if got.Text != c.text {
				t.Errorf("text\n got %s\nwant %s", got.Text, c.text)
			}
			if got.Alarm != c.alarm {
				t.Errorf("alarm\n got %s\nwant %s", got.Alarm, c.alarm)
			}
		})
	}
}

func TestPhases(t *testing.T) {
	for _, c := range []struct {
		name string
		tale *tale
		want string
	}{
		{"by both clocks", newTale().sentLate(300).published(0.4, 1).answer(41.2, fib1),
			"300 ms late to start · 400 µs to publish · 600 µs in queue and on wire · 40.0 ms in fib-1 · 200 µs back"},
		{"without a clock", newTale().out().answer(41.2, said{server: "fib-1"}),
			"400 µs to publish · 40.8 ms from publish to reply"},
		{"of clocks that differ", newTale().out().answer(41.2, said{server: "fib-1", received: -2000, replied: -1960}),
			"400 µs to publish · 40.8 ms from publish to reply · 40.0 ms of it in fib-1 by its own clock, which differs from the one here"},
		{"of a clock that runs backwards", newTale().out().answer(41.2, said{server: "fib-1", received: 30, replied: 20}),
			"400 µs to publish · 40.8 ms from publish to reply · fib-1's times make no sense"},
		{"of a retry", newTale().out().published(1000.4, 2).answer(1041.2, said{server: "fib-1", received: 1001, replied: 1041, attempt: 2}),
			"400 µs to publish · 1.00 s in earlier attempts · 600 µs in queue and on wire · 40.0 ms in fib-1 · 200 µs back"},
		{"of a late reply", newTale().out().failed(5000, amqprpc.Timeout, "").late(5312, said{server: "fib-2", received: 4800.4, replied: 5311}),
			"400 µs to publish · 4.80 s in queue and on wire · 511 ms in fib-2 · 1.00 ms back"},
		{"of a call without a reply", newTale().out().failed(5000, amqprpc.Timeout, ""), ""},
		{"of a reply by hand", newTale().out().failed(5000, amqprpc.Timeout, "").late(5312, said{server: lab.InjectorName}), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.Join(Read(c.tale.inspect(), Circumstances{}).phases(), " · "); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
