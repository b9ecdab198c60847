// Package load makes calls: a [Load] runs a [Plan] against a [Caller], which an
// amqprpc.Client is, and counts what became of them. It measures nothing itself:
// every request says when it was meant to start (Request.Intended), and the
// client's events carry that to whoever computes latencies.
//
// # Two models
//
// In the closed loop (Plan.Rate is 0), Plan.Concurrency workers each call, wait
// for the outcome, and call again. The slower the server, the fewer the calls. A
// call is meant to start when its worker is free.
//
// In the open model (Plan.Rate is above 0), call k is meant to start k/Rate
// seconds after the beginning, whatever became of the calls before it, as requests
// from many independent users would. Where a call cannot start on time, because
// Plan.Concurrency calls are outstanding or this machine is busy, it starts as
// soon as it can, with its true intended time: a stall shows in the response
// times of all the calls that it held up, and is not omitted. Calls that are due
// and have not started are the backlog.
//
// Which of the two it is, is fixed for the life of a Load, for their response
// times mean different things. Concurrency and rate can be changed while it runs.
//
// # Repeatable
//
// Request k comes from Plan.Source and a generator of random numbers that is
// seeded with Plan.Seed and k. So one seed gives one sequence of requests,
// whatever the interleaving, the model, the concurrency, and with or without a
// warm-up.
//
// # How it ends
//
// A run stops starting calls when Plan.Count have been started, when Plan.Duration
// is over, or after [Load.Stop]; outstanding calls then end as they would have
// ended, bounded by their own deadlines. When the context of [Load.Run] ends,
// outstanding calls are canceled with it. Either way Run returns when the last
// call has returned, and leaves no goroutine behind.
//
// Two errors of a call end the run, since every later call would fail alike:
// amqprpc.ErrClosed and amqprpc.ErrInvalidRequest. Run returns them.
//
// # Calls that fail at once
//
// A closed loop whose calls fail at once (there is no queue, the client is full)
// would be a loop at 100 % of a CPU, measuring nothing. So a worker begins its
// next call not earlier than 1 ms after the begin of one that failed; after two
// failures in a row 2 ms, then 4 ms, up to 100 ms. A call that took longer to fail,
// such as a timeout, is followed by the next one at once. An error that a server
// answered with (amqprpc.RemoteError) is an answer and no failure in this sense.
// The open model does not wait: its rate bounds it.
//
// # Who may do what
//
// All methods of a Load may be called from any goroutine, callbacks of the Plan
// included; only Run blocks. Plan.Source, Plan.Check and Plan.OnResult are called
// by many goroutines at the same time, one per outstanding call, and are in the
// way of the next call: they must be safe for that, and quick. No lock is held
// meanwhile.
//
// # Bounds
//
// There is one goroutine per outstanding call, at most [MaxConcurrency], plus up
// to 256 idle ones in the open model. The backlog is a number and takes no memory.
// In the open model one timer serves all calls: those that are due are started
// together, at most 10,000 times per second, so that above 10,000 calls per second
// a call can begin 0.1 ms later than intended by design. Besides, the timers of an
// otherwise idle process are late by 0.5 ms in the median and by 1 ms and more at
// worst (Linux, BenchmarkLateness). All this lateness counts as response time.
package load
