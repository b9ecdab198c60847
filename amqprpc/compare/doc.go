// Package compare contains only a benchmark: whole RPC systems, a client and a server
// each, run by turns on one broker.
//
//	go test ./amqprpc/compare -run '^$' -bench Systems -benchtime 1x
//	.ci/rabbitmq-from sid go test ./amqprpc/compare -run '^$' -bench Systems -benchtime 1x
//	go test ./amqprpc/compare -run '^$' -bench 'Systems/inflight=64$' -benchtime 1x -systems plain,ours -rounds 9 -turn 2s
//
// It prints one table in Markdown. It takes about two minutes by default; -rounds and -turn make it
// shorter or longer, -bench and -systems choose from it. The systems:
//
//   - plain: amqp091-go and nothing else. UUIDs as correlation IDs, one goroutine that sends a
//     request for each reply, a server that replies to each request and then acks it. No confirms,
//     no mandatory, no deadlines.
//   - coalesced: plain, with a net.Conn that coalesces the writes during a write, and
//     with one ack for several requests. It shows the limit of amqp091-go.
//   - ours: amqprpc.Client.Call, one goroutine for each call in flight, with confirms and
//     mandatory, and amqprpc.Server.
//   - ours-no-confirms: the same with Config.NoConfirms.
//   - load+fibserver: the commands rpcscope load and fibserver.
//
// Client, server and broker are processes of their own, so that the CPU time of each is known. All systems
// use a durable classic queue, transient messages and bodies of a few bytes, and answer at once. The
// prefetch is above the calls in flight, except at the last level: there it is 1, and a server works
// on one request at a time.
//
// A turn is a closed loop: a call begins when another ends, until the time is up. The rate counts all
// calls, and the time until the last one ended. In each round each system has one turn. A ratio is
// to the first system in the same round, and the table has the median, the least and the greatest of
// all rounds. Other load on the machine falls on a whole round more or less, and so
// changes the ratio less than the rate. With much of it, take more rounds.
//
// The CPU time is of all turns, divided by all calls. That of load+fibserver includes the start of
// load and its connection (about 10 ms a turn), and the calls of load's warm-up are estimated by its rate.
package compare
