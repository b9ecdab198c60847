/*
Package fibserver is the command fibserver. It is apart from its main package as
`rpcscope demo` is a fibserver too, when it starts itself as one.

# What it prints

On stdout, " [x] Awaiting RPC requests" whenever it begins to consume, and unless it is --quiet a
line for each request that a worker takes up, in that order, such as " [.] fib(30)".

# The log

On stderr, in the format of --log-format (text or json), from Info up; with --quiet from
Warn up. One event is one line, its msg the event's name. Names and attributes are
stable; durations are nanoseconds in JSON. The table of LogObserver in rpcscope/amqprpc has the events of the
server. Besides those there are

	started     INFO  name queue pid prefetch workers algorithm max_n faults seed
	draining    INFO  queue signal COUNTS
	drained     INFO  queue after COUNTS

started comes once, when fibserver first consumes. COUNTS are of all requests since the start: requests, running
(begun, and without an end yet), answered, errors, panics, redelivered, expired, refused,
undeliverable, nacked, replayed, given_back, reconnects. A bad body is an error reply, with
its first 40 bytes in error; no more of a body is ever logged.

What is not printable is escaped, whoever wrote it. The log is not bounded: whoever can publish to
the queue can fill it.

A reader of stdout or stderr that stops reading (a pager, a terminal under Ctrl+S) holds up neither
requests nor replies: 4096 lines of each wait, and further ones are dropped. At its end fibserver
waits 1 s at most for each. If it is killed, by a fault of its own too, the lines that wait are lost.

# The end

At SIGINT, SIGTERM or SIGHUP (the last not under nohup) fibserver stops consuming, gives back
what it has not begun, finishes and acks the rest, and exits with 0. How long that may take is
for whoever sent the signal to say: a second one, at least 0.2 s later, ends it at once with
130, and SIGKILL does too. Then nothing is lost either: what was not acked goes back to the
queue, and another server answers it. What was answered and not yet acked is answered twice.
*/
package fibserver
