// Package chaos holds a test and nothing else: calls under load while everything
// around them breaks, and the laws that hold all the same.
//
//	go test ./amqprpc/chaos -run TestChaos -chaos.for 5m -chaos.seed 42 -timeout 30m -v
//
// From one seed it makes a schedule of faults, prints it, and carries it out while two
// clients call fib servers: real fibserver processes, and one server in this process.
// The faults are those of the network (a proxy on each side: latency, jitter, bandwidth, frozen or lost
// in one direction or in both, cut, reset, refused), of the broker (stopped, killed, frozen, short
// of memory, closing its connections, keeping its confirms back), of the servers (killed, stopped,
// suspended, told to misbehave), and of messages (queues deleted, floods of foreign replies).
// Then all is healed, and the laws are held against what was seen:
//
//   - every call that began has exactly one outcome, and the caller, the events and the
//     ledger agree on it;
//   - no answer is wrong: each call asks for a number that no other asks for;
//   - every reply has exactly one class, and the one that its call's state demands;
//   - what is ErrNotExecuted was never in a server's hands;
//   - calls succeed again within a bounded time, and Close returns;
//   - nothing is left: no goroutine, no process, no queue but the request queue, no memory beyond
//     what is stated in the test.
//
// The schedule is a pure function of the seed and the length, so a run can be had again;
// what happens in it depends on the machine's timing all the same, as it must. In each of the four
// lines of the schedule (network, broker, servers, messages) one fault follows another; those of
// different lines overlap.
//
// The proxy is our own. Shopify's toxiproxy would do most of it, and brings the clients of
// Prometheus, protocol buffers, zerolog and a dozen further modules along, for two hundred lines.
package chaos
