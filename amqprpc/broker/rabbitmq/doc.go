// Package rabbitmq runs a private RabbitMQ node, or a cluster of them, for tests,
// from the RabbitMQ that is installed on the machine.
//
// It promises:
//
//   - Private. Ports are free ones on 127.0.0.1, the data and the Erlang cookie live in a temporary folder, and the
//     Erlang port mapper (epmd) is the node's own. It does not touch a RabbitMQ that runs on the machine, and needs
//     no root rights.
//   - No leftovers. [Node.Close] ends the node and its epmd and removes the folder. If this process dies without it, even
//     by kill -9, the operating system ends the node and epmd: by a parent-death signal on Linux, by the end of a pipe
//     on other Unix systems. Only the folder is left.
//   - No sleeping. [Start] returns when the node reports that it is ready. Its context and [Config.BootTimeout] bound it.
//   - The real server, with default settings but for addresses, logs and the limit of free disk space. Plugins that
//     are not enabled are not on its code path, since Erlang would search their folders for every module. That makes a
//     boot three times as fast.
//
// A node costs one to two seconds of CPU and about 140 MB. Tests that only need a broker share one and keep apart by
// queue names; see package brokertest. Tests that stop, freeze or alarm a node start one with [Own].
//
// All methods may be called from any goroutine. A node has a goroutine for each of its processes, which waits for its
// end: a test that looks for leaked goroutines starts the node first.
//
// Unix only: on other systems everything returns an error that wraps [errors.ErrUnsupported].
package rabbitmq
