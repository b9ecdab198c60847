// Package load makes calls: a [Load] runs a [Plan] with a [Caller], such as an amqprpc.Client's Call, and counts the
// outcomes. It measures no latencies: each request says when it was meant to start (Request.Intended), and the
// client's events carry that to an observer that does.
//
// # Two models
//
// In the closed loop (Plan.Rate is 0), Plan.Concurrency workers each make one call after the other. The slower the
// server, the fewer the calls. A call is meant to start when its worker is free.
//
// In the open model (Plan.Rate is above 0), call k is meant to start k/Rate seconds after the beginning, whatever
// became of the calls before it, as requests from many independent users would. If a call cannot start on time,
// because Plan.Concurrency calls are outstanding or the machine is busy, it starts as soon as possible and keeps its
// intended time, so a stall shows in the response times of all the calls that it delayed. Calls that are due and
// have not started are the backlog.
//
// A Load keeps its model. Its concurrency and rate can be changed while it runs.
//
// # Repeatable
//
// Plan.Source makes request k with random numbers that depend on nothing but Plan.Seed and k. A seed gives the same
// requests in both models, at any concurrency, with or without a warm-up.
//
// # End
//
// A run stops starting calls after Plan.Count calls, after Plan.Duration, or after [Load.Stop]. Outstanding calls
// then end by themselves, at their own deadlines at the latest. If the context of [Load.Run] ends, outstanding calls
// are canceled. Run returns when the last call has returned, and leaves no goroutine behind.
//
// If a call fails with amqprpc.ErrClosed or amqprpc.ErrInvalidRequest, so would all others: Run returns the error.
//
// # Calls that fail at once
//
// A closed loop whose calls fail at once would use all of a CPU. So a worker starts its next call at least 1 ms after
// the start of one that failed, then 2 ms, 4 ms and so on up to 100 ms. An amqprpc.RemoteError causes no delay.
//
// # Concurrency
//
// All methods of a Load may be called from any goroutine, also by callbacks of the Plan. Plan.Source, Plan.Check and
// Plan.OnResult are called concurrently, by one goroutine for each outstanding call, and delay its next call.
// Timers of an idle process are late by about 0.5 ms (BenchmarkLateness), and response times include this.
package load
