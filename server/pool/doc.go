// Package pool runs server processes: it starts, stops, kills and restarts them, and
// says what became of each.
//
// A [Pool] runs any command that prints a line once it is ready and ends on SIGTERM,
// as fibserver does. Each process has a name, fib-1, fib-2 and so on, which it keeps over
// restarts and never shares. What it is told to call itself is longer, fib-1.4121@host, as
// servers of several programs may answer one queue.
//
// # Blocking and goroutines
//
// All methods may be called from any goroutine. [Pool.Start], [Pool.Stop],
// [Pool.Restart] and [Pool.Close] block until what they ask for has happened or their
// context ends; [Pool.Kill] until the process is gone, which is milliseconds;
// [Pool.List] never. Every goroutine of the pool has ended when Close returns.
//
// The callbacks of [Config] are called from the pool's goroutines, without a lock:
// they may call any method except Close, which waits for them. A process is never held
// up by them: its output is read on, and lines that a slow callback has no time
// for are dropped.
//
// # Memory
//
// Of each line the first 4,096 bytes are kept, of each process its last 8 lines. Ended
// processes stay in the list, so that they can be restarted, until Close or
// [Pool.Remove].
//
// # No process outlives the program
//
// Close ends them all. Where a program does not get that far:
//
//   - on Linux the kernel kills each process when the program dies, however it does
//     (kill -9 included), by PR_SET_PDEATHSIG;
//   - on Windows they belong to a job object that the system ends with the program;
//   - elsewhere (macOS, the BSDs) there is no such thing for a command that does not cooperate: after
//     kill -9, or a panic, of the program they live on.
//
// This holds for the processes that the pool starts. What such a process starts in
// its turn gets the same signals (not on Windows, where it ends with the pool), and on
// Linux it is killed when the process ends. After a kill -9 of the program only
// Windows sees to that.
//
// Processes are in process groups of their own, so Ctrl+C and Ctrl+Z at the
// terminal do not reach them: it is for the program to stop them.
//
// The address of the broker goes to them in the environment, as AMQP_URL, and not in their
// arguments, which any user can see.
package pool
