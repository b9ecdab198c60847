// Package rabbitmq runs a private RabbitMQ node, or a cluster of them, for tests,
// from the RabbitMQ that is installed on the machine.
//
// What it promises:
//
//   - Private. Ports are free ones on 127.0.0.1, the data and the Erlang cookie
//     live in a temporary folder, and the Erlang port mapper (epmd) is one of its
//     own. A RabbitMQ that already runs on the machine is neither used nor
//     noticed, and no root rights are needed.
//   - No leftovers. [Node.Close] ends the node and its epmd and removes the
//     folder. If this process dies without it, even by kill -9, the operating
//     system ends the node and epmd: by a parent-death signal on Linux, by the
//     end of a pipe on other Unix systems. Only the folder is left then.
//   - No sleeping. [Start] returns when the node says that it is ready, and not
//     before; it is bounded by its context and by [Config.BootTimeout].
//   - The real thing. The server is the installed one, at its defaults but for
//     addresses and logs and the limit of free disk space. Plugins that are not
//     enabled are left off its code path, since Erlang would search their
//     folders for every module: this alone makes a boot about three times as fast.
//
// A node of its own costs one to two seconds of CPU and about 140 MB. So tests
// that only need a broker share one, and keep apart by queue names: that is what the
// package brokertest is for. Tests that stop, freeze or alarm a node start one with [Own].
//
// All methods may be called from any goroutine. While a node lives, a goroutine
// for each of its processes waits for its end; a test that looks for leaked
// goroutines starts its node first and then ignores those that are there.
//
// Unix only: elsewhere everything returns an error that wraps [errors.ErrUnsupported].
package rabbitmq
