// Package server is the fib service: what fibserver computes, what it refuses,
// and how it misbehaves when it is told to.
//
// A [Service] is two values for an amqprpc.Server: [Service.Handle], its handler,
// and [Service.Hooks], which carry out those injected faults that a handler alone
// cannot commit. Both may be called from any number of goroutines, and a Service
// starts none of its own, but for the end of a server that acks early.
//
// # Promises
//
// Results are exact for every n up to [Config.MaxN]; what is above is refused at
// once, however many digits it has. A computation ends soon after its context
// does: at n as great as [Algorithm.DefaultMaxN], within about two seconds, which is
// the longest single multiplication or division there.
//
// Work on a hostile body is one pass over it, without a copy; an error quotes 40
// bytes of it at most, escaped.
//
// Injected faults ([Faults]) are off in the zero value and cost nothing then. What
// is kept of a request for the hooks goes with the request, whether or not they
// ever run.
package server
