/*
Package fibserver is the command fibserver. It is not in package main because `rpcscope demo` starts
its own executable as a fibserver.

# Output

On stdout it prints " [x] Awaiting RPC requests" each time that it begins to consume and, without
--quiet, a line such as " [.] fib(30)" for each request that a worker begins, in that order.

# The log

The log on stderr has the format of --log-format (text or json) and the levels from Info up, with
--quiet from Warn up. A line is an event, its msg the event's name. Names and attributes are stable.
Durations are nanoseconds in JSON. LogObserver in rpcscope/amqprpc lists the events of the server.
In addition there are

	started     INFO  name queue pid prefetch workers algorithm max_n faults seed
	draining    INFO  queue signal COUNTS
	drained     INFO  queue after COUNTS

started is logged once, when fibserver first consumes. COUNTS are of all requests since the start:
requests, running (begun and not ended), answered, errors, panics, redelivered, expired, refused,
undeliverable, nacked, replayed, given_back, reconnects. An invalid body is answered with an error
that holds its first 40 bytes. The log holds no more of a body.

Characters that are not printable are escaped. The log is not bounded: anyone who can publish to the
queue can fill it.

A reader of stdout or stderr that stops reading (a pager, a terminal after Ctrl+S) delays neither
requests nor replies: 4096 lines wait and further ones are dropped. At its end fibserver waits for at
most 1 s for each. If it is killed, also by its own fault, the waiting lines are lost.

# Shutdown

At SIGINT, SIGTERM or SIGHUP (the last not under nohup) fibserver requeues the requests that it has
not begun, finishes and acks the others, and exits with 0. A second signal, at least 0.2 s later, ends
it at once with 130. Requests that were answered and not acked are answered twice then.
*/
package fibserver
