// Package server is the fib service: the handler that computes fib(n), the requests that it
// refuses, and the faults that it can inject. cmd/fibserver runs it on an amqprpc.Server;
// tui/lab uses [Algorithm.Fib] to check answers and [ParseFaults] to check a fault list.
//
// A [Service] has two values for an amqprpc.Server: the handler [Service.Handle], and
// [Service.Hooks], which inject the faults that a handler cannot. Both may be called from
// many goroutines.
//
// A computation stops soon after its context ends, but the conversion of the result to
// decimal digits does not: it takes seconds at [Algorithm.DefaultMaxN].
//
// A hostile body is read once and not copied; an error quotes at most 40 bytes of it, escaped.
package server
