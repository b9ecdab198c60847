// Package pool runs server processes: it starts, stops, kills and restarts them, and
// reports how each one ended. tui/lab, the commands load and scale, and tests use it;
// it imports nothing of this module.
//
// A [Pool] runs any command that prints a ready line and ends on SIGTERM. Each process has
// a name, such as fib-1, that it keeps over restarts. The --name that it gets is longer,
// fib-1.4121@host, since servers of several programs may consume from one queue.
//
// All methods may be called from any goroutine. No goroutine of the pool is left when
// Close returns. Config.OnExit may call any method but Close. Config.Output must return
// soon and must not call the pool: the process waits for it.
//
// Of each line 4,096 bytes are kept, of each process the last 8 lines. Processes that
// have ended stay in the list, so that they can be restarted, until [Pool.Remove].
//
// Close ends all processes. If the program dies first, the kernel kills them on Linux; on
// other systems they live on. Each process is in a process group of its own: Ctrl+C and
// Ctrl+Z do not reach it, and Stop and Kill also signal its children (not on Windows).
//
// The broker's URL is passed in the environment, as AMQP_URL: any user can see arguments.
package pool
