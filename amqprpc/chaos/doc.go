// Package chaos contains only a test: calls under load while network, broker and servers fail, and the laws that
// hold nevertheless.
//
//	go test ./amqprpc/chaos -run TestChaos -chaos.for 5m -chaos.seed 42 -timeout 30m -v
//
// From a seed it makes a schedule of faults, prints it, and carries it out while two clients call fib servers: real
// fibserver processes, and one server in this process. The faults are those of the network (a proxy on each side:
// latency, jitter, bandwidth, frozen or lost in one direction or in both, cut, reset, refused), of the broker
// (stopped, killed, frozen, short of memory, closing its connections, withholding its confirms), of the servers
// (killed, stopped, suspended, misbehaving), and of messages (queues deleted, floods of foreign replies). Then all
// faults are healed, and the laws are checked against the evidence:
//
//   - every call that began has exactly one outcome, and the caller, the events and the ledger agree on it;
//   - no answer is wrong: each call asks for a number that no other asks for;
//   - every reply has exactly one class, and the one that its call's state demands;
//   - a request that is ErrNotExecuted was never received by a server;
//   - calls succeed again within a bounded time, and Close returns;
//   - nothing is left: no goroutine, no process, no queue but the request queue, no memory beyond the bound in the
//     test.
//
// The schedule is a pure function of the seed and the length, so it can be repeated; the effects depend on the
// machine's timing. In each of the four lines of the schedule (network, broker, servers, messages) one fault follows
// another; those of different lines overlap.
//
// The proxy is part of this package. Shopify's toxiproxy would do nearly the same, but depends on the clients of
// Prometheus, protocol buffers, zerolog and a dozen further modules.
package chaos
